import { phaseSteps, type Node, type Plan, type Step } from '../plan/types.js';
import type { JsonObject } from '../plan/json.js';
import type { RunEvent } from './events.js';
import { isNeeded, resolveInput } from './references.js';
import { hasOpenCall, isSettled, mayHaveChanged, recordOf, type RunState, type UndoItem } from './state.js';
import { inRollbackOrder, undoItemsFor } from './undo.js';
import { UNDO_ORDERS } from '../plan/types.js';

/** What the interpreter does next. `event` needs no Activity; `act` and `undo` call one. */
export type Move =
  | { readonly kind: 'event'; readonly event: RunEvent }
  | {
      readonly kind: 'act';
      readonly step: Step;
      readonly input: JsonObject;
      readonly undo: readonly UndoItem[];
    }
  | { readonly kind: 'undo'; readonly item: UndoItem };

/** Moves to make now, and the instant (ISO 8601) at which to look again even if nothing happens. */
export interface Next {
  readonly moves: readonly Move[];
  readonly wakeAt?: string;
}

const NOTHING: Next = { moves: [] };
const oneEvent = (event: RunEvent): Next => ({ moves: [{ kind: 'event', event }] });

/**
 * What is to be done in this state: the whole control flow of a migration, as data.
 *
 * The state holds everything, so a run goes on after Continue-As-New, a restart or a retry exactly where it was. `at`
 * is now, ISO 8601 UTC. No moves and no `wakeAt`: the run waits for a person or for an open Activity.
 */
export function next(plan: Plan, state: RunState, at: string): Next {
  if (state.ended !== undefined) return NOTHING;
  if (state.halted !== undefined) {
    const untouched = state.halted.cancel && !hasOpenCall(state) && !mayHaveChanged(plan, state);
    return untouched ? oneEvent({ kind: 'ended', state: 'cancelled', at }) : NOTHING;
  }
  return state.direction === 'rollback' ? nextUndo(state, at) : nextForward(plan, state, at);
}

function nextForward(plan: Plan, state: RunState, at: string): Next {
  const phase = plan.phases[state.phase];
  if (phase === undefined) return oneEvent({ kind: 'ended', state: 'done', at });
  const { gate } = phase;
  if (gate !== undefined) {
    const record = state.gates[gate.id];
    if (record === undefined) return oneEvent({ kind: 'gate-reached', gate: gate.id, at });
    if (record.status !== 'open') return record.status === 'waiting' ? keepWarm(plan, state, at) : NOTHING;
    // A pass that runs when the gate opens is let finish: what it still copies need not be copied under the fence.
    if (gate.meanwhile !== undefined && recordOf(state, gate.meanwhile.step.id).status === 'running')
      return NOTHING;
  }
  if (phaseSteps(phase).every((step) => isSettled(recordOf(state, step.id))))
    return oneEvent({ kind: 'phase-finished', at });
  return { moves: ready(phase.nodes, state).map((step) => start(plan, state, { step, at })) };
}

function ready(nodes: readonly Node[], state: RunState): readonly Step[] {
  const open = nodes.find((node) => stepsOf(node).some((step) => !isSettled(recordOf(state, step.id))));
  if (open === undefined) return [];
  const branches = open.kind === 'step' ? [[open]] : open.branches;
  return branches.flatMap((branch) => {
    const first = branch.find((step) => !isSettled(recordOf(state, step.id)));
    return first !== undefined && isStartable(state, first) ? [first] : [];
  });
}

const stepsOf = (node: Node): readonly Step[] => (node.kind === 'step' ? [node] : node.branches.flat());

function isStartable(state: RunState, step: Step): boolean {
  const record = recordOf(state, step.id);
  return record.status === 'not-started' || (record.status === 'running' && record.due);
}

function start(plan: Plan, state: RunState, what: { step: Step; at: string }): Move {
  const { step, at } = what;
  const needed = isNeeded(state, step);
  if (needed.ok && !needed.value)
    return { kind: 'event', event: { kind: 'step-not-needed', step: step.id, at } };
  const input = resolveInput(plan, state, { input: step.input, reader: step.id });
  const undo = undoItemsFor(plan, state, step);
  if (needed.ok && input.ok && undo.ok) return { kind: 'act', step, input: input.value, undo: undo.value };
  const failed = [needed, input, undo].find((one) => !one.ok);
  const failure =
    failed?.ok === false
      ? failed.failure
      : { type: 'Unexpected', message: `step "${step.id}" cannot start`, hint: '' };
  return { kind: 'event', event: { kind: 'step-failed', step: step.id, failure, stopped: false, at } };
}

// The first pass comes one interval after the gate was reached: the copy before it has only just ended.
function keepWarm(plan: Plan, state: RunState, at: string): Next {
  const phase = plan.phases[state.phase];
  const gate = phase?.gate;
  const meanwhile = gate?.meanwhile;
  const record = gate === undefined ? undefined : state.gates[gate.id];
  if (meanwhile === undefined || record === undefined) return NOTHING;
  const { step, everySeconds } = meanwhile;
  const own = recordOf(state, step.id);
  if (own.status === 'skipped' || own.status === 'not-needed' || (own.status === 'running' && !own.due))
    return NOTHING;
  const last = 'endedAt' in own ? own.endedAt : record.reachedAt;
  const dueAt =
    own.status === 'running'
      ? at
      : new Date(Date.parse(last) + Math.max(1, everySeconds) * 1000).toISOString();
  if (dueAt > at) return { moves: [], wakeAt: dueAt };
  const move = start(plan, state, { step, at });
  // A keep-warm step that cannot start, or is not needed, is noted once and left alone for another interval.
  return { moves: [move] };
}

function nextUndo(state: RunState, at: string): Next {
  if (hasOpenCall(state)) return NOTHING;
  const items = inRollbackOrder(state.undo);
  for (const order of UNDO_ORDERS) {
    const open = items.filter(
      (item) => item.order === order && item.status !== 'done' && item.status !== 'skipped',
    );
    if (open.length === 0) continue;
    // Isolating and restoring hold at the first failure; a failed clean-up waits while the others go on.
    const candidate = order === 'clean-up' ? open.find((item) => item.status === 'waiting') : open[0];
    return candidate?.status === 'waiting' ? { moves: [{ kind: 'undo', item: candidate }] } : NOTHING;
  }
  return oneEvent({ kind: 'ended', state: 'rolled-back', at });
}
