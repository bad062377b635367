/*
 * The cache of everything that set-up makes once: shared by all checkouts of a user, safe when two set-ups run at once.
 */
import { randomUUID } from 'node:crypto';
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

// No set-up takes that long: an older lock is one whose pid was given to another process.
const LONGEST_HOLD_MS = 2 * 3_600_000;

/**
 * Runs `work` while no other process of this user runs work under the same name.
 *
 * The lock is a directory with the holder's pid; one whose holder is gone is taken over.
 */
export async function withLock(name, work) {
  const lock = join(cacheDirectory(), 'locks', name);
  mkdirSync(dirname(lock), { recursive: true });
  while (!(await takeLock(lock))) {
    if (!holderLives(lock)) rmSync(lock, { recursive: true, force: true });
    else await sleep(200);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

async function takeLock(lock) {
  const owner = `${process.pid} ${randomUUID()}`;
  try {
    mkdirSync(lock);
    writeFileSync(join(lock, 'owner'), owner);
    // Two that find the same dead lock may each remove it, and the second removes the first one's new lock.
    await sleep(50);
    return readFileSync(join(lock, 'owner'), 'utf8') === owner;
  } catch (error) {
    if (error.code === 'EEXIST' || error.code === 'ENOENT') return false;
    throw error;
  }
}

function holderLives(lock) {
  try {
    const age = Date.now() - statSync(lock).mtimeMs;
    if (age > LONGEST_HOLD_MS) return false;
    if (!existsSync(join(lock, 'owner'))) return age < 5000; // between mkdir and the owner's write lies an instant
    process.kill(Number.parseInt(readFileSync(join(lock, 'owner'), 'utf8'), 10), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM'; // somebody else's process; any other error means that the holder is gone
  }
}
