import {
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import { failure, isFailureType, RehostFailure } from '../failures.js';

/** gRPC status codes that say that nobody answered. @see gRPC, "Status codes and their use" */
const DEADLINE_EXCEEDED = 4;
const UNAVAILABLE = 14;
const CANCELLED = 1;

/** gRPC status code of an error, or of the error that caused it; undefined when there is none. */
export function grpcCode(error: unknown): number | undefined {
  for (
    let current = error, depth = 0;
    current instanceof Error && depth < 5;
    current = current.cause, depth++
  ) {
    const code: unknown = (current as { code?: unknown }).code;
    if (typeof code === 'number') return code;
  }
  return undefined;
}

/** Whether a call ended because its own deadline passed: the server is there, but no worker took the task up. */
export function isDeadline(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  const code = grpcCode(error);
  return code === DEADLINE_EXCEEDED || code === CANCELLED;
}

/** Whether the run or the Update is not known to Temporal, or has ended. */
export function isNotFound(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError;
}

/** Whether a run with this Workflow id is active. */
export function isAlreadyStarted(error: unknown): boolean {
  return error instanceof WorkflowExecutionAlreadyStartedError;
}

/** The catalogue failure that came over Temporal in an error's chain of causes; undefined when there is none. */
export function carriedFailure(error: unknown): RehostFailure | undefined {
  for (
    let current = error, depth = 0;
    current instanceof Error && depth < 8;
    current = current.cause, depth++
  ) {
    if (current instanceof RehostFailure) return current;
    if (!(current instanceof ApplicationFailure) || !isFailureType(current.type)) continue;
    const [text] = (current.details ?? []) as readonly ({ detail?: unknown; hint?: unknown } | undefined)[];
    return new RehostFailure(current.type, {
      message: current.message,
      ...(typeof text?.detail === 'string' ? { detail: text.detail } : {}),
      hint: typeof text?.hint === 'string' ? text.hint : 'Run "rehost status" to see what is open.',
    });
  }
  return undefined;
}

/** An error of the Temporal client as a catalogue failure; the innermost message is kept as the fact. */
export function translateError(error: unknown, address: string): RehostFailure {
  const carried = carriedFailure(error);
  if (carried !== undefined) return carried;
  const code = grpcCode(error);
  if (code === UNAVAILABLE || (error instanceof ServiceError && code === undefined))
    return unreachable(address, error);
  if (isDeadline(error)) return noWorker(error);
  return new RehostFailure(
    'Unexpected',
    {
      message: `Temporal at ${address} refused the call: ${innermost(error)}`,
      hint: 'Run "rehost doctor"; when it finds nothing, please report this with its output.',
    },
    { cause: error },
  );
}

function innermost(error: unknown): string {
  let text = String(error);
  for (
    let current = error, depth = 0;
    current instanceof Error && depth < 8;
    current = current.cause, depth++
  ) {
    text = current.message;
    const opaque = [WorkflowFailedError, WorkflowUpdateFailedError, TemporalFailure].some(
      (kind) => current instanceof kind,
    );
    if (!opaque || current instanceof ApplicationFailure) break;
  }
  return text;
}

/** No Temporal answers. */
export function unreachable(address: string, cause: unknown): RehostFailure {
  return failure(
    'TemporalUnreachable',
    {
      message: `no Temporal answers at ${address}`,
      ...(cause instanceof Error ? { detail: cause.message } : {}),
      hint: 'Start one with "rehost up", or name yours with --address or TEMPORAL_ADDRESS.',
    },
    { cause },
  );
}

/** Temporal answers, but no worker of the task queue does. */
export function noWorker(cause: unknown, offer?: string): RehostFailure {
  return failure(
    'NoWorker',
    {
      message: 'Temporal answers, but no worker took the task up in time',
      ...(offer === undefined ? {} : { detail: offer }),
      hint: 'Start a worker with "rehost worker" (or "rehost up"), then run the command again.',
    },
    { cause },
  );
}
