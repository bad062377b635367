import { RehostFailure } from '../failures.js';
import { red, type Io } from './io.js';

/** How results are printed on stdout. `json` and `jsonl` are a stable interface, `table` is not. */
export type OutputMode = 'table' | 'json' | 'jsonl';

/** All output modes, for the flag. */
export const OUTPUT_MODES: readonly OutputMode[] = ['table', 'json', 'jsonl'];

/** A result in its three forms: rows or text for people, values for programs. */
export interface Printable {
  /** Whole text for `table`. */
  readonly text: string;
  /** The value for `json`; an array gives one line per item in `jsonl`. */
  readonly value: unknown;
}

/** Prints a result on stdout. */
export function printResult(io: Io, mode: OutputMode, result: Printable): void {
  if (mode === 'table') {
    io.out(result.text.endsWith('\n') ? result.text : `${result.text}\n`);
    return;
  }
  if (mode === 'json') {
    io.out(`${JSON.stringify(result.value, null, 2)}\n`);
    return;
  }
  const items: readonly unknown[] = Array.isArray(result.value) ? result.value : [result.value];
  for (const item of items) io.out(`${JSON.stringify(item)}\n`);
}

/** Rows as aligned columns with two spaces between them; the first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_cell, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A failure as JSON: what `-o json` prints on stderr. */
export function failureJson(error: RehostFailure): object {
  return {
    error: {
      type: error.type,
      message: error.message,
      ...(error.detail === undefined ? {} : { detail: error.detail }),
      hint: error.hint,
      exitCode: error.exitCode,
    },
  };
}

/** Prints a failure on stderr, as message, detail, hint, or as one JSON object when results are JSON; answers the exit code. */
export function printFailure(io: Io, mode: OutputMode, error: unknown): number {
  const known = error instanceof RehostFailure ? error : asUnexpected(error);
  if (mode === 'table') {
    io.err(`${red(io, 'error:')} ${known.message}\n`);
    if (known.detail !== undefined) io.err(`${indent(known.detail)}\n`);
    io.err(`hint: ${known.hint}\n`);
    if (known.type === 'Unexpected' && error instanceof Error && error.stack !== undefined)
      io.err(`${indent(error.stack)}\n`);
  } else {
    io.err(`${JSON.stringify(failureJson(known))}\n`);
  }
  return known.exitCode;
}

const indent = (text: string): string =>
  text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');

function asUnexpected(error: unknown): RehostFailure {
  return new RehostFailure(
    'Unexpected',
    {
      message: error instanceof Error ? error.message : String(error),
      hint: 'This is a defect of rehost: please report it with the command and this output.',
    },
    { cause: error },
  );
}
