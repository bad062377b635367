import type { Command } from 'commander';
import { EXIT } from '../../../src/cli/exit-codes.js';
import { createProgram } from '../../../src/cli/program.js';
import { FAILURES } from '../../../src/failures.js';
import { recordingIo } from '../../recording-io.js';
import { documents, read } from './documents.js';

const program = createProgram(recordingIo().io, { code: 0 });

/** Code of a document: inline spans, and lines of blocks with their continuation lines joined. */
function codeOf(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^ *```(\w*)\n(.*?)^ *```/gms)]
    .filter((match) => ['', 'sh', 'text', 'console'].includes(match[1] ?? ''))
    .flatMap((match) => (match[2] ?? '').replaceAll('\\\n', ' ').split('\n'));
  const spans = [...text.replace(/^ *```.*?^ *```/gms, '').matchAll(/`([^`]+)`/g)].map((match) =>
    (match[1] ?? '').replaceAll('\n', ' '),
  );
  return [...blocks, ...spans];
}

interface Call {
  readonly file: string;
  readonly line: string;
  readonly words: readonly string[];
}

/** Calls of rehost: the verb and what follows, up to a comment, a pipe or the end of a quoted hint. */
const calls: readonly Call[] = documents.flatMap((file) =>
  codeOf(read(file)).flatMap((line) =>
    [...line.replace(/\s#.*$/, '').matchAll(/(?:^|[\s"(])rehost ((?:[a-z]|--?[a-z]).*?)(?=$|\||;|&&)/g)].map(
      (match) => ({
        file,
        line: line.trim(),
        words: (match[1] ?? '').replace(/"[^"]*"/g, 'QUOTED').split(/\s+/),
      }),
    ),
  ),
);

function commandOf(words: readonly string[]): { command: Command; rest: readonly string[] } | undefined {
  const [verb = '', ...rest] = words;
  const found = program.commands.find((command) => command.name() === verb);
  if (found === undefined || found.commands.length === 0) {
    return found === undefined ? undefined : { command: found, rest };
  }
  const [inner = '', ...more] = rest;
  const nested = found.commands.find((command) => command.name() === inner);
  // "rehost lab up|down" and the like name several at once.
  return nested === undefined ? { command: found, rest: [] } : { command: nested, rest: more };
}

describe('commands in the documents', () => {
  it('are there to be checked', () => {
    expect(calls.length).toBeGreaterThan(40);
  });

  it.each(calls.filter(({ words }) => !(words[0] ?? '').startsWith('-')))(
    '$file names a command that there is: $line',
    ({ words }) => {
      expect(program.commands.map((command) => command.name())).toContain(words[0]);
    },
  );

  it.each(calls)('$file uses flags that the command has: $line', ({ words }) => {
    const found = commandOf(words);
    const flags = (found?.rest ?? [])
      .slice(0, words.includes('--') ? words.indexOf('--') : undefined)
      .map((word) => /^--[a-z][a-z-]*/.exec(word)?.[0])
      .filter((flag) => flag !== undefined && flag !== '--help');
    const known = found?.command.options.map((option) => option.long) ?? [];
    expect(flags.filter((flag) => !known.includes(flag ?? ''))).toEqual([]);
  });

  it('name every command of the program in the reference', () => {
    const reference = read('docs/cli.md');
    const missing = program.commands
      .map((command) => command.name())
      .filter((name) => !new RegExp(`rehost ${name}\\b`).test(reference));
    expect(missing).toEqual([]);
  });

  it('have every exit code in the reference, and no other', () => {
    const listed = [...read('docs/cli.md').matchAll(/^\| (\d+) \|/gm)].map((row) => Number(row[1]));
    const used = [...Object.values(EXIT), ...Object.values(FAILURES).map(({ exitCode }) => exitCode)];
    expect(listed).toEqual([...new Set(used)].sort((left, right) => left - right));
  });
});
