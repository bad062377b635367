/* The npm packages of the lock file. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './cache.mjs';
import { run } from './processes.mjs';

/** What a person does when the packages cannot be installed. */
export const packagesRemedy = 'run "npm ci" where the npm registry can be reached';

/** Installs what the lock file names, unless it is all there. Answers whether something was installed. */
export async function setUpPackages(say) {
  if (packagesMatchLock()) return false;
  say('installing, about 1 min');
  const { status, stderr } = await run('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: projectRoot,
    timeoutMs: 900_000,
  });
  if (status === 0) return true;
  const reasons = stderr.split('\n').filter((line) => /^npm error ./.test(line));
  throw new Error(`${packagesRemedy}\n${reasons.slice(0, 5).join('\n')}`);
}

/**
 * Whether node_modules holds what the lock file names, by npm's own record of the installation.
 *
 * Versions are compared, not times: a checkout sets the times of files anew.
 */
export function packagesMatchLock() {
  const record = join(projectRoot, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = packagesOf(record);
  return Object.entries(packagesOf(join(projectRoot, 'package-lock.json'))).every(([path, wanted]) => {
    if (path === '') return true; // the project itself
    const found = installed[path];
    // Optional packages are those of other platforms; they are absent here by right.
    return found === undefined ? wanted.optional === true : found.version === wanted.version;
  });
}

const packagesOf = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
