/*
 * The real plan on a real Temporal with its web UI, and Activities without hosts: what people see of a run needs no lab.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { temporalCli } from '../../lab/toolchain.js';
import { createClient, type RehostClient, type RunSummary } from '../../src/client.js';
import { loadConfiguration } from '../../src/config.js';
import { startDevServer, type DevServer } from '../../src/dev-server.js';
import { digestOf, sealPlan } from '../../src/digest.js';
import { failure, type FailureType } from '../../src/failures.js';
import type { StepCall, StepOutcome } from '../../src/plan/call.js';
import { planSteps, type Plan } from '../../src/plan/types.js';
import type { StatusView } from '../../src/run/status.js';
import { startWorker, type RunningWorker } from '../../src/worker.js';
import { compiled } from '../unit/procedures/discovered.js';
import { FOUND } from '../found.js';

/** What a step or its undo does instead of succeeding; `act:STEP` or `undo:STEP`. */
export type Faults = Map<string, () => Error>;

/** Who applies; never a voter. */
export const REQUESTER = 'requester';

const LOOK_EVERY_MS = 100;
const STATE_LIMIT_MS = 60_000;

/** A Temporal with its UI, a worker with fake Activities, and the client. */
export interface UiWorld {
  readonly server: DevServer;
  readonly client: RehostClient;
  /** Steps and undos that fail from now on. */
  readonly faults: Faults;
  apply(): Promise<RunSummary>;
  /** Waits until the run is in this state, with the open item that `what` names, if any. */
  until(run: RunSummary, state: StatusView['state'], what?: string): Promise<StatusView>;
  close(): Promise<void>;
}

/** Starts all of it; nothing is shared with another test. */
export async function startUiWorld(): Promise<UiWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'rehost-ui-'));
  const server = await startDevServer({
    cli: temporalCli(),
    database: join(directory, 'temporal.db'),
    log: join(directory, 'temporal.log'),
  });
  const configuration = loadConfiguration(
    { address: server.address, actor: REQUESTER },
    { HOME: directory, PATH: process.env['PATH'] },
  );
  const plan: Plan = sealPlan(compiled());
  const faults: Faults = new Map();
  const worker: RunningWorker = await startWorker(configuration, {
    logger: pino({ level: process.env['REHOST_TEST_LOG'] ?? 'fatal' }, pino.destination(2)),
    activities: fakeActivities(plan, faults),
  });
  const client = await createClient(configuration);
  return {
    server,
    client,
    faults,
    apply: async () => {
      const applied = await client.apply(plan, { requester: REQUESTER });
      if (applied.kind === 'started') return applied.run;
      throw new Error('nothing was started');
    },
    until: (run, state, what) => until(client, run, { state, what }),
    close: async () => {
      await client.close();
      await worker.stop();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** One Activity for each action of the plan, undo included: it succeeds unless a fault is planted. */
function fakeActivities(
  plan: Plan,
  faults: Faults,
): Record<string, (call: StepCall) => Promise<StepOutcome>> {
  const actions = planSteps(plan).flatMap((step) => [
    step.action,
    ...(step.undo.kind === 'calls' ? step.undo.calls.map((call) => call.action) : []),
  ]);
  const act = (call: StepCall): Promise<StepOutcome> => {
    const fault = faults.get(`${call.mode}:${call.step}`);
    if (fault !== undefined) return Promise.reject(fault());
    const values = { ...FOUND, again: false };
    return Promise.resolve({ changed: true, values, digest: digestOf(values) });
  };
  return Object.fromEntries(actions.map((action) => [action, act]));
}

/** A fault of the catalogue with evidence and a hint, as an Activity throws it. */
export const fault =
  (type: FailureType, text: { message: string; detail: string; hint: string }): (() => Error) =>
  () =>
    failure(type, text);

async function until(
  client: RehostClient,
  run: RunSummary,
  wanted: { readonly state: StatusView['state']; readonly what: string | undefined },
): Promise<StatusView> {
  const deadline = Date.now() + STATE_LIMIT_MS;
  for (;;) {
    const view = await client.status(run);
    const open = wanted.what === undefined || view.open.some((item) => item.id === wanted.what);
    if (view.state === wanted.state && open) return view;
    if (Date.now() > deadline) throw new Error(`waited for ${wanted.state}, found ${view.headline}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
