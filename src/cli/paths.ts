import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../config.js';

/** Directory of what `rehost up` keeps: its Temporal database and log. @see XDG Base Directory Specification */
export function dataDirectory(environment: Environment): string {
  const chosen = environment['XDG_DATA_HOME'];
  return join(chosen === undefined || chosen === '' ? join(homedir(), '.local', 'share') : chosen, 'rehost');
}
