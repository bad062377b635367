import type { Client } from '@temporalio/client';
import { failure, RehostFailure } from '../failures.js';
import { phaseSteps, type Plan } from '../plan/types.js';
import { preflightFailure } from '../preflight-failure.js';
import { resolveInput } from '../run/references.js';
import type { RunState } from '../run/state.js';
import { runInspection } from './inspect.js';
import { carriedFailure } from './translate.js';

/** Read-only actions of a plan's admission that can be done without a run. */
const ADMITTING: readonly string[] = ['plan.admit@1', 'facts.recheck@1'];

/**
 * Does a plan's admission before a run exists, so that what stands against it is told at once and nothing is started.
 *
 * The run does it again as its first steps: hosts may change between the two.
 * @throws PreflightBlocked, PlanEdited, PlanStale, HostIdentityChanged, ClaimForeign, HostUnknown, NoWorker
 */
export async function admitBeforehand(
  client: Client,
  plan: Plan,
  options: { readonly state: RunState; readonly taskQueue: string },
): Promise<void> {
  const blocked = preflightFailure(plan);
  if (blocked !== undefined) throw blocked;
  const [admission] = plan.phases;
  if (admission === undefined || admission.gate !== undefined) return;
  for (const step of phaseSteps(admission)) {
    if (!ADMITTING.includes(step.action)) continue;
    const input = resolveInput(plan, options.state, { input: step.input, reader: step.id });
    if (!input.ok) continue;
    const { action, host } = step;
    try {
      await runInspection(client, { action, host, input: input.value, timeouts: 'short' }, options);
    } catch (error) {
      throw notStarted(error);
    }
  }
}

// The hints of these actions speak of a run that waits for a person; here there is none.
function notStarted(error: unknown): unknown {
  const carried = carriedFailure(error);
  if (carried?.type !== 'PlanStale' && carried?.type !== 'HostIdentityChanged') return error;
  return failure(
    carried.type,
    {
      message: `${carried.message}; nothing was started`,
      ...(carried.detail === undefined ? {} : { detail: carried.detail }),
      hint: 'Put back what the detail names and run "rehost apply" again, or make a new plan with "rehost plan SPEC --out PLAN" and apply that.',
    },
    { cause: error instanceof RehostFailure ? error.cause : error },
  );
}
