import { execFileSync } from 'node:child_process';
import { toShellLine } from '../../../src/formats/shell.js';
import {
  fenceDropInText,
  fenceEffects,
  fenceLines,
  unfenceEffects,
  unfenceLines,
} from '../../../src/contracts/service-shell.js';
import { executablesOf } from '../../../src/hosts/fence.js';
import { renderFragment } from '../../../src/hosts/undo-file.js';

const fenced = { unit: 'rstudio-pm.service', migration: 'm-1' };
const former = { ...fenced, enabled: true, active: true };
const commandsOf = (effects: ReturnType<typeof fenceEffects>): string[] =>
  effects.flatMap((effect) => (effect.kind === 'command' ? [toShellLine(effect.argv)] : []));

describe('the fence', () => {
  it('asserts instead of conditioning, so that a start fails loudly', () => {
    expect(fenceDropInText('m-1')).toMatch(/^AssertPathExists=\/nonexistent\//m);
    expect(fenceDropInText('m-1')).not.toContain('Condition');
  });
  it('previews every command of its lines', () => {
    const lines = fenceLines(fenced).filter((line) => !line.startsWith('printf'));
    expect(commandsOf(fenceEffects('source', fenced))).toEqual(lines);
  });
  it('previews every changing command of the lines that take it down', () => {
    const text = unfenceLines(former).join('\n');
    for (const command of commandsOf(unfenceEffects('source', former))) expect(text).toContain(command);
    expect(unfenceLines({ ...former, enabled: false, active: false }).join('\n')).not.toMatch(/enable|start/);
  });
  it('is text that a POSIX shell parses', () => {
    for (const lines of [fenceLines(fenced), unfenceLines(former)])
      execFileSync('sh', ['-n', '-c', lines.join('\n')]);
  });
  it('adds .service to a bare name', () => {
    expect(fenceLines({ ...fenced, unit: 'rstudio-pm' })).toEqual(fenceLines(fenced));
  });
});

describe('executablesOf', () => {
  it.each([
    [
      '{ path=/opt/pm/bin/pm ; argv[]=/opt/pm/bin/pm --config x ; ignore_errors=no ; start_time=[n/a] }',
      ['/opt/pm/bin/pm'],
    ],
    [
      '{ path=/usr/bin/python3 ; argv[]=/usr/bin/python3 -u /opt/pm/pm.py --x ; ignore_errors=no ; }',
      ['/opt/pm/pm.py'],
    ],
    ['{ path=/usr/bin/env ; argv[]=/usr/bin/env python3 /opt/pm.py ; ignore_errors=no ; }', ['/opt/pm.py']],
    ['{ path=/bin/sh ; argv[]=/bin/sh -c exit ; ignore_errors=no ; }', []],
    ['', []],
  ])('reads %s', (text, wanted) => {
    expect(executablesOf(text)).toEqual(wanted);
  });
});

describe('renderFragment', () => {
  const fragment = {
    sequence: 3,
    step: 'fence',
    title: 'Stop it',
    order: 'clean-up',
    shell: ['a', 'b'],
    otherHosts: [],
  } as const;
  it('is a heading and one block', () => {
    expect(renderFragment(fragment)).toBe('### Step 3, fence: Stop it\n\n```sh\na\nb\n```\n');
  });
  it('refuses lines that would end its block', () => {
    expect(() => renderFragment({ ...fragment, shell: ['cat <<E\n```\nE'] })).toThrow('Markdown fence');
  });
});
