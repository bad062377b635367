#!/usr/bin/env node
/* "npm run demo": sets up what is missing, builds when the sources changed, and leads through a whole migration. */
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { ensureBuilt, runVisibly } from './setup/build.mjs';
import { projectRoot } from './setup/cache.mjs';

const { missing } = await setup({ for: 'demo' });
if (missing.length > 0 || !(await ensureBuilt())) {
  process.exitCode = 1;
} else {
  const program = join(projectRoot, 'dist', 'src', 'cli', 'main.js');
  const args = [program, 'demo', ...process.argv.slice(2)];
  process.exitCode = await runVisibly(process.execPath, args, { stdout: 'inherit' });
}
