import { assertFence, type FenceMark } from '../hosts/index.js';
import type { StepCall } from '../plan/call.js';
import type { ActionContext } from './action.js';

/**
 * Proves that the fence under which a step works is unbroken.
 * @throws FenceBroken naming the process that runs or the start that happened
 */
export async function proveFence(
  fence: NonNullable<StepCall['fence']>,
  context: ActionContext,
): Promise<void> {
  const directories = fence.input['dataDirectories'];
  await assertFence(context.hosts.get(fence.host), fence.values['mark'] as unknown as FenceMark, {
    dataDirectories: Array.isArray(directories) ? directories.map(String) : [],
  });
}
