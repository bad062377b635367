import { sealPlan } from '../digest.js';
import { RehostFailure } from '../failures.js';
import type { Json } from '../plan/json.js';
import type { Plan } from '../plan/types.js';
import { compile, discoveries } from '../procedures/index.js';
import { checkHosts, readInventory, readSpec } from '../spec/load.js';
import type { CommandContext } from './context.js';
import { RELEASE } from './release.js';

/**
 * A sealed plan for a spec: checks the spec, lets a worker look at both hosts, compiles here.
 *
 * The inventory belongs to the worker; where this machine has it too, its mistakes are told before anything is asked.
 */
export async function makePlan(context: CommandContext, specFile: string): Promise<Plan> {
  const spec = readSpec(specFile);
  const { inventory, actor } = context.configuration;
  if (inventory !== undefined) checkHosts(spec, readInventory(inventory));
  const client = await context.client();
  context.say(`Looking at ${spec.value.source} and ${spec.value.target}; nothing is changed.`);
  const asked = discoveries(spec.value).map(async (discovery): Promise<[string, Json]> => {
    const outcome = await client.inspect({ ...discovery, timeouts: 'short' });
    return [discovery.host, outcome.values];
  });
  const found = await Promise.all(asked).catch(async (error: unknown) => {
    // Without a worker each of them ends its own Workflow: closing the connection before that would leave the slower
    // one to a worker that comes later. Any other failure is told at once; what is still read on a host changes nothing.
    if (error instanceof RehostFailure && error.type === 'NoWorker') await Promise.allSettled(asked);
    throw error;
  });
  return sealPlan(
    compile({
      spec: spec.value,
      discovered: Object.fromEntries(found),
      release: RELEASE,
      requester: actor,
      now: new Date().toISOString(),
    }),
  );
}
