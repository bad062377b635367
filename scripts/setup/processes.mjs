/* Running programs from the set-up scripts: no shell, output captured or logged, a time limit on everything. */
import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Resolves after `ms` milliseconds. */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Runs a program and answers `{ status, stdout, stderr, timedOut }`; a program that is not there has status 127.
 *
 * Options: `cwd`, `env` (added to the environment), `input`, `timeoutMs` (default 10 min; its process group is ended),
 * `onOutput(text)` for each piece of output, `log` (file descriptor that receives all output).
 */
export function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: true, // an own process group: a time-out ends what the program started, too
    });
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    const end = () => {
      timedOut = true;
      stopGroup(child.pid);
    };
    const timer = setTimeout(end, options.timeoutMs ?? 600_000);
    options.abort?.addEventListener('abort', end);
    const settle = (status) => {
      clearTimeout(timer);
      resolve({ status, stdout, stderr, timedOut });
    };
    child.stdout.on('data', (data) => {
      stdout += data;
      options.onOutput?.(String(data));
    });
    child.stderr.on('data', (data) => {
      stderr += data;
      options.onOutput?.(String(data));
    });
    child.on('error', (error) => {
      stderr += error.message;
      settle(127);
    });
    child.on('close', (code) => settle(code ?? 1));
    if (options.input !== undefined) {
      child.stdin.on('error', () => undefined); // the program may end before it read everything; its status tells
      child.stdin.end(options.input);
    }
  });
}

function stopGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // already gone
  }
}

/** Runs a program that must succeed and answers its stdout; the error carries the last lines it printed. */
export async function check(program, args, options = {}) {
  const result = await run(program, args, options);
  if (result.status !== 0) {
    const why = result.timedOut ? 'took too long' : `exited with ${result.status}`;
    throw new Error(
      `${[program, ...args].join(' ')} ${why}\n${lastLines(result.stderr || result.stdout, 20)}`,
    );
  }
  return result.stdout;
}

/** The last `count` lines of a text. */
export const lastLines = (text, count) => text.trimEnd().split('\n').slice(-count).join('\n');

/** Absolute path of a program on PATH, or undefined. */
export function findProgram(name) {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    if (directory !== '' && isExecutable(join(directory, name))) return join(directory, name);
  }
  return undefined;
}

/** Whether a path is a program this user may run. */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether this is root on a system with Debian's package manager: then missing programs can be installed. */
export function canInstallPackages() {
  return process.getuid?.() === 0 && findProgram('apt-get') !== undefined;
}

let packageLists;

/** Installs Debian packages without questions. Waits for another installation to end; lists are updated once. */
export async function installPackages(...names) {
  const options = ['-o', 'DPkg::Lock::Timeout=600', '-y', '-q'];
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  packageLists ??= run('apt-get', ['update', '-q', '-o', 'DPkg::Lock::Timeout=600'], { timeoutMs: 180_000 });
  await packageLists;
  await check('apt-get', ['install', '--no-install-recommends', ...options, ...names], { env });
}

/** The system's identification (`ID`, `VERSION_CODENAME`, …) from os-release; empty where there is none. */
export function osRelease() {
  try {
    const lines = readFileSync('/etc/os-release', 'utf8').split('\n');
    return Object.fromEntries(
      lines
        .filter((line) => line.includes('='))
        .map((line) => {
          const [key, ...value] = line.split('=');
          return [key, value.join('=').replace(/^"|"$/g, '')];
        }),
    );
  } catch {
    return {};
  }
}
