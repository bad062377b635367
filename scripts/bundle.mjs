#!/usr/bin/env node
/* Last part of "npm run build": the Workflow code as one file, so that a worker starts without compiling it. */
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot, writeWhole } from './setup/cache.mjs';

const built = join(projectRoot, 'dist', 'src');
const workflowsPath = join(built, 'workflows', 'index.js');
const bundlePath = join(projectRoot, 'dist', 'workflow-bundle.js');

// A bundle of former sources must never run beside new ones, also when this script fails half-way.
rmSync(bundlePath, { force: true });
if (existsSync(workflowsPath)) {
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const quiet = { trace() {}, debug() {}, info() {}, warn: console.error, error: console.error, log() {} };
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: quiet });
  writeWhole(bundlePath, code);
}
const program = join(built, 'cli', 'main.js');
if (existsSync(program)) chmodSync(program, 0o755);
