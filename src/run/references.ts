import { canonicalJson, type Json, type JsonObject } from '../plan/json.js';
import type { InputValue, Plan, Reference, Step, StepInput } from '../plan/types.js';
import { recordOf, type RunState, type StepFailure } from './state.js';

/** A value, or why it cannot be known: the reader then parks. */
export type Resolved<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: StepFailure };

const missing = (state: RunState, what: { step: string; reader: string; why: string }): StepFailure => ({
  type: 'ReferenceMissing',
  message: `step "${what.reader}" needs the outcome of step "${what.step}", which ${what.why}`,
  hint: `Run "rehost rollback ${state.migration}", or "rehost skip ${state.migration} --step ${what.reader} --reason …" where the plan allows it.`,
});

const isReference = (value: object): value is Reference =>
  '$step' in value || '$plan' in value || '$run' in value;

/** Fills every reference in a step's input, for `reader` (a step id used in the failure). */
export function resolveInput(
  plan: Plan,
  state: RunState,
  request: { readonly input: StepInput; readonly reader: string },
): Resolved<JsonObject> {
  const resolved = resolveValue(plan, state, { value: request.input, reader: request.reader });
  return resolved.ok ? { ok: true, value: resolved.value as JsonObject } : resolved;
}

function resolveValue(
  plan: Plan,
  state: RunState,
  request: { readonly value: InputValue; readonly reader: string },
): Resolved<Json> {
  const { value, reader } = request;
  if (value === null || typeof value !== 'object') return { ok: true, value };
  if (Array.isArray(value)) {
    const items: Json[] = [];
    for (const item of value as readonly InputValue[]) {
      const resolved = resolveValue(plan, state, { value: item, reader });
      if (!resolved.ok) return resolved;
      items.push(resolved.value);
    }
    return { ok: true, value: items };
  }
  if (isReference(value)) return resolveReference(plan, state, { reference: value, reader });
  const members: Record<string, Json> = {};
  for (const [key, member] of Object.entries(value as { readonly [key: string]: InputValue })) {
    const resolved = resolveValue(plan, state, { value: member, reader });
    if (!resolved.ok) return resolved;
    members[key] = resolved.value;
  }
  return { ok: true, value: members };
}

function resolveReference(
  plan: Plan,
  state: RunState,
  request: { readonly reference: Reference; readonly reader: string },
): Resolved<Json> {
  const { reference, reader } = request;
  if ('$run' in reference)
    return { ok: true, value: reference.$run === 'requester' ? state.requester : state.workflowId };
  if ('$plan' in reference) {
    if (reference.$plan === 'digest') return { ok: true, value: plan.digest };
    const part = reference.$plan === 'whole' ? plan : plan[reference.$plan];
    return { ok: true, value: part as unknown as Json };
  }
  return readOutcome(state, { step: reference.$step, path: reference.$path, reader });
}

/** A member of an earlier step's outcome; `path` is dotted keys into `values`, empty for all of them. */
export function readOutcome(
  state: RunState,
  request: { readonly step: string; readonly path: string; readonly reader: string },
): Resolved<Json> {
  const { step, path, reader } = request;
  const record = recordOf(state, step);
  if (record.status !== 'done') {
    const why =
      record.status === 'not-needed'
        ? 'was not needed'
        : record.status === 'skipped'
          ? 'was skipped'
          : `is ${record.status}`;
    return { ok: false, failure: missing(state, { step, reader, why }) };
  }
  let value: Json | undefined = record.values;
  for (const key of path === '' ? [] : path.split('.')) {
    value = typeof value === 'object' && value !== null ? (value as JsonObject)[key] : undefined;
    if (value === undefined)
      return { ok: false, failure: missing(state, { step, reader, why: `has no "${path}"` }) };
  }
  return { ok: true, value };
}

/** Whether the step's condition holds; true without one. */
export function isNeeded(state: RunState, step: Step): Resolved<boolean> {
  if (step.when === undefined) return { ok: true, value: true };
  const found = readOutcome(state, { step: step.when.step, path: step.when.field, reader: step.id });
  if (!found.ok) return found;
  return { ok: true, value: canonicalJson(found.value) === canonicalJson(step.when.equals) };
}
