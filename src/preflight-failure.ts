import { failure, type RehostFailure } from './failures.js';
import type { Plan } from './plan/types.js';

/** Why a plan may not be applied: every check that blocks, with its remedy. Undefined when none does. */
export function preflightFailure(plan: Pick<Plan, 'preflight'>): RehostFailure | undefined {
  const blockers = plan.preflight.filter((check) => check.severity === 'blocker');
  if (blockers.length === 0) return undefined;
  return failure('PreflightBlocked', {
    message: `${blockers.length} preflight ${blockers.length === 1 ? 'check blocks' : 'checks block'} the migration; nothing was changed`,
    detail: blockers
      .map(
        (check) =>
          `${check.id}: ${check.title}; found ${check.found}, wanted ${check.wanted}. ${check.remedy}`,
      )
      .join('\n'),
    hint: 'Remove what blocks as each line says, then run "rehost plan" again.',
  });
}
