/*
 * One whole migration in the lab: two hosts, an embedded Temporal, a worker in this process, and the client.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { labExec, labReset, type Lab, type LabHostName } from '../../lab/lab.js';
import { temporalCli } from '../../lab/toolchain.js';
import { createActivities, type StepActivity } from '../../src/activities/create.js';
import { createClient, type RehostClient, type RunSummary } from '../../src/client.js';
import { loadConfiguration, type Configuration } from '../../src/config.js';
import { startDevServer, type DevServer } from '../../src/dev-server.js';
import { sealPlan } from '../../src/digest.js';
import { RehostFailure } from '../../src/failures.js';
import type { Hosts } from '../../src/hosts/host.js';
import { inventoryHosts } from '../../src/inventory-hosts.js';
import type { Json } from '../../src/plan/json.js';
import type { Gate, Plan } from '../../src/plan/types.js';
import { compile, discoveries } from '../../src/procedures/index.js';
import type { StatusView } from '../../src/run/status.js';
import { parseSpec } from '../../src/spec/load.js';
import { startWorker, type RunningWorker } from '../../src/worker.js';
import type { Exec } from '../oracle/index.js';

/** The spec that whole migrations of the tests use. */
export const SPEC = `kind: package-manager-server
source: ppm-source
target: ppm-target
approvals: { voters: [dba, lead, owner], votes: 2 }
`;
/** Who applies; never a voter. */
export const REQUESTER = 'requester';

/** What wraps the Activities of the test's worker; the border at which faults are planted. */
export type Wrap = (activities: Record<string, StepActivity>) => Record<string, StepActivity>;

/** A lab with a worker on its own Temporal. */
export interface World {
  readonly lab: Lab;
  readonly configuration: Configuration;
  client: RehostClient;
  server: DevServer;
  readonly directory: string;
  readonly exec: Exec;
  worker: RunningWorker;
  plan(spec?: string): Promise<Plan>;
  apply(plan: Plan): Promise<RunSummary>;
  status(run: RunSummary): Promise<StatusView>;
  /** Waits until the run is in one of the states, or fails with what it shows instead. */
  until(run: RunSummary, ...states: string[]): Promise<StatusView>;
  /** Two voters approve the open gate, the first answers its questions. */
  approve(run: RunSummary, plan: Plan): Promise<void>;
  /** Approves gate after gate until the run is done, parked, or waits at the named gate. */
  approveUntil(run: RunSummary, plan: Plan, gate?: string): Promise<StatusView>;
  rollback(run: RunSummary, plan: Plan): Promise<StatusView>;
  restartWorker(wrap?: Wrap): Promise<void>;
  /** Temporal, its database and the worker are gone. */
  lose(): Promise<void>;
  /** A new Temporal with an empty database, and a new worker. */
  reborn(): Promise<void>;
  close(): Promise<void>;
}

/** Options of a world. */
export interface WorldOptions {
  readonly name: string;
  readonly wrap?: Wrap;
  readonly packages?: number;
  readonly packageBytes?: number;
}

const STEP_LIMIT_MS = 240_000;
const LOOK_EVERY_MS = 300;

/** Resets the lab and brings everything else up. */
export async function startWorld(options: WorldOptions): Promise<World> {
  // Said in full: a lab keeps the sizes that the file of tests before this one gave it.
  const { name, packages = 24, packageBytes = 65_536 } = options;
  const lab = await labReset({ name, packages, packageBytes });
  const directory = mkdtempSync(join(tmpdir(), 'rehost-e2e-'));
  const log = join(directory, 'temporal.log');
  const serve = (database: string, ports: { port?: number; uiPort?: number } = {}): Promise<DevServer> =>
    startDevServer({ cli: temporalCli(), database: join(directory, database), log, ...ports });
  const server = await serve('temporal.db');
  const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));
  const ports = { port: portOf(server.address), uiPort: portOf(server.uiAddress) };
  const configuration = loadConfiguration(
    { address: server.address, inventory: lab.inventory, actor: REQUESTER },
    { HOME: process.env['HOME'], PATH: process.env['PATH'] },
  );
  const world: World = {
    lab,
    configuration,
    client: await createClient(configuration),
    server,
    directory,
    exec: (host, argv, stdin) =>
      labExec(host as LabHostName, argv as [string, ...string[]], {
        name,
        ...(stdin === undefined ? {} : { input: stdin }),
      }),
    worker: await startTestWorker(configuration, options.wrap),
    plan: (spec = SPEC) => makePlan(world.client, spec),
    apply: (plan) => apply(world.client, plan),
    status: (run) => world.client.status(run),
    until: (run, ...states) => until(world.client, run, states),
    approve: (run, plan) => approve(world.client, run, plan),
    approveUntil: (run, plan, gate) => approveUntil(world.client, { run, plan, gate }),
    rollback: (run, plan) => rollback(world.client, run, plan),
    lose: async () => {
      await world.client.close();
      await world.worker.stop();
      await world.server.stop();
      rmSync(join(directory, 'temporal.db'), { force: true });
    },
    reborn: async () => {
      world.server = await serve(`temporal-${Date.now()}.db`, ports);
      world.client = await createClient(configuration);
      world.worker = await startTestWorker(configuration, options.wrap);
    },
    restartWorker: async (wrap) => {
      await world.worker.stop();
      world.worker = await startTestWorker(configuration, wrap);
    },
    close: async () => {
      await world.client.close();
      await world.worker.stop();
      await world.server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return world;
}

/** A worker in this process, its Activities wrapped where a test plants faults. */
async function startTestWorker(configuration: Configuration, wrap?: Wrap): Promise<RunningWorker> {
  const logger = pino({ level: process.env['REHOST_TEST_LOG'] ?? 'fatal' }, pino.destination(2));
  const hosts: Hosts = inventoryHosts(configuration.inventory);
  const activities = createActivities({ hosts, logger });
  return startWorker(configuration, {
    logger,
    hosts,
    activities: wrap === undefined ? activities : wrap(activities),
  });
}

async function makePlan(client: RehostClient, text: string): Promise<Plan> {
  const spec = parseSpec(text, 'migration.yaml').value;
  const found = await Promise.all(
    discoveries(spec).map(async (discovery): Promise<[string, Json]> => {
      const outcome = await client.inspect({ ...discovery, timeouts: 'short' });
      return [discovery.host, outcome.values];
    }),
  );
  const discovered = Object.fromEntries(found);
  return sealPlan(
    compile({ spec, discovered, release: 'test', requester: REQUESTER, now: new Date().toISOString() }),
  );
}

async function apply(client: RehostClient, plan: Plan): Promise<RunSummary> {
  const applied = await client.apply(plan, { requester: REQUESTER });
  if (applied.kind === 'started') return applied.run;
  throw new Error(`nothing was started: already moved by ${applied.migration}`);
}

async function until(client: RehostClient, run: RunSummary, states: readonly string[]): Promise<StatusView> {
  const deadline = Date.now() + STEP_LIMIT_MS;
  for (;;) {
    const view = await look(client, run);
    if (view === undefined && Date.now() < deadline) continue;
    if (view === undefined) throw new Error(`waited for ${states.join(' or ')}, and no query was answered`);
    if (states.includes(view.state)) return view;
    const stuck = view.state === 'parked' || Date.now() > deadline;
    if (stuck) throw new Error(`waited for ${states.join(' or ')}, found ${view.state}: ${describe(view)}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

// A query may run into its deadline while the machine is busy: a person would ask again.
async function look(client: RehostClient, run: RunSummary): Promise<StatusView | undefined> {
  try {
    return await client.status(await client.find(run.migration));
  } catch (error) {
    if (error instanceof RehostFailure && error.type === 'NoWorker') return undefined;
    throw error;
  }
}

const describe = (view: StatusView): string =>
  JSON.stringify(
    view.phases.flatMap((phase) =>
      phase.steps.filter((step) => ['parked', 'running', 'undo-parked'].includes(step.status)),
    ),
    undefined,
    1,
  );

const gateOf = (plan: Plan, id: string): Gate => {
  const gate = plan.phases.find((phase) => phase.gate?.id === id)?.gate;
  if (gate === undefined) throw new Error(`the plan has no gate ${id}`);
  return gate;
};

async function approve(client: RehostClient, run: RunSummary, plan: Plan): Promise<void> {
  const view = await until(client, run, ['gate']);
  const open = view.phases.find((phase) => phase.status === 'at-gate')?.gate;
  if (open === undefined) throw new Error('no gate is open');
  const gate = gateOf(plan, open.id);
  const answers = Object.fromEntries(
    gate.questions.map((one) => [one.id, one.expect === 'text' ? `answer to ${one.id}` : one.expect]),
  );
  for (const [at, actor] of gate.voters.slice(0, gate.votes).entries()) {
    await client.command({
      workflowId: run.workflowId,
      name: 'approve',
      request: {
        id: `${run.migration}-${gate.id}-${actor}-${open.revision}`,
        actor,
        proof: { kind: 'claimed' },
        digest: plan.digest,
        gate: gate.id,
        revision: open.revision,
        ...(at === 0 ? { answers } : {}),
      },
      signalHint: '',
    });
  }
}

async function approveUntil(
  client: RehostClient,
  what: { readonly run: RunSummary; readonly plan: Plan; readonly gate: string | undefined },
): Promise<StatusView> {
  for (;;) {
    const view = await until(client, what.run, ['gate', 'done', 'parked', 'rolled-back']);
    const open = view.phases.find((phase) => phase.status === 'at-gate')?.gate;
    if (view.state !== 'gate' || open?.id === what.gate) return view;
    await approve(client, what.run, what.plan);
    // The next phase begins with a step of its own: without a pause the gate that was just passed would be seen again.
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function rollback(client: RehostClient, run: RunSummary, plan: Plan): Promise<StatusView> {
  const gate = gateOf(plan, 'replace-target-data');
  for (const actor of [...gate.voters, REQUESTER]) {
    const view = await client.status(await client.find(run.migration));
    if (['rolling-back', 'rolled-back'].includes(view.state)) break;
    await client.command({
      workflowId: run.workflowId,
      name: 'rollback',
      request: {
        id: `${run.migration}-rollback-${actor}`,
        actor,
        proof: { kind: 'claimed' },
        digest: plan.digest,
        reason: 'the test asks for it',
        acceptLoss: true,
      },
      signalHint: '',
    });
  }
  return until(client, run, ['rolled-back']);
}

/** Keeps a spec or plan in the world's directory and answers its path. */
export function keep(world: World, name: string, content: string): string {
  const path = join(world.directory, name);
  writeFileSync(path, content);
  return path;
}
