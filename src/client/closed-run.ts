import type { Client } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Plan } from '../plan/types.js';
import type { RunResult } from '../run/publication.js';
import type { MigrationInput } from '../workflows/interpreter.js';
import type { RunSummary } from './runs.js';

/** Input that a run was started with: it holds the plan, and is there whether or not a worker is. */
export async function readInput(
  client: Client,
  run: Pick<RunSummary, 'workflowId' | 'runId'>,
): Promise<MigrationInput | undefined> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId: run.workflowId, runId: run.runId },
    maximumPageSize: 1,
  });
  const payloads = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads;
  const [input] = await decodeArrayFromPayloads(client.options.loadedDataConverter, payloads ?? []);
  return input as MigrationInput | undefined;
}

/** Plan of a run, from its input. */
export async function readPlan(
  client: Client,
  run: Pick<RunSummary, 'workflowId' | 'runId'>,
): Promise<Plan | undefined> {
  return (await readInput(client, run))?.plan;
}

/** Result of a run that has ended by itself; undefined when Temporal ended it (terminated, cancelled, timed out). */
export async function readResult(client: Client, run: RunSummary): Promise<RunResult | undefined> {
  if (run.open) return undefined;
  try {
    const handle = client.workflow.getHandle<(input: MigrationInput) => Promise<RunResult>>(
      run.workflowId,
      run.runId,
      {
        // A listed run is the last of its chain.
        followRuns: false,
      },
    );
    return await handle.result();
  } catch {
    // Not a failure of ours: a run that Temporal ended has no result.
    return undefined;
  }
}
