import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { toShellLine, type Argv } from '../../../src/formats/shell.js';
import { afterMarker, remoteLine, sudoRefusal } from '../../../src/hosts/remote-line.js';

/** What a program gets as its words when a real shell runs the line, as sshd does. */
const wordsThrough = (shell: string, line: string): string[] =>
  execFileSync(shell, ['-c', line], { env: { PATH: process.env['PATH'], SHLVL: '1' } })
    .toString()
    .split('\0')
    .slice(0, -1);
const probe = (words: readonly string[]): Argv => ['printf', '%s\\0', ...words];

const NASTY = [
  '',
  ' ',
  "'",
  "''",
  '"',
  '\\',
  '\\\\',
  '$HOME',
  '$(id)',
  '`id`',
  '*',
  '?',
  '[a]',
  '~',
  '~root',
  '#',
  '!',
  '!!',
  '&&',
  '|',
  ';',
  '>',
  '<',
  '\n',
  'a\nb',
  '\t',
  '-n',
  '--',
  '{a,b}',
  '%s',
  '\u0001',
  'é',
  '漢字',
  '🙂',
  'a=b',
  "it's",
  "'; id; '",
  '\r\n',
  '$',
  '${IFS}',
  '\\n',
];

describe('toShellLine', () => {
  it.each(NASTY)('gives the word %j unchanged to a program', (word) => {
    expect(wordsThrough('sh', toShellLine(probe([word])))).toEqual([word]);
  });

  it.each(['sh', 'bash'])('gives any words unchanged through %s', (shell) => {
    const word = fc.oneof(
      fc.constantFrom(...NASTY),
      fc
        .string({ unit: 'binary' })
        .filter((text) => !text.includes('\0') && Buffer.from(text).toString() === text),
    );
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), (words) => {
        expect(wordsThrough(shell, toShellLine(probe(words)))).toEqual(words);
      }),
      { numRuns: 60 },
    );
  });
});

describe('remoteLine', () => {
  it('runs the argv under a time limit after its marker, whatever the words are', () => {
    const line = remoteLine({ argv: probe(NASTY), sudo: false, timeoutMs: 5_000, marker: 'mark' });
    const output = execFileSync('sh', ['-c', `echo noise; ${line}`]);
    expect(afterMarker(output, 'mark')?.toString().split('\0').slice(0, -1)).toEqual(NASTY);
  });

  it('ends a command that is too slow with status 124', () => {
    const line = remoteLine({ argv: ['sleep', '30'], sudo: false, timeoutMs: 1, marker: 'mark' });
    expect(() => execFileSync('sh', ['-c', line], { stdio: 'pipe' })).toThrow(
      expect.objectContaining({ status: 124 }) as Error,
    );
  });

  it('asks sudo without a password and ends its options before the command', () => {
    const line = remoteLine({ argv: ['id'], sudo: true, timeoutMs: 60_000, marker: 'mark' });
    expect(line).toContain('exec sudo -n -- timeout -k 5 60 id');
  });
});

describe('afterMarker', () => {
  it('answers undefined when the shell never reached the command', () => {
    expect(afterMarker(Buffer.from('This account is currently not available.\n'), 'mark')).toBeUndefined();
  });
});

describe('sudoRefusal', () => {
  it.each([
    [1, 'sudo: a password is required'],
    [1, 'sudo: a terminal is required to read the password; either use the -S option'],
    [1, 'alice is not in the sudoers file.  This incident will be reported.'],
    [1, "Sorry, user alice is not allowed to execute '/usr/bin/id' as root on host."],
    [1, 'sudo: /usr/bin/sudo must be owned by uid 0 and have the setuid bit set'],
    [127, 'sh: 1: exec: sudo: not found'],
    [127, 'bash: line 1: exec: sudo: not found'],
    [127, 'bash: line 1: sudo: command not found'],
  ])('finds a refusal in status %i and "%s"', (status, line) => {
    expect(sudoRefusal(status, `noise\n${line}\n`)).toBe(line);
  });

  it.each([
    [0, 'sudo: a password is required'],
    [1, 'sudo: unable to resolve host db-1: Name or service not known'],
    [1, 'grep: sudo: No such file or directory'],
    [2, 'sudo: a password is required'],
  ])('finds none in status %i and "%s"', (status, line) => {
    expect(sudoRefusal(status, line)).toBeUndefined();
  });
});
