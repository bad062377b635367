import type { Client } from '@temporalio/client';
import { connectClient } from './client/connect.js';
import { readPlan, readResult } from './client/closed-run.js';
import { sendSignal, sendUpdate, type Sending } from './client/commands.js';
import { runInspection } from './client/inspect.js';
import { readProgress, withProgress } from './client/progress.js';
import { RETENTION_MS, setRetention } from './client/retention.js';
import { describeWorkflow, findRun, listRuns, type RunSummary } from './client/runs.js';
import { ensureSearchAttributes, missingSearchAttributes } from './client/search-attributes.js';
import { startRun, type Applied, type ApplyOptions } from './client/start.js';
import {
  grpcCode,
  isDeadline,
  isUnserved,
  noWorker,
  translateError,
  unreachable,
} from './client/translate.js';
import { countPollers, type Pollers } from './client/workers.js';
import type { Configuration } from './config.js';
import type { StepOutcome } from './plan/call.js';
import type { Plan } from './plan/types.js';
import type { CommandName } from './run/commands.js';
import type { CommandAnswer } from './run/events.js';
import type { RunResult } from './run/publication.js';
import type { RunState } from './run/state.js';
import { describeRun, type StatusView } from './run/status.js';
import type { InspectInput } from './workflows/inspect.js';

export type { Applied, ApplyOptions } from './client/start.js';
export type { RunSummary } from './client/runs.js';
export { newMigrationId, workflowIdOf, workflowTypeOf } from './client/runs.js';

/** Longest wait for the answer to a query, in ms. */
export const QUERY_TIMEOUT_MS = 8000;

/** Plan, last state and status of one run, for a report. */
export interface RunRecord {
  readonly run: RunSummary;
  readonly plan: Plan;
  readonly state: RunState;
  readonly view: StatusView;
  readonly result?: RunResult;
}

/**
 * Everything that programs ask of rehost's runs; the CLI is one of them.
 *
 * Every call has a deadline and throws catalogue failures: TemporalUnreachable, NoWorker, RunNotFound, Refused,
 * RunActive, and those that an action itself gave.
 */
export interface RehostClient {
  /** Runs one action that changes nothing. */
  inspect(input: InspectInput): Promise<StepOutcome>;
  /** Starts a migration, or says that it was done already; @throws RunActive */
  apply(plan: Plan, options: ApplyOptions): Promise<Applied>;
  /** The run that a person means: by target, Workflow id or migration id; by nothing when one is active. */
  find(name?: string): Promise<RunSummary>;
  list(which: 'active' | 'all'): Promise<readonly RunSummary[]>;
  /** Status with the progress of running steps; of an ended run from its result, without a worker. */
  status(run: RunSummary): Promise<StatusView>;
  /** Plan, state and status of a run, for a report. */
  record(run: RunSummary): Promise<RunRecord>;
  /** Sends a command as an Update and answers what it did; resends with the same id. */
  command<Name extends CommandName>(sending: Sending<Name>): Promise<CommandAnswer>;
  /** Sends a command as a Signal: durable, unanswered. */
  signal<Name extends CommandName>(sending: Sending<Name>): Promise<void>;
  /** Workers that polled lately. */
  pollers(): Promise<Pollers>;
  /** Registers what is missing; answers what was added. */
  ensureSearchAttributes(): Promise<readonly string[]>;
  missingSearchAttributes(): Promise<readonly string[]>;
  /** Lets the namespace keep ended runs for 90 days; for an embedded Temporal. */
  keepEndedRuns(): Promise<void>;
  close(): Promise<void>;
}

/** Connects to Temporal. @throws TemporalUnreachable within seconds */
export async function createClient(configuration: Configuration): Promise<RehostClient> {
  return clientOf(await connectClient(configuration), configuration);
}

/** The typed client over an existing Temporal client; `close` closes its connection. */
export function clientOf(
  client: Client,
  configuration: Pick<Configuration, 'address' | 'taskQueue'>,
): RehostClient {
  const { taskQueue } = configuration;
  const call = guarded(client, configuration.address);
  return {
    inspect: (input) => call(() => runInspection(client, input, { taskQueue })),
    apply: (plan, options) => call(() => startRun(client, plan, { ...options, taskQueue })),
    find: (name) => call(() => findRun(client, name)),
    list: (which) => call(() => listRuns(client, which)),
    status: (run) => call(() => statusOf(client, run)),
    record: (run) => call(() => recordOfRun(client, run)),
    command: (sending) => call(() => sendUpdate(client, sending)),
    signal: (sending) => call(() => sendSignal(client, sending)),
    pollers: () => call(() => countPollers(client, taskQueue)),
    ensureSearchAttributes: () => call(() => ensureSearchAttributes(client)),
    missingSearchAttributes: () => call(() => missingSearchAttributes(client)),
    keepEndedRuns: () => call(() => setRetention(client, RETENTION_MS)),
    close: () => client.connection.close(),
  };
}

/** Turns what the SDK throws into catalogue failures; tells an absent Temporal from an absent worker. */
function guarded(client: Client, address: string): <Value>(act: () => Promise<Value>) => Promise<Value> {
  return async (act) => {
    try {
      return await act();
    } catch (error) {
      // A call that ran into its deadline may have met a dead server as well as a missing worker: ask the server.
      if ((isDeadline(error) || isDeadline((error as Error).cause)) && !(await answers(client))) {
        throw unreachable(address, error);
      }
      throw translateError(error, address);
    }
  };
}

async function answers(client: Client): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + 2000, () => client.workflowService.getSystemInfo({}));
    return true;
  } catch (error) {
    // Any answer but silence is an answer.
    return !isDeadline(error) && grpcCode(error) !== 14;
  }
}

async function query<Value>(client: Client, run: RunSummary, name: string): Promise<Value> {
  const handle = client.workflow.getHandle(run.workflowId, run.runId);
  try {
    return await client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () => handle.query<Value>(name));
  } catch (error) {
    if (!isUnserved(error)) throw error;
    throw noWorker(error, lastKnown(run));
  }
}

function lastKnown(run: RunSummary): string | undefined {
  if (run.memo === undefined) return undefined;
  const { headline, at, next, signal } = run.memo;
  return [
    `Last known at ${at}: ${headline}`,
    ...next.map((line) => `Next: ${line}`),
    ...(signal === undefined ? [] : [`Sent durably it waits for a worker: ${signal}`]),
  ].join('\n');
}

async function statusOf(client: Client, known: RunSummary): Promise<StatusView> {
  // The run may have ended or continued as new since it was found.
  const run = (await describeWorkflow(client, known.workflowId)) ?? known;
  const current = known.open || run.runId === known.runId ? run : known;
  if (!current.open) return (await recordOfRun(client, current)).view;
  const [view, progress] = await Promise.all([
    query<StatusView>(client, current, 'status'),
    readProgress(client, current.workflowId),
  ]);
  return withProgress(view, progress);
}

async function recordOfRun(client: Client, run: RunSummary): Promise<RunRecord> {
  const result = await readResult(client, run);
  const plan = result === undefined ? undefined : await readPlan(client, run);
  if (result !== undefined && plan !== undefined) {
    return {
      run,
      plan,
      state: result.run,
      result,
      view: describeRun(plan, result.run, { now: result.endedAt }),
    };
  }
  const [asked, state] = await Promise.all([
    query<Plan>(client, run, 'plan'),
    query<RunState>(client, run, 'state'),
  ]);
  const now = run.endedAt ?? new Date().toISOString();
  return { run, plan: asked, state, view: describeRun(asked, state, { now }) };
}
