import { assertSealed } from '../digest.js';
import { failure } from '../failures.js';
import type { Plan } from '../plan/types.js';
import { readPlanText } from './context.js';
import { writeNamedFile } from './written-file.js';

/**
 * The plan of a file, proven unchanged since it was made.
 * @throws PlanUnreadable when it is no plan, PlanEdited when its digest does not fit
 */
export function readPlanFile(file: string): Plan {
  const plan = parsePlan(readPlanText(file), file);
  assertSealed(plan, file);
  return plan;
}

/** Saves a plan, readable by its owner only: it names hosts and paths. @throws UsageInvalid when it cannot be written */
export function writePlanFile(file: string, plan: Plan): void {
  writeNamedFile(file, `${JSON.stringify(plan, null, 2)}\n`);
}

function parsePlan(text: string, file: string): Plan {
  const reason = (() => {
    try {
      const value: unknown = JSON.parse(text);
      return isPlan(value) ? value : 'it is JSON, but no plan of schema 1';
    } catch (error) {
      return `it is no JSON: ${error instanceof Error ? error.message : String(error)}`;
    }
  })();
  if (typeof reason !== 'string') return reason;
  throw failure('PlanUnreadable', {
    message: `${file} is not a plan`,
    detail: reason,
    hint: 'Make a plan with "rehost plan SPEC --out PLAN" and name that file.',
  });
}

function isPlan(value: unknown): value is Plan {
  if (typeof value !== 'object' || value === null) return false;
  const plan = value as Partial<Record<keyof Plan, unknown>>;
  return (
    plan.schema === 1 &&
    typeof plan.digest === 'string' &&
    typeof plan.kind === 'string' &&
    Array.isArray(plan.phases)
  );
}
