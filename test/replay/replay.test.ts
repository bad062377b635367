import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Runtime,
  Worker,
  type ReplayWorkerOptions,
} from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { SHAPES } from './shapes.js';

const histories = join(__dirname, '../histories');
const recorded = readdirSync(histories)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -'.json'.length));
const workflowsPath = resolve(__dirname, '../../src/workflows/index.ts');
const logger = new DefaultLogger('ERROR');

const replay = (
  workflowBundle: ReplayWorkerOptions['workflowBundle'] & object,
  name: string,
): Promise<void> =>
  Worker.runReplayHistory(
    { workflowBundle },
    historyFromJSON(JSON.parse(readFileSync(join(histories, `${name}.json`), 'utf8'))),
  );

describe('replay', () => {
  let code: string;
  jest.setTimeout(60_000);
  beforeAll(async () => {
    // Silent: the changed interpreter below makes the SDK complain, as it should.
    const logging = { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } as const;
    Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined), telemetryOptions: { logging } });
    code = (await bundleWorkflowCode({ workflowsPath, logger })).code;
  });

  it.each(recorded)('carries %s out again exactly as it was recorded', async (name) => {
    await replay({ code }, name);
  });

  it('has a recorded history of every shape', () => {
    const missing = SHAPES.map((shape) => shape.name).filter(
      (name) => !recorded.some((one) => one === name || one.startsWith(`${name}-`)),
    );
    expect(missing).toEqual([]);
  });

  it('notices an interpreter that starts one more timer', async () => {
    const changed = await bundleWorkflowCode({
      workflowsPath,
      logger,
      webpackConfigHook: (config) => {
        const rule = {
          test: /workflows[\\/]interpreter\.ts$/,
          enforce: 'pre' as const,
          use: [join(__dirname, 'extra-timer-loader.cjs')],
        };
        return { ...config, module: { ...config.module, rules: [...(config.module?.rules ?? []), rule] } };
      },
    });
    for (const name of recorded)
      await expect(replay({ code: changed.code }, name)).rejects.toBeInstanceOf(DeterminismViolationError);
  });
});
