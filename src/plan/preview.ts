import type { Contract, Effect, EffectContext } from '../contracts/contract.js';
import { ownEffects } from '../contracts/own-writes.js';
import { contracts } from '../contracts/index.js';
import { planSteps, type InputValue, type Plan, type Reference, type Step, type StepInput } from './types.js';

/** What one step will change, and what its undo would. */
export interface StepPreview {
  readonly step: Step;
  readonly effects: readonly Effect[];
  readonly undoEffects: readonly Effect[];
}

/** Every changing command and write of a plan, step by step, with `<migration>` and `<generation>` as placeholders. */
export function previewPlan(plan: Pick<Plan, 'phases'>): readonly StepPreview[] {
  return planSteps(plan).map(previewStep);
}

/** Everything that a plan may change on hosts, undo and rehost's own bookkeeping included: what the executed commands are held against. */
export function planEffects(plan: Pick<Plan, 'phases' | 'hosts'>): readonly Effect[] {
  const own = Object.keys(plan.hosts).flatMap((host) => ownEffects(host, '<migration>'));
  const ofSteps = previewPlan(plan).flatMap(({ effects, undoEffects }) => [...effects, ...undoEffects]);
  return [...own, ...ofSteps];
}

/** What one step will change. Unknown actions (plans of other releases) preview as nothing. */
export function previewStep(step: Step): StepPreview {
  const contract = contractOf(step.action);
  const calls = step.undo.kind === 'calls' ? step.undo.calls : [];
  return {
    step,
    effects: contract?.effects(withPlaceholders(step.input), contextOf(step.id, step.host)) ?? [],
    undoEffects: calls.flatMap(
      (call) =>
        contractOf(call.action)?.undo?.effects(withPlaceholders(call.input), contextOf(step.id, call.host)) ??
        [],
    ),
  };
}

function contractOf(action: string): Contract | undefined {
  const known: Readonly<Record<string, Contract>> = contracts;
  return known[action];
}

const contextOf = (step: string, host: string): EffectContext => ({
  migration: '<migration>',
  step,
  generation: '<generation>',
  host,
});

function withPlaceholders(input: StepInput): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(input).map(([key, value]) => [key, placeholder(value)]));
}

function placeholder(value: InputValue): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return (value as readonly InputValue[]).map(placeholder);
  if (isReference(value)) return referenceText(value);
  return withPlaceholders(value as StepInput);
}

const isReference = (value: object): value is Reference =>
  '$step' in value || '$plan' in value || '$run' in value;

function referenceText(reference: Reference): string {
  if ('$step' in reference) return `<${reference.$step}.${reference.$path}>`;
  if ('$plan' in reference) return `<plan.${reference.$plan}>`;
  return `<${reference.$run}>`;
}
