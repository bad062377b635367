import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import type { StepOutcome } from '../plan/call.js';
import type { JsonObject } from '../plan/json.js';
import { callAction } from './calls.js';
import { stepFailureOf } from './failures.js';

/** Input of the Workflow `inspect`. `timeouts` is `probe` unless given. */
export interface InspectInput {
  readonly action: string;
  readonly host: string;
  readonly input: JsonObject;
  readonly timeouts?: 'probe' | 'short';
  /** Migration whose files are read, for actions that need one. */
  readonly migration?: string;
}

// A person waits for the answer: a refused or silent host is told after seconds, not after the half hour in which a run
// waits for it to come back.
const ATTEMPTS = 3;

/**
 * Runs one action that changes nothing: discovery of `plan`, `doctor`, `logs`.
 *
 * @throws ApplicationFailure of the action's own type, with `{ detail, hint }` as first detail; here a failure does
 * fail the Workflow, since nobody is asked to decide
 */
export async function inspect(input: InspectInput): Promise<StepOutcome> {
  const call = {
    migration: input.migration ?? 'inspect',
    step: 'inspect',
    sequence: 0,
    generation: 1,
    host: input.host,
    input: input.input,
    mode: 'act',
    undo: [],
  } as const;
  try {
    return await callAction(call, {
      action: input.action,
      timeouts: input.timeouts ?? 'probe',
      activityId: `${input.action}@${input.host}`,
      summary: `${input.action} on ${input.host}`,
      attempts: ATTEMPTS,
    });
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const { type, message, detail, hint } = stepFailureOf(error);
    throw ApplicationFailure.create({ type, message, nonRetryable: true, details: [{ detail, hint }] });
  }
}
