import type { EffectContext } from '../contracts/contract.js';
import type { StepCall } from '../plan/call.js';

/** A call as the pure builders of contracts know it, so that what is done is what was previewed. */
export const effectContext = (call: StepCall): EffectContext => ({
  migration: call.migration,
  step: call.step,
  generation: String(call.generation),
  host: call.host,
});
