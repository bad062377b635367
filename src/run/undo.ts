import type { UndoEntry } from '../plan/call.js';
import { planSteps, UNDO_ORDERS, type Plan, type Step, type UndoOrder } from '../plan/types.js';
import { resolveInput, type Resolved } from './references.js';
import { recordOf, type RunState, type UndoItem } from './state.js';

/** Undo calls of a step as they go on the stack before it acts; empty when it has none or they stand there already. */
export function undoItemsFor(plan: Plan, state: RunState, step: Step): Resolved<readonly UndoItem[]> {
  if (step.undo.kind === 'none' || state.undo.some((item) => item.step === step.id))
    return { ok: true, value: [] };
  const items: UndoItem[] = [];
  for (const [index, call] of step.undo.calls.entries()) {
    const input = resolveInput(plan, state, { input: call.input, reader: step.id });
    if (!input.ok) return input;
    items.push({
      key: `${step.id}/${index}`,
      step: step.id,
      title: call.title,
      order: call.order,
      action: call.action,
      host: call.host,
      input: input.value,
      timeouts: call.timeouts,
      ...(call.loses === undefined ? {} : { loses: call.loses }),
      status: 'waiting',
    });
  }
  return { ok: true, value: items };
}

/** The stack in the order in which a rollback works: the three orders, in each the newest step first. */
export function inRollbackOrder(items: readonly UndoItem[]): readonly UndoItem[] {
  return UNDO_ORDERS.flatMap((order) => newestFirst(items.filter((item) => item.order === order)));
}

// Calls of one step keep the order in which the plan lists them; steps are taken newest first.
function newestFirst(items: readonly UndoItem[]): readonly UndoItem[] {
  const steps = [...new Set(items.map((item) => item.step))].reverse();
  return steps.flatMap((step) => items.filter((item) => item.step === step));
}

/** A step's undo calls that must stand in the break-glass files now, in the order in which a rollback works. */
export function openUndoEntries(state: RunState, step: string): readonly UndoEntry[] {
  return inRollbackOrder(state.undo)
    .filter((item) => item.step === step && item.status !== 'done')
    .map(({ title, order, action, host, input }) => ({ step, title, order, action, host, input }));
}

/** One line of a rollback's preview. */
export interface RollbackLine {
  readonly key: string;
  readonly step: string;
  readonly title: string;
  readonly order: UndoOrder;
  readonly action: string;
  readonly host: string;
  readonly loses?: string;
}

/** What a rollback would do now, what users lose by it, what stays as it is, and who must agree. */
export interface RollbackPreview {
  readonly orders: readonly { readonly order: UndoOrder; readonly lines: readonly RollbackLine[] }[];
  /** One sentence per loss; empty when nothing is lost. A rollback that loses something needs `acceptLoss: true`. */
  readonly losses: readonly string[];
  /** Steps that changed something and cannot be taken back, with the reason. */
  readonly stays: readonly {
    readonly step: string;
    readonly title: string;
    readonly because: 'irreversible' | 'keeps';
  }[];
  /** Gate whose voters must agree, because the target's data was replaced; absent before that. */
  readonly votersOfGate?: string;
}

/** Previews a rollback of the run as it stands; changes nothing. */
export function previewRollback(plan: Plan, state: RunState): RollbackPreview {
  const open = inRollbackOrder(state.undo).filter(
    (item) => item.status !== 'done' && item.status !== 'skipped',
  );
  const orders = UNDO_ORDERS.map((order) => ({
    order,
    lines: open
      .filter((item) => item.order === order)
      .map(({ key, step, title, action, host, loses }) => ({
        key,
        step,
        title,
        order,
        action,
        host,
        ...(loses === undefined ? {} : { loses }),
      })),
  }));
  const gate = replacementGate(plan, state);
  return {
    orders,
    losses: lossesOf(state, open),
    stays: staysOf(plan, state),
    ...(gate === undefined ? {} : { votersOfGate: gate }),
  };
}

function lossesOf(state: RunState, open: readonly UndoItem[]): readonly string[] {
  const named = [...new Set(open.flatMap((item) => item.loses ?? []))];
  if (state.wentLiveAt === undefined) return named;
  return [...named, `everything that users wrote to the target since it went live at ${state.wentLiveAt}`];
}

function staysOf(plan: Plan, state: RunState): RollbackPreview['stays'] {
  return planSteps(plan).flatMap((step) => {
    if (step.undo.kind !== 'none' || step.undo.because === 'read-only') return [];
    if (recordOf(state, step.id).startedAt === undefined) return [];
    return [{ step: step.id, title: step.title, because: step.undo.because }];
  });
}

/** Gate before the first started step that replaces the target's data; its voters decide on a rollback from then on. */
export function replacementGate(plan: Plan, state: RunState): string | undefined {
  let gate: string | undefined;
  for (const phase of plan.phases) {
    gate = phase.gate?.id ?? gate;
    const steps = phase.nodes.flatMap((node) => (node.kind === 'step' ? [node] : node.branches.flat()));
    const replaced = steps.some(
      (step) => step.replacesTarget === true && recordOf(state, step.id).startedAt !== undefined,
    );
    if (replaced) return gate;
  }
  return undefined;
}
