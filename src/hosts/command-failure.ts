import { failure, type RehostFailure } from '../failures.js';
import { toShellLine, type Argv } from '../formats/shell.js';
import { describeEnd } from './command-end.js';
import type { CommandResult } from './host.js';

/** The last lines of an output, for details of failures; empty when there is none. */
export function lastLines(text: string, count = 20): string {
  const lines = text.trimEnd().split('\n');
  return lines.slice(-count).join('\n').slice(-4_000);
}

/** A command for messages: words longer than 100 characters are cut, a script's text is not repeated. */
export function shortArgv(argv: Argv): string {
  const [program, ...args] = argv;
  const words = program === 'sh' && args[0] === '-eu' ? ['sh', '-eu', '-c', '…', ...args.slice(3)] : argv;
  return toShellLine(
    words.map((word) => (word.length > 100 ? `${word.slice(0, 100)}…` : word)) as unknown as Argv,
  );
}

/** CommandFailed with how the command ended and its last 20 lines of stderr. */
export function commandFailed(host: string, argv: Argv, result: CommandResult): RehostFailure {
  return failure('CommandFailed', {
    message: `${programOf(argv)} on host ${host} ${describeEnd(result.end)}`,
    detail: [`The command was ${shortArgv(argv)}.`, lastLines(result.stderr)].join('\n').trim(),
    hint: 'Put right what the last lines say on the host, then run "rehost retry".',
  });
}

const programOf = (argv: Argv): string => (argv[0] === 'sh' && argv[1] === '-eu' ? 'a command' : argv[0]);
