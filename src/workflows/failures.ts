import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TimeoutFailure,
  type TemporalFailure,
} from '@temporalio/workflow';
import type { Refusal } from '../run/events.js';
import type { StepFailure } from '../run/state.js';

/** Whether the Activity ended because it was cancelled: a stop, a rollback or a cancellation of the Workflow. */
export function wasCancelled(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof CancelledFailure;
}

/** What a failed Activity means for a person: type, message, detail and hint as the Activity gave them. */
export function stepFailureOf(error: ActivityFailure): StepFailure {
  const { cause } = error;
  if (cause instanceof ApplicationFailure) return fromApplication(cause);
  if (cause instanceof TimeoutFailure) {
    return {
      type: 'CommandTimedOut',
      message: `action ${error.activityType} did not end in time (${cause.timeoutType})`,
      detail: `The last failure before the time ran out: ${innermost(cause)}.`,
      hint: 'Run "rehost doctor" to see whether hosts and workers answer, then retry the step.',
    };
  }
  return {
    type: 'Unexpected',
    message: `action ${error.activityType} failed: ${cause?.message ?? error.message}`,
    hint: 'This is a bug: please report it. Retry the step, or roll back.',
  };
}

function fromApplication(cause: ApplicationFailure): StepFailure {
  const { detail, hint } = readText(cause.details?.[0]);
  return {
    type: cause.type ?? 'Unexpected',
    message: cause.message,
    ...(detail === undefined ? {} : { detail }),
    hint: hint ?? 'Retry the step, or roll back.',
  };
}

// Details cross the wire as JSON of whatever threw: only texts are taken.
function readText(details: unknown): { detail?: string; hint?: string } {
  if (typeof details !== 'object' || details === null) return {};
  const { detail, hint } = details as { detail?: unknown; hint?: unknown };
  return {
    ...(typeof detail === 'string' ? { detail } : {}),
    ...(typeof hint === 'string' ? { hint } : {}),
  };
}

function innermost(failure: TemporalFailure): string {
  const { cause } = failure;
  return cause === undefined ? 'none was reported' : cause.message;
}

/**
 * Refuses a command: the sender gets the sentences, and what is open by itself as the detail.
 *
 * The stack is emptied because the Temporal UI prints it, with source paths, under the sentence.
 */
export function refuse({ message, open }: Refusal): never {
  const refused = ApplicationFailure.nonRetryable(message, 'Refused', {
    detail: open,
    hint: 'Run "rehost status" to see what is open and the exact next command.',
  });
  refused.stack = '';
  throw refused;
}
