import { createHash } from 'node:crypto';
import { failure } from './failures.js';
import { canonicalJson } from './plan/json.js';
import type { Plan } from './plan/types.js';

/** SHA-256 of a text's UTF-8 bytes, 64 hexadecimal digits in lower case. */
export const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** SHA-256, hex, of a value's canonical JSON: equal for values that mean the same, whatever their key order. */
export const digestOf = (value: unknown): string => sha256(canonicalJson(value));

/** A plan before its digest is known: what compile gives. */
export type UnsealedPlan = Omit<Plan, 'digest'>;

/** The plan's digest: SHA-256, hex, over everything but `forecast` and `digest`. */
export function digestPlan(plan: UnsealedPlan): string {
  const bound: Record<string, unknown> = { ...plan };
  delete bound['forecast'];
  delete bound['digest'];
  return digestOf(bound);
}

/** The plan with its digest, ready to be saved, shown and applied. */
export function sealPlan(plan: UnsealedPlan): Plan {
  return { ...plan, digest: digestPlan(plan) };
}

/**
 * Answers nothing when the plan's digest fits its content.
 * @throws PlanEdited with both digests
 */
export function assertSealed(plan: Plan, file: string): void {
  const found = digestPlan(plan);
  if (found === plan.digest) return;
  throw failure('PlanEdited', {
    message: `${file} was changed after it was made: its digest is ${found.slice(0, 12)}, wanted ${plan.digest.slice(0, 12)}`,
    detail: `The plan states ${plan.digest}; the SHA-256 over its content is ${found}.`,
    hint: `Change the spec instead and make a new plan: "rehost plan SPEC --out ${file}".`,
  });
}
