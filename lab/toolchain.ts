import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { failure } from '../src/failures.js';

/** What `npm run setup` resolved, as it stands in `toolchain.json` of the cache. */
interface Toolchain {
  readonly temporal?: string;
  readonly chromium?: string;
  readonly pip?: string;
}

/** Directory of all that set-up made: `REHOST_CACHE`, else `rehost` in the user's cache directory. Made when absent. */
export function cacheDirectory(): string {
  const { REHOST_CACHE, XDG_CACHE_HOME } = process.env;
  const chosen = REHOST_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'rehost');
  mkdirSync(chosen, { recursive: true });
  return chosen;
}

/** Path of the Temporal CLI: `TEMPORAL_CLI`, else what set-up found, else PATH. @throws ToolMissing */
export function temporalCli(): string {
  return tool({
    name: 'the Temporal CLI',
    variable: 'TEMPORAL_CLI',
    key: 'temporal',
    programs: ['temporal'],
  });
}

/** Path of a Chromium: `CHROMIUM`, else what set-up found, else PATH. @throws ToolMissing */
export function chromium(): string {
  return tool({ name: 'Chromium', variable: 'CHROMIUM', key: 'chromium', programs: ['chromium'] });
}

/** Path of a Python that has pip (`PATH -m pip`): what set-up found, else PATH. @throws ToolMissing */
export function pythonWithPip(): string {
  return tool({ name: 'Python with pip', variable: 'REHOST_PYTHON', key: 'pip', programs: ['python3'] });
}

interface Wanted {
  readonly name: string;
  readonly variable: string;
  readonly key: keyof Toolchain;
  readonly programs: readonly string[];
}

function tool({ name, variable, key, programs }: Wanted): string {
  const chosen = process.env[variable];
  if (chosen !== undefined && chosen !== '') {
    if (isExecutable(chosen)) return chosen;
    throw failure('ToolMissing', {
      message: `${variable} names ${chosen}, which is no program this user may run`,
      hint: `Set ${variable} to the path of ${name}, or unset it and run "npm run setup".`,
    });
  }
  const found = [readToolchain()[key], ...programs.flatMap(onPath)].find(
    (path) => path !== undefined && isExecutable(path),
  );
  if (found !== undefined) return found;
  throw failure('ToolMissing', {
    message: `${name} was not found`,
    detail: `Looked at ${variable}, at toolchain.json in ${cacheDirectory()} and on PATH.`,
    hint: 'Run "npm run setup -- --for test"; it finds, downloads or builds what is missing.',
  });
}

function readToolchain(): Toolchain {
  try {
    return JSON.parse(readFileSync(join(cacheDirectory(), 'toolchain.json'), 'utf8')) as Toolchain;
  } catch {
    return {}; // set-up has not run; PATH may still have it
  }
}

const onPath = (program: string): string[] =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((directory) => directory !== '')
    .map((directory) => join(directory, program));

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
