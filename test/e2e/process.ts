/*
 * The command line as a process of its own, from the sources: what signals, exit codes and standard streams are.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { callCli } from '../recording-io.js';

const ROOT = join(__dirname, '..', '..');

/** How a process ended and what it wrote. `code` is null when a signal ended it. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A running command line. */
export interface Running {
  readonly pid: number;
  /** Settles when the process has ended and its streams are closed. */
  readonly ended: Promise<Ended>;
  /** The first match on stdout or stderr; fails when the process ends without one. */
  told(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  /** What a terminal does that is closed: nobody reads any more, and SIGHUP. */
  hangUp(): void;
}

/** Starts `rehost ARGV` in a directory, with these variables over those of this process. */
export function startRehost(
  argv: readonly string[],
  how: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Running {
  // By its path: a name after --import is looked up from the working directory.
  const loader = pathToFileURL(join(ROOT, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href;
  const child = spawn(process.execPath, ['--import', loader, join(ROOT, 'src', 'cli', 'main.ts'), ...argv], {
    cwd: how.cwd,
    env: { ...process.env, ...how.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  const looks = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    looks.forEach((look) => look());
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
    looks.forEach((look) => look());
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    kill: (signal) => void child.kill(signal),
    hangUp: () => {
      child.stdout.destroy();
      child.stderr.destroy();
      child.kill('SIGHUP');
    },
    told: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(out) ?? pattern.exec(err);
          if (match !== null) resolve(match);
        };
        looks.add(look);
        look();
        void ended.then(
          () => reject(new Error(`it ended without ${String(pattern)}:\n${out}\n${err}`)),
          reject,
        );
      }),
  };
}

/** Runs `rehost ARGV` to its end. */
export const runRehost = (...call: Parameters<typeof startRehost>): Promise<Ended> =>
  startRehost(...call).ended;

/** Runs `rehost ARGV` in this process, without a terminal and without an environment. */
export const callRehost = (argv: readonly string[]): Promise<Ended & { readonly code: number }> =>
  callCli(argv);
