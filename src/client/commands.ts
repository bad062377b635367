import { WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { failure } from '../failures.js';
import type { CommandName, CommandRequests } from '../run/commands.js';
import type { CommandAnswer } from '../run/events.js';
import { describeWorkflow } from './runs.js';
import { isDeadline, isNotFound, isUnserved, noWorker } from './translate.js';

/** Longest wait for the answer to one sending of a command, in ms; a command is recorded in milliseconds. */
export const COMMAND_TIMEOUT_MS = 6000;
// A lost answer is worth one more try; Continue-As-New may hit a few in a row, and each of those is quick.
const SENDINGS = { unanswered: 2, interrupted: 5 };

/** A command on its way to a run. */
export interface Sending<Name extends CommandName> {
  readonly workflowId: string;
  readonly name: Name;
  readonly request: CommandRequests[Name];
  /** How a person sends the same command durably when no worker answers. */
  readonly signalHint: string;
}

/**
 * Sends a command as an Update and answers what it did.
 *
 * Repeat: the Update id is the command id, so a resending after a lost answer is answered as the first one.
 * @throws Refused with what is open as its detail, NoWorker after the last sending
 */
export async function sendUpdate<Name extends CommandName>(
  client: Client,
  sending: Sending<Name>,
): Promise<CommandAnswer> {
  const { workflowId, name, request } = sending;
  const handle = client.workflow.getHandle(workflowId);
  for (let attempt = 1; ; attempt++) {
    try {
      return await client.withDeadline(Date.now() + COMMAND_TIMEOUT_MS, () =>
        handle.executeUpdate<CommandAnswer, [CommandRequests[Name]]>(name, {
          args: [request],
          updateId: request.id,
        }),
      );
    } catch (error) {
      if (attempt < sendings(error)) continue;
      throw isNotFound(error) ? await ended(client, sending, error) : answerOf(error, sending);
    }
  }
}

/** How often a command is sent in all when it ends like this. */
function sendings(error: unknown): number {
  if (isDeadline(error)) return SENDINGS.unanswered;
  // An Update that meets Continue-As-New comes back as one of these; the same id is safe to send again.
  const interrupted =
    error instanceof WorkflowUpdateFailedError
      ? error.cause instanceof ApplicationFailure && error.cause.type === 'AcceptedUpdateCompletedWorkflow'
      : isNotFound(error) && /update .* not found/i.test((error as Error).message);
  return interrupted ? SENDINGS.interrupted : 1;
}

function answerOf<Name extends CommandName>(error: unknown, sending: Sending<Name>): unknown {
  if (isUnserved(error)) return noWorker(error, undelivered(sending.signalHint));
  if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof ApplicationFailure))
    return error;
  const { message, detail } = refusalIn(error.cause);
  return failure(
    'Refused',
    {
      message,
      ...(detail === undefined ? {} : { detail }),
      hint: `Run "rehost status ${sending.workflowId}" to see what is open.`,
    },
    { cause: error },
  );
}

// Temporal keeps an Update that nobody took for a while, and hands it to a worker that comes then: it may still be done.
const undelivered = (signalHint: string): string =>
  `A worker that comes soon may still do it. Sent durably it waits for a worker, and counts once: ${signalHint}`;

/**
 * Why a run refused a command, without full stop, and what is open there now.
 *
 * The Temporal UI prints the message alone, so it holds both, and the second one stands by itself in the details. A
 * worker that does not send those yet has all of it in the message.
 */
function refusalIn(refused: ApplicationFailure): { readonly message: string; readonly detail?: string } {
  const [text] = (refused.details ?? []) as readonly ({ detail?: unknown } | undefined)[];
  const detail = text?.detail;
  const { message } = refused;
  if (typeof detail !== 'string' || !message.endsWith(`. ${detail}`)) return { message };
  return { message: message.slice(0, -`. ${detail}`.length), detail };
}

async function ended<Name extends CommandName>(
  client: Client,
  sending: Sending<Name>,
  cause: unknown,
): Promise<Error> {
  const { workflowId, name } = sending;
  const run = await describeWorkflow(client, workflowId).catch(() => undefined);
  return failure(
    'Refused',
    {
      message: `${name} comes too late: the run ${workflowId} has ended`,
      detail:
        run?.endedAt === undefined
          ? 'Temporal knows no open run with this Workflow id.'
          : `Migration ${run.migration} is ${run.state} since ${run.endedAt}.`,
      hint: `Run "rehost report ${workflowId}" to see how it ended.`,
    },
    { cause },
  );
}

/**
 * Sends a command as a Signal: durable at once, carried out when a worker is there, answered nowhere.
 * @throws Refused when the run has ended
 */
export async function sendSignal<Name extends CommandName>(
  client: Client,
  sending: Sending<Name>,
): Promise<void> {
  try {
    await client.withDeadline(Date.now() + COMMAND_TIMEOUT_MS, () =>
      client.workflow.getHandle(sending.workflowId).signal(sending.name, sending.request),
    );
  } catch (error) {
    throw isNotFound(error) ? await ended(client, sending, error) : error;
  }
}
