/* The compiled program in dist, made when the sources have changed since. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot, withLock, writeWhole } from './cache.mjs';

const SOURCES = ['src', 'lab'];
const FILES = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/bundle.mjs'];
const stampPath = join(projectRoot, 'dist', '.built-from');

/** Builds unless dist was built from these very sources; answers whether the program is there. */
export function ensureBuilt() {
  return withLock(
    `build-${createHash('sha256').update(projectRoot).digest('hex').slice(0, 12)}`,
    async () => {
      const wanted = sourceDigest();
      if (existsSync(stampPath) && readFileSync(stampPath, 'utf8') === wanted) return true;
      process.stderr.write('setup: building, about 15 s\n');
      const built = (await runVisibly('npm', ['run', '--silent', 'build'])) === 0;
      if (built) writeWhole(stampPath, wanted);
      return built;
    },
  );
}

function sourceDigest() {
  const hash = createHash('sha256');
  const inFolders = SOURCES.flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true })
      .map((name) => join(folder, name))
      .filter((name) => name.endsWith('.ts')),
  );
  for (const file of [...inFolders, ...FILES].sort()) {
    hash.update(`${file}\0`).update(readFileSync(join(projectRoot, file)));
  }
  return hash.digest('hex');
}

/**
 * Runs a program in the project's directory with our own output, on stderr alone, and answers its exit status.
 *
 * Options: `env` (added), `timeoutMs` (then its process group is ended and the status is 124), `stdout` (`inherit` lets
 * it write to our stdout; default: its stdout goes to our stderr).
 */
export function runVisibly(program, args, { env = {}, timeoutMs, stdout = 2 } = {}) {
  return new Promise((resolve) => {
    const limited = timeoutMs !== undefined;
    const child = spawn(program, args, {
      cwd: projectRoot,
      env: { ...process.env, ...env },
      stdio: ['inherit', stdout, 'inherit'],
      detached: limited, // a time limit must reach what the program started, too
    });
    let timedOut = false;
    const end = (signal) => {
      try {
        process.kill(limited ? -child.pid : child.pid, signal);
      } catch {
        // already gone
      }
    };
    const timer = limited
      ? setTimeout(() => {
          timedOut = true;
          end('SIGKILL');
        }, timeoutMs)
      : undefined;
    const forward = (signal) => end(signal);
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, forward);
    const settle = (status) => {
      clearTimeout(timer);
      for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, forward);
      resolve(timedOut ? 124 : status);
    };
    child.on('error', () => settle(127));
    child.on('close', (code) => settle(code ?? 130));
  });
}
