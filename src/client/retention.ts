import type { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';

/** How long an embedded Temporal keeps ended runs: 90 days, in ms. The dev server's own default is one day. */
export const RETENTION_MS = 90 * 24 * 3600 * 1000;

/** Sets how long the namespace keeps ended runs; a repeat changes nothing. */
export async function setRetention(client: Client, retentionMs: number): Promise<void> {
  await client.workflowService.updateNamespace({
    namespace: client.options.namespace,
    config: { workflowExecutionRetentionTtl: msToTs(retentionMs) },
  });
}
