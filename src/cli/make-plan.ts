import { sealPlan } from '../digest.js';
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
  const found = await Promise.all(
    discoveries(spec.value).map(async (discovery): Promise<[string, Json]> => {
      const outcome = await client.inspect({ ...discovery, timeouts: 'short' });
      return [discovery.host, outcome.values];
    }),
  );
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
