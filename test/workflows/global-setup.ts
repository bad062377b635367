/*
 * Starts what all Workflow tests share: a dev server, a second one that suggests Continue-As-New after a few events, and
 * the Workflow bundle. Jest's module mapping does not apply here, so the file is loaded by its real name.
 */
import { writeFileSync, mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { DevServer } from './dev-server.js';

const load = createRequire(__filename);
const { startDevServer } = load('./dev-server.ts') as typeof import('./dev-server.js');

/** Events after which the second server suggests Continue-As-New. */
const SMALL_HISTORY = 40;

declare global {
  var rehostTestServers: DevServer[] | undefined;
}

export default async function setup(): Promise<void> {
  const [server, small, bundle] = await Promise.all([
    startDevServer(),
    startDevServer({ dynamicConfig: [`limit.historyCount.suggestContinueAsNew=${SMALL_HISTORY}`] }),
    bundleWorkflowCode({
      workflowsPath: resolve(__dirname, '../../src/workflows/index.ts'),
      logger: new DefaultLogger('WARN'),
    }),
  ]);
  globalThis.rehostTestServers = [server, small];
  const codePath = join(mkdtempSync(join(tmpdir(), 'rehost-bundle-')), 'workflows.js');
  writeFileSync(codePath, bundle.code);
  process.env['REHOST_TEST_TEMPORAL'] = server.address;
  process.env['REHOST_TEST_TEMPORAL_SMALL'] = small.address;
  process.env['REHOST_TEST_BUNDLE'] = codePath;
}
