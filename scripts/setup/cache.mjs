/*
 * The cache of everything that set-up makes once: shared by all checkouts of a user, safe when two set-ups run at once.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sleep } from './processes.mjs';

/** Root of the checkout. */
export const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Whether the module at this path is the program that was started, also through a symbolic link. */
export const isProgram = (path) => process.argv[1] !== undefined && realpathSync(process.argv[1]) === path;

/** Directory of the cache: `REHOST_CACHE`, else `rehost` in the user's cache directory. Made when absent. */
export function cacheDirectory() {
  const chosen =
    process.env.REHOST_CACHE || join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'rehost');
  mkdirSync(chosen, { recursive: true });
  return chosen;
}

/** Writes a file so that readers see the former or the new content, never a part. */
export function writeWhole(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}

/** What earlier set-ups resolved, or an empty object. */
export function readToolchain() {
  try {
    return JSON.parse(readFileSync(join(cacheDirectory(), 'toolchain.json'), 'utf8'));
  } catch {
    return {}; // absent or damaged: everything is resolved again
  }
}

/** Adds resolved paths to `toolchain.json`; other keys stay. */
export function recordToolchain(entries) {
  const content = { ...readToolchain(), ...entries };
  writeWhole(join(cacheDirectory(), 'toolchain.json'), `${JSON.stringify(content, null, 2)}\n`);
}

/**
 * Runs `work` while no other process of this user runs work under the same name.
 *
 * The lock is a directory with the holder's pid; one whose holder is gone is taken over.
 */
export async function withLock(name, work) {
  const lock = join(cacheDirectory(), 'locks', name);
  mkdirSync(dirname(lock), { recursive: true });
  while (!takeLock(lock)) {
    if (!holderLives(lock)) rmSync(lock, { recursive: true, force: true });
    else await sleep(250);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function takeLock(lock) {
  try {
    mkdirSync(lock);
    writeFileSync(join(lock, 'pid'), String(process.pid));
    return true;
  } catch (error) {
    if (error.code === 'EEXIST' || error.code === 'ENOENT') return false;
    throw error;
  }
}

function holderLives(lock) {
  const record = join(lock, 'pid');
  if (!existsSync(record)) {
    // Between mkdir and the pid's write lies an instant: only a lock that stays empty is dead.
    try {
      return Date.now() - statSync(lock).mtimeMs < 5000;
    } catch {
      return false;
    }
  }
  try {
    process.kill(Number(readFileSync(record, 'utf8')), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
