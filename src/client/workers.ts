import type { Client } from '@temporalio/client';

/** Identities of the workers that polled a task queue lately. */
export interface Pollers {
  readonly workflows: readonly string[];
  readonly activities: readonly string[];
}

// A long poll lasts a minute; the server keeps a poller in its list for five.
const FRESH_MS = 70_000;
type TaskQueueType = NonNullable<
  Parameters<Client['workflowService']['describeTaskQueue']>[0]['taskQueueType']
>;
/** `temporal.api.enums.v1.TaskQueueType` */
const WORKFLOW = 1 as TaskQueueType;
const ACTIVITY = 2 as TaskQueueType;

/** Workers that polled within the last 70 s; one that died a moment ago is still listed. */
export async function countPollers(client: Client, taskQueue: string): Promise<Pollers> {
  const of = async (taskQueueType: TaskQueueType): Promise<readonly string[]> => {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: taskQueue },
      taskQueueType,
    });
    return (pollers ?? [])
      .filter((poller) => Number(poller.lastAccessTime?.seconds ?? 0) * 1000 > Date.now() - FRESH_MS)
      .map((poller) => poller.identity ?? '');
  };
  return { workflows: await of(WORKFLOW), activities: await of(ACTIVITY) };
}
