import type { Client } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Progress } from '../plan/call.js';
import type { StatusView, StepView } from '../run/status.js';

/** Progress of running steps by step id, read from the heartbeats of pending Activities: it never enters history. */
export async function readProgress(
  client: Client,
  workflowId: string,
): Promise<Readonly<Record<string, Progress>>> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  const found: Record<string, Progress> = {};
  for (const activity of raw.pendingActivities ?? []) {
    const payloads = activity.heartbeatDetails?.payloads;
    if (!payloads) continue;
    const [details] = await decodeArrayFromPayloads(client.options.loadedDataConverter, payloads);
    if (isProgress(details)) found[details.step] = details;
  }
  return found;
}

function isProgress(value: unknown): value is Progress {
  if (typeof value !== 'object' || value === null) return false;
  const { step, bytesDone } = value as Partial<Record<keyof Progress, unknown>>;
  return typeof step === 'string' && typeof bytesDone === 'number';
}

/** The status with the progress of its running steps put in. */
export function withProgress(view: StatusView, progress: Readonly<Record<string, Progress>>): StatusView {
  const merged = (step: StepView): StepView => {
    const found = progress[step.id];
    const runs = step.status === 'running' || step.status === 'undoing';
    return found === undefined || !runs ? step : { ...step, progress: found };
  };
  return { ...view, phases: view.phases.map((phase) => ({ ...phase, steps: phase.steps.map(merged) })) };
}
