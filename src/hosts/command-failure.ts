import { failure, type RehostFailure } from '../failures.js';
import { quoteWord, toShellLine, type Argv } from '../formats/shell.js';
import { describeEnd } from './command-end.js';
import type { CommandResult } from './host.js';

/** The last lines of an output, for details of failures; empty when there is none. */
export function lastLines(text: string, count = 20): string {
  const lines = text.trimEnd().split('\n');
  return lines.slice(-count).join('\n').slice(-4_000);
}

/**
 * The argv of a script: its values stand in front of its text, each quoted once, and not behind it as `sh -c` would
 * have them. An execution log keeps the first 2 KiB of a command, and what a script worked on must be among them.
 */
export function scriptArgv(text: string, args: readonly string[]): Argv {
  return [
    'sh',
    '-eu',
    '-c',
    args.length === 0 ? text : `${toShellLine(['set', '--', ...args])}\n${text}`,
    'rehost',
  ];
}

/** A command for messages: long words are cut, of a script only its values are told. */
export function shortArgv(argv: Argv): string {
  const [program, options, , text = ''] = argv;
  if (program === 'sh' && options === '-eu') {
    const values = /^set -- (.*)/.exec(text)?.[1] ?? '';
    return `a script of rehost with ${values === '' ? 'no values' : cut(values, 300)}`;
  }
  return argv.map((word) => cut(quoteWord(word), 100)).join(' ');
}

const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length)}…` : text;

/** CommandFailed, or DiskFull where the command says so, with how it ended and its last 20 lines of stderr. */
export function commandFailed(host: string, argv: Argv, result: CommandResult): RehostFailure {
  const message = `${programOf(argv)} on host ${host} ${describeEnd(result.end)}`;
  const detail = [`The command was ${shortArgv(argv)}.`, lastLines(result.stderr)].join('\n').trim();
  if (NO_SPACE.test(result.stderr)) {
    const hint = `Make room on ${host} ("df -h", "df -i"), then run "rehost retry".`;
    return failure('DiskFull', { message: `${message}: a file system is full`, detail, hint });
  }
  const hint = 'Put right what the last lines say on the host, then run "rehost retry".';
  return failure('CommandFailed', { message, detail, hint });
}

/** How programs report ENOSPC and EDQUOT in the C locale. */
export const NO_SPACE = /No space left on device|Disk quota exceeded/;

const programOf = (argv: Argv): string => (argv[0] === 'sh' && argv[1] === '-eu' ? 'a command' : argv[0]);
