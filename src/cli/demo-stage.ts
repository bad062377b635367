import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Lab } from '../../lab/lab.js';
import { createClient, type RehostClient } from '../client.js';
import type { Configuration } from '../config.js';
import { listens, startDevServer, type DevServer } from '../dev-server.js';
import type { RunningWorker } from '../worker.js';
import type { CommandContext } from './context.js';
import { atAddress, prepareNamespace } from './up.js';

/** Everything that the demo plays on. */
export interface Stage {
  readonly lab: Lab;
  readonly directory: string;
  readonly uiAddress: string;
  readonly configuration: Configuration;
  readonly client: RehostClient;
  /** Ends worker and Temporal, in this order; the lab stays. */
  close(): Promise<void>;
}

/** Voters of the demo: people with names, none of them the one who runs it. */
export const DEMO_VOTERS = ['ada', 'grace', 'edsger'] as const;

const USUAL_UI_PORT = 8233;

/** Brings up lab, embedded Temporal and worker side by side, all fresh. */
export async function setStage(context: CommandContext): Promise<Stage> {
  const directory = resolve('.rehost', 'demo');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const [lab, server] = await both(freshLab(context), embeddedTemporal(directory));
  let worker: RunningWorker | undefined;
  try {
    const configuration = {
      ...atAddress(context.configuration, server.address),
      taskQueue: 'rehost-demo',
      inventory: lab.inventory,
    };
    await prepareNamespace(configuration);
    const { createLogger, startWorker } = await import('../worker.js');
    worker = await startWorker(configuration, { logger: createLogger('error') });
    const client = await createClient(configuration);
    return {
      lab,
      directory,
      uiAddress: server.uiAddress,
      configuration,
      client,
      close: closer(client, worker, server),
    };
  } catch (error) {
    await worker?.stop().catch(() => undefined);
    await server.stop();
    throw error;
  }
}

/** Lab and Temporal, or neither: without the lab a Temporal that came up would run on, and this process with it. */
async function both(lab: Promise<Lab>, server: Promise<DevServer>): Promise<readonly [Lab, DevServer]> {
  const [made, started] = await Promise.allSettled([lab, server]);
  if (made.status === 'fulfilled' && started.status === 'fulfilled') return [made.value, started.value];
  if (started.status === 'fulfilled') await started.value.stop();
  return Promise.all([lab, server]);
}

function closer(client: RehostClient, worker: RunningWorker, server: DevServer): () => Promise<void> {
  return async () => {
    await client.close();
    await worker.stop().catch(() => undefined);
    await server.stop();
  };
}

async function freshLab(context: CommandContext): Promise<Lab> {
  const { labReset } = await import('../../lab/lab.js');
  return labReset({ say: context.say });
}

async function embeddedTemporal(directory: string): Promise<DevServer> {
  const { temporalCli } = await import('../../lab/toolchain.js');
  return startDevServer({
    cli: temporalCli(),
    database: join(directory, 'temporal.db'),
    log: join(directory, 'temporal.log'),
    ...((await listens('127.0.0.1', USUAL_UI_PORT)) ? {} : { uiPort: USUAL_UI_PORT }),
  });
}

/** Writes the demo's spec and answers its path. */
export function writeDemoSpec(directory: string): string {
  const file = join(directory, 'migration.yaml');
  const text = `# The demo's migration: what a person writes.
kind: package-manager-server
source: ppm-source
target: ppm-target
approvals:
  voters: [${DEMO_VOTERS.join(', ')}]
  votes: 2
backup: { kind: verified-copy }
`;
  writeFileSync(file, text);
  return file;
}
