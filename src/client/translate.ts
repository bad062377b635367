import {
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { failure, isFailureType, RehostFailure } from '../failures.js';

/** gRPC status codes of calls that nobody answered. @see gRPC, "Status codes and their use" */
const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;
const FAILED_PRECONDITION = 9;
const UNAVAILABLE = 14;

/** An error and what caused it, outermost first. */
function chainOf(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  for (let one = error; one instanceof Error && chain.length < 8; one = one.cause) chain.push(one);
  return chain;
}

/** gRPC status code of an error, or of the error that caused it; undefined when there is none. */
export function grpcCode(error: unknown): number | undefined {
  const codes = chainOf(error).map((one): unknown => (one as { code?: unknown }).code);
  return codes.find((code) => typeof code === 'number');
}

/** Whether a call ended because its own deadline passed: a dead server, or no worker that took the task up. */
export function isDeadline(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  const code = grpcCode(error);
  return code === DEADLINE_EXCEEDED || code === CANCELLED;
}

/** Whether nobody served a query or an Update: its deadline passed, or the server knows of no poller. */
export function isUnserved(error: unknown): boolean {
  if (isDeadline(error)) return true;
  // "no poller seen for task queue recently, worker may be down" (Server 1.31.2), from the second query on.
  return (
    grpcCode(error) === FAILED_PRECONDITION && chainOf(error).some((one) => /no poller/i.test(one.message))
  );
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
  for (const one of chainOf(error)) {
    if (one instanceof RehostFailure) return one;
    if (!(one instanceof ApplicationFailure) || !isFailureType(one.type)) continue;
    const [text] = (one.details ?? []) as readonly ({ detail?: unknown; hint?: unknown } | undefined)[];
    return new RehostFailure(one.type, {
      message: one.message,
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
  if (code === UNAVAILABLE || (error instanceof ServiceError && code === undefined)) {
    return unreachable(address, error);
  }
  if (isUnserved(error)) return noWorker(error);
  return new RehostFailure(
    'Unexpected',
    {
      message: `Temporal at ${address} refused the call: ${innermost(error)}`,
      hint: 'Run "rehost doctor"; when it finds nothing, please report this with its output.',
    },
    { cause: error },
  );
}

// The outer errors say only which call failed; ours and the server's words are inside.
function innermost(error: unknown): string {
  const chain = chainOf(error);
  const told = chain.find((one) => one instanceof ApplicationFailure) ?? chain.at(-1);
  return told === undefined ? String(error) : told.message;
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
