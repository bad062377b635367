import { classifyClose, describeEnd } from '../../../src/hosts/command-end.js';

describe('classifyClose', () => {
  it.each([
    [0, undefined, { kind: 'exited', exitStatus: 0 }, 'exited 0'],
    [7, undefined, { kind: 'exited', exitStatus: 7 }, 'exited 7'],
    [127, undefined, { kind: 'exited', exitStatus: 127 }, 'exited 127 (command not found)'],
    [137, undefined, { kind: 'exited', exitStatus: 137 }, 'exited 137 (ended by signal 9)'],
    [192, undefined, { kind: 'exited', exitStatus: 192 }, 'exited 192 (ended by signal 64)'],
    [255, undefined, { kind: 'exited', exitStatus: 255 }, 'exited 255'],
    [null, 'SIGKILL', { kind: 'killed', exitSignal: 'SIGKILL' }, 'was killed by SIGKILL'],
    [undefined, undefined, { kind: 'disconnected' }, 'lost its connection'],
    [null, undefined, { kind: 'disconnected' }, 'lost its connection'],
  ] as const)('tells close(%p, %p) as %j', (code, signal, end, words) => {
    expect(classifyClose(code, signal)).toEqual(end);
    expect(describeEnd(classifyClose(code, signal))).toBe(words);
  });
});
