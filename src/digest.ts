import { createHash } from 'node:crypto';
import { failure } from './failures.js';
import { canonicalJson } from './plan/json.js';
import { PLAN_LIMIT_BYTES, type Plan } from './plan/types.js';

/** SHA-256 of a text, 64 hex digits. */
export const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** SHA-256 over the canonical JSON of a value, 64 hex digits. */
export const digestOf = (value: unknown): string => sha256(canonicalJson(value));

/** The digest of a plan: over everything but `forecast` and `digest`. */
export function digestPlan(plan: Omit<Plan, 'digest'> | Plan): string {
  return digestOf({ ...plan, forecast: undefined, digest: undefined });
}

/** The plan with its digest. @throws PlanTooLarge when it would not fit a Workflow's input */
export function sealPlan(plan: Omit<Plan, 'digest'>): Plan {
  const sealed: Plan = { ...plan, digest: digestPlan(plan) };
  const bytes = Buffer.byteLength(JSON.stringify(sealed));
  if (bytes <= PLAN_LIMIT_BYTES) return sealed;
  throw failure('PlanTooLarge', {
    message: `plan has ${bytes} bytes; at most ${PLAN_LIMIT_BYTES} travel in a Workflow's input`,
    hint: 'Split the migration into several specs, each with fewer directories or hosts, and run "rehost plan" for each.',
  });
}

/** Nothing, when the digest in the plan is that of its content. @throws PlanEdited otherwise */
export function assertSealed(plan: Plan, file: string): void {
  const found = digestPlan(plan);
  if (found === plan.digest) return;
  throw failure('PlanEdited', {
    message: `plan ${file} was changed after it was made`,
    detail: `the file says digest ${plan.digest}; its content has ${found}`,
    hint: 'A plan is never edited: change the spec and run "rehost plan SPEC --out PLAN" again.',
  });
}
