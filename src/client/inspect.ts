import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { StepOutcome } from '../plan/call.js';
import type { InspectInput } from '../workflows/inspect.js';
import { failure } from '../failures.js';
import { isDeadline, noWorker } from './translate.js';

/**
 * Longest time of one inspection, in ms; discovery of a big host walks its data.
 *
 * A little more than all attempts of its Activity have, so that it is the Activity that says what took so long.
 */
export const INSPECT_TIMEOUT_MS = 31 * 60_000;
// The first Workflow Task of a Worker that is there begins in milliseconds.
const TAKEN_UP_WITHIN_MS = 12_000;
const LOOK_EVERY_MS = 3000;

/**
 * Runs one action that changes nothing and gives its outcome.
 *
 * @throws NoWorker when nobody takes the Workflow up, else the action's own failure
 */
export async function runInspection(
  client: Client,
  input: InspectInput,
  options: { readonly taskQueue: string },
): Promise<StepOutcome> {
  const workflowId = `inspect/${input.host}/${input.action}/${randomBytes(4).toString('hex')}`;
  const handle = await client.workflow.start<(input: InspectInput) => Promise<StepOutcome>>('inspect', {
    workflowId,
    taskQueue: options.taskQueue,
    args: [input],
    workflowExecutionTimeout: INSPECT_TIMEOUT_MS,
    staticSummary: `${input.action} on ${input.host}`,
  });
  const startedAt = Date.now();
  for (;;) {
    try {
      return await client.withDeadline(Date.now() + LOOK_EVERY_MS, () => handle.result());
    } catch (error) {
      if (!isDeadline(error)) throw error;
    }
    const waitedMs = Date.now() - startedAt;
    if (waitedMs > INSPECT_TIMEOUT_MS) throw tooLong(input);
    if (waitedMs > TAKEN_UP_WITHIN_MS && !(await wasTakenUp(client, workflowId))) {
      await handle.terminate('no worker took it up');
      throw noWorker(undefined, `Nobody polls the task queue "${options.taskQueue}".`);
    }
  }
}

// Until a worker has begun the first Workflow Task the history has two events: started, task scheduled.
async function wasTakenUp(client: Client, workflowId: string): Promise<boolean> {
  const { historyLength } = await client.workflow.getHandle(workflowId).describe();
  return historyLength > 2;
}

function tooLong(input: InspectInput): Error {
  return failure('CommandTimedOut', {
    message: `${input.action} on ${input.host} took longer than ${INSPECT_TIMEOUT_MS / 60_000} min`,
    hint: 'Run "rehost doctor" to see whether the host answers, then run the command again.',
  });
}
