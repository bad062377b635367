import { cancellationDetails, Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import type { Logger } from 'pino';
import { FAILURES, isFailureType, RehostFailure } from '../failures.js';

/** The ApplicationFailure that carries a catalogue failure over Temporal: type, message, `details: [{ detail, hint }]`. */
export function toApplicationFailure(error: RehostFailure): ApplicationFailure {
  return ApplicationFailure.create({
    type: error.type,
    message: error.message,
    nonRetryable: !FAILURES[error.type].retryable,
    details: [{ ...(error.detail === undefined ? {} : { detail: error.detail }), hint: error.hint }],
    cause: error,
  });
}

/** The final failure of an error outside the catalogue: it parks at once and is never retried for ever. */
export function unexpectedFailure(error: unknown): ApplicationFailure {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return toApplicationFailure(
    new RehostFailure(
      'Unexpected',
      {
        message: `an error outside the catalogue ended the attempt: ${what}`,
        hint: 'Look at the worker\'s log for the stack and report it; "rehost retry" runs the step again, "rehost rollback" takes the run back.',
      },
      { cause: error },
    ),
  );
}

/**
 * The one Activity interceptor: catalogue failures and cancellations pass, everything else becomes a final `Unexpected`.
 *
 * An attempt that ends because its worker shuts down counts as cancelled whatever it threw, so that another worker
 * takes it up instead of a person.
 */
export function failureInterceptor(logger: Logger): ActivityInboundCallsInterceptor {
  return {
    execute: async (input, next) => {
      try {
        return await next(input);
      } catch (error) {
        throw translate(error, logger);
      }
    },
  };
}

function translate(error: unknown, logger: Logger): unknown {
  const { cancellationSignal, info } = Context.current();
  if (error instanceof CancelledFailure) return error;
  const shutsDown = cancellationDetails()?.workerShutdown === true;
  if (cancellationSignal.aborted && (shutsDown || isAbort(error))) {
    const reason: unknown = cancellationSignal.reason;
    return reason instanceof CancelledFailure ? reason : new CancelledFailure('the Activity was cancelled');
  }
  if (error instanceof RehostFailure) return toApplicationFailure(error);
  if (error instanceof ApplicationFailure && isFailureType(error.type)) return error;
  logger.error(
    { err: error, activity: info.activityType, activityId: info.activityId },
    'activity ended unexpectedly',
  );
  return unexpectedFailure(error);
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';
