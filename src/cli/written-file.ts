import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { failure, type RehostFailure } from '../failures.js';

/**
 * Writes a file that a person named; a new one is readable by its owner only, unless a mode says otherwise.
 * @throws UsageInvalid when it cannot be written
 */
export function writeNamedFile(file: string, text: string, mode = 0o600): void {
  try {
    writeFileSync(file, text, { mode });
  } catch (cause) {
    throw cannotWrite(file, cause);
  }
}

/** Answers nothing when a file could be written; for before long work whose result goes there. @throws UsageInvalid */
export function assertWritable(file: string): void {
  try {
    const exists = existsSync(file);
    if (exists && statSync(file).isDirectory())
      throw Object.assign(new Error('a directory'), { code: 'EISDIR' });
    accessSync(exists ? file : dirname(file), constants.W_OK);
  } catch (cause) {
    throw cannotWrite(file, cause);
  }
}

function cannotWrite(file: string, cause: unknown): RehostFailure {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  return failure(
    'UsageInvalid',
    {
      message: `${file} cannot be written (${code}${code in REASONS ? `: ${REASONS[code as keyof typeof REASONS]}` : ''})`,
      hint: 'Name a file in a directory that exists and where you may write, then run the command again.',
    },
    { cause },
  );
}

const REASONS = {
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'a part of the path is no directory',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the file system is full',
} as const;
