import type { Io } from '../src/cli/io.js';
import { runCli } from '../src/cli/program.js';

/** A process without a terminal, an environment or a person, with what it wrote; `change` replaces single members. */
export function recordingIo(change: Partial<Io> = {}): {
  readonly io: Io;
  readonly out: () => string;
  readonly err: () => string;
} {
  let out = '';
  let err = '';
  const io: Io = {
    out: (text) => (out += text),
    err: (text) => (err += text),
    env: {},
    interactive: false,
    colour: false,
    ask: () => Promise.resolve(undefined),
    interrupted: new AbortController().signal,
    ...change,
  };
  return { io, out: () => out, err: () => err };
}

/** Runs one command line in this process. */
export async function callCli(
  argv: readonly string[],
  change: Partial<Io> = {},
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const { io, out, err } = recordingIo(change);
  return { code: await runCli(argv, io), out: out(), err: err() };
}
