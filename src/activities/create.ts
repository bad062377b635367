import { cancellationDetails, cancellationSignal, Context } from '@temporalio/activity';
import type { Logger } from 'pino';
import { z } from 'zod';
import { contracts, type ActionName } from '../contracts/index.js';
import type { Contract } from '../contracts/contract.js';
import { digestOf } from '../digest.js';
import { failure, type RehostFailure } from '../failures.js';
import type { Hosts } from '../hosts/host.js';
import { OUTCOME_LIMIT_BYTES, type Progress, type StepCall, type StepOutcome } from '../plan/call.js';
import type { JsonObject } from '../plan/json.js';
import type { ActionContext, Handler } from './action.js';
import { proveFence } from './fence.js';
import { handlers } from './handlers.js';
import { undoStep, writeUndo } from './undo.js';

/** What the Activities of a worker work with. */
export interface ActivityDependencies {
  readonly hosts: Hosts;
  readonly logger: Logger;
}

/** The one signature that all Activities share. */
export type StepActivity = (call: StepCall) => Promise<StepOutcome>;

/** Outcomes of discovery are read by the client and never cross a step, so they may be larger. */
const INSPECT_LIMIT_BYTES = 64 * 1024;
const HEARTBEAT_MS = 5000;

/** One Activity per action of the contracts, by its versioned name. */
export function createActivities(dependencies: ActivityDependencies): Record<ActionName, StepActivity> {
  const activities = Object.keys(contracts).map((name) => {
    const action = name as ActionName;
    // One cast where the map's key and value types meet; `handlers satisfies Handlers` checked each pair.
    const handler: Handler<Contract> = handlers[action];
    return [action, (call: StepCall) => runStep({ action, handler, call, ...dependencies })] as const;
  });
  return Object.fromEntries(activities) as Record<ActionName, StepActivity>;
}

interface StepRun extends ActivityDependencies {
  readonly action: ActionName;
  readonly handler: Handler<Contract>;
  readonly call: StepCall;
}

async function runStep(run: StepRun): Promise<StepOutcome> {
  const { call, action } = run;
  const contract: Contract = contracts[action];
  if (call.step === 'inspect' && !contract.readOnly) throw changesSomething(action);
  const input = parseInput(contract, call, action);
  const activity = Context.current();
  let latest: Progress | undefined;
  const context = contextOf(run, (progress) => {
    latest = progress;
    activity.heartbeat(progress);
  });
  // Not every part of an action has progress of its own: without heartbeats a stop would not reach it, and a long one
  // would look like a dead worker. Every command has a time limit that holds even for one that cannot be killed, so none
  // beats for ever.
  const beat = setInterval(() => activity.heartbeat(latest), HEARTBEAT_MS);
  try {
    if (call.mode === 'undo') {
      await undoStep({ contract, handler: run.handler, input, context });
      return seal({ changed: true, values: {} }, 'undo');
    }
    await writeUndo(call, run.hosts);
    if (call.fence !== undefined) await proveFence(call.fence, context);
    const result = await run.handler.act(input, context);
    if (call.fence !== undefined) await proveFence(call.fence, context);
    return seal({ ...result, values: parseOutcome(contract, result.values, call) }, call.step);
  } finally {
    clearInterval(beat);
  }
}

function contextOf(run: StepRun, heartbeat: ActionContext['heartbeat']): ActionContext {
  const { call, hosts } = run;
  const signal = cancellationSignal();
  return {
    call,
    hosts,
    host: hosts.get(call.host),
    signal,
    abortReason: () => {
      if (!signal.aborted) return 'none';
      return cancellationDetails()?.cancelRequested === true ? 'cancel' : 'shutdown';
    },
    heartbeat,
    logger: run.logger.child({ migration: call.migration, step: call.step, host: call.host }),
  };
}

function seal(result: { changed: boolean; values: JsonObject; again?: boolean }, step: string): StepOutcome {
  const bytes = Buffer.byteLength(JSON.stringify(result.values));
  const limit = step === 'inspect' ? INSPECT_LIMIT_BYTES : OUTCOME_LIMIT_BYTES;
  if (bytes > limit) {
    throw broken(`outcome of step ${step} has ${bytes} bytes of JSON; at most ${limit} go into history`);
  }
  return {
    changed: result.changed,
    values: result.values,
    digest: digestOf(result.values),
    ...(result.again === undefined ? {} : { again: result.again }),
  };
}

function parseInput(contract: Contract, call: StepCall, action: ActionName): unknown {
  const parsed = contract.input.safeParse(call.input);
  if (parsed.success) return parsed.data;
  throw broken(
    `input of ${action} in step ${call.step} does not fit its contract`,
    z.prettifyError(parsed.error),
  );
}

function parseOutcome(contract: Contract, values: unknown, call: StepCall): JsonObject {
  const parsed = contract.outcome.safeParse(values);
  if (parsed.success) return parsed.data as JsonObject;
  throw broken(`outcome of step ${call.step} does not fit its contract`, z.prettifyError(parsed.error));
}

// `inspect` has no plan, no gate and no claim behind it: whoever can start it must not be able to change a host.
const changesSomething = (action: string): RehostFailure =>
  failure('Refused', {
    message: `inspect runs actions that change nothing; ${action} changes something`,
    hint: 'Changes are made by a plan alone: "rehost plan SPEC --out PLAN", then "rehost apply PLAN".',
  });

const broken = (message: string, detail?: string): RehostFailure =>
  failure('ContractViolated', {
    message,
    ...(detail === undefined ? {} : { detail }),
    hint: 'This is a defect of rehost: please report it with the output of "rehost report". Nothing was changed by this attempt.',
  });
