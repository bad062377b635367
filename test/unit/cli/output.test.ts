import { exitCodeOf } from '../../../src/cli/exit-codes.js';
import { printFailure, printResult, table } from '../../../src/cli/output.js';
import { failure, FAILURES } from '../../../src/failures.js';
import { recordingIo } from '../../recording-io.js';

const recording = (colour = false) => recordingIo({ colour });

describe('printFailure', () => {
  const denied = failure('SshDenied', {
    message: 'host db-1 denied the login',
    detail: 'one\ntwo',
    hint: 'Install the key.',
  });

  it('prints message, detail and hint on stderr and nothing on stdout', () => {
    const { io, out, err } = recording();
    expect(printFailure(io, 'table', denied)).toBe(FAILURES.SshDenied.exitCode);
    expect(out()).toBe('');
    expect(err()).toBe('error: host db-1 denied the login\n  one\n  two\nhint: Install the key.\n');
  });

  it('colours only where colours are allowed', () => {
    const plain = recording(false);
    const colourful = recording(true);
    printFailure(plain.io, 'table', denied);
    printFailure(colourful.io, 'table', denied);
    expect(plain.err()).not.toContain('\u001b');
    expect(colourful.err()).toContain('\u001b[31m');
  });

  it('calls an error outside the catalogue a defect and shows its stack', () => {
    const { io, err } = recording();
    expect(printFailure(io, 'table', new TypeError('x is undefined'))).toBe(1);
    expect(err()).toContain('please report');
    expect(err()).toContain('output.test');
  });
});

describe('printResult', () => {
  it('gives one line per item in jsonl', () => {
    const { io, out } = recording();
    printResult(io, 'jsonl', { text: '', value: [{ a: 1 }, { a: 2 }] });
    expect(out()).toBe('{"a":1}\n{"a":2}\n');
  });
});

describe('table', () => {
  it('aligns columns and leaves no blanks at the ends of lines', () => {
    expect(
      table([
        ['A', 'LONG', 'C'],
        ['aaa', 'b', ''],
      ]),
    ).toBe('A    LONG  C\naaa  b');
  });
});

describe('exitCodeOf', () => {
  it.each([
    ['done', 0],
    ['gate', 6],
    ['parked', 13],
    ['rolled-back', 9],
    ['abandoned', 1],
    ['cancelled', 1],
    ['running', 7],
    ['rolling-back', 7],
    ['stopping', 7],
  ] as const)('is the documented one for a run that is %s', (state, code) => {
    expect(exitCodeOf(state)).toBe(code);
  });
});
