/*
 * Records the histories that test/replay replays, from a real server: npx tsx test/replay/record.ts
 *
 * A history that exists is never written again: a changed interpreter must replay the old ones, or be patched. Delete a
 * file only when its shape was never released.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode } from '@temporalio/worker';
import { startDevServer } from '../workflows/dev-server.js';
import { Fakes } from '../workflows/fakes.js';
import { World } from '../workflows/world.js';
import { SHAPES, type Shape } from './shapes.js';

const here = dirname(fileURLToPath(import.meta.url));
const histories = join(here, '../histories');

async function recordShape(shape: Shape): Promise<void> {
  const fakes = new Fakes();
  shape.prepare?.(fakes);
  const world = await World.start(fakes, { small: shape.small === true });
  try {
    const run = await world.apply(shape.plan);
    await shape.lead(run, fakes);
    await run.result().catch((error: unknown) => {
      if (!shape.name.startsWith('cancelled')) throw error;
    });
    const runIds: string[] = [];
    for await (const info of world.client.workflow.list({ query: `WorkflowId = "${run.handle.workflowId}"` }))
      runIds.unshift(info.runId);
    for (const [index, runId] of runIds.entries()) {
      const history = await world.client.workflow.getHandle(run.handle.workflowId, runId).fetchHistory();
      const name = runIds.length === 1 ? shape.name : `${shape.name}-${index + 1}`;
      writeFileSync(join(histories, `${name}.json`), historyToJSON(history));
      process.stdout.write(`${name}: ${history.events?.length ?? 0} events\n`);
    }
  } finally {
    await world.close();
  }
}

async function main(): Promise<void> {
  mkdirSync(histories, { recursive: true });
  const missing = SHAPES.filter(
    (shape) => ![shape.name, `${shape.name}-1`].some((name) => existsSync(join(histories, `${name}.json`))),
  );
  if (missing.length === 0) return void process.stdout.write('every shape has its history\n');
  const [server, small] = await Promise.all([
    startDevServer(),
    startDevServer({ dynamicConfig: ['limit.historyCount.suggestContinueAsNew=40'] }),
  ]);
  const bundle = await bundleWorkflowCode({ workflowsPath: join(here, '../../src/workflows/index.ts') });
  const directory = mkdtempSync(join(tmpdir(), 'rehost-record-'));
  writeFileSync(join(directory, 'workflows.js'), bundle.code);
  process.env['REHOST_TEST_TEMPORAL'] = server.address;
  process.env['REHOST_TEST_TEMPORAL_SMALL'] = small.address;
  process.env['REHOST_TEST_BUNDLE'] = join(directory, 'workflows.js');
  try {
    for (const shape of missing) await recordShape(shape);
  } finally {
    await Promise.all([server.stop(), small.stop()]);
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
