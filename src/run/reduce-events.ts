import { planSteps, type Plan, type Step } from '../plan/types.js';
import type { RunEvent } from './events.js';
import { inRollbackOrder } from './undo.js';
import {
  keepWarmIds,
  recordOf,
  type GateRecord,
  type RunState,
  type StepRecord,
  type UndoItem,
} from './state.js';

type Event<Kind extends RunEvent['kind']> = Extract<RunEvent, { kind: Kind }>;

/** The state with one step's record replaced. */
export function withStep(state: RunState, step: string, record: StepRecord): RunState {
  return { ...state, steps: { ...state.steps, [step]: record } };
}

/** The state with one gate's record replaced. */
export function withGate(state: RunState, gate: string, record: GateRecord): RunState {
  return { ...state, gates: { ...state.gates, [gate]: record } };
}

/** What every record of a step keeps, whatever its status. */
export function keptOf(
  record: StepRecord,
): Pick<StepRecord, 'generation' | 'startedAt' | 'acted' | 'passes'> {
  return {
    generation: record.generation,
    ...(record.acted === undefined ? {} : { acted: record.acted }),
    ...(record.startedAt === undefined ? {} : { startedAt: record.startedAt }),
    ...(record.passes === undefined ? {} : { passes: record.passes }),
  };
}

const changedOf = (record: StepRecord): boolean => 'changed' in record && record.changed;

/** Applies what the interpreter reports; total: an event is a fact and cannot be refused. */
export function applyEvent(plan: Plan, state: RunState, event: RunEvent): RunState {
  switch (event.kind) {
    case 'gate-reached':
      return gateReached(plan, state, event);
    case 'phase-finished':
      return { ...state, phase: state.phase + 1 };
    case 'step-not-needed':
      return withStep(state, event.step, {
        ...keptOf(recordOf(state, event.step)),
        status: 'not-needed',
        endedAt: event.at,
      });
    case 'step-started':
      return stepStarted(plan, state, event);
    case 'step-finished':
      return stepFinished(plan, state, event);
    case 'step-failed':
      return stepFailed(plan, state, event);
    case 'undo-started':
    case 'undo-finished':
    case 'undo-failed':
      return undoEvent(state, event);
    case 'cancel-requested':
      return halt(state, { by: 'a Temporal cancellation', at: event.at, cancel: true });
    case 'signal-refused': {
      const { name, actor, message, at } = event;
      return { ...state, lastRefused: { name, actor, message, at } };
    }
    case 'ended':
      return { ...state, ended: { state: event.state, at: event.at } };
  }
}

function gateReached(plan: Plan, state: RunState, event: Event<'gate-reached'>): RunState {
  const gate = plan.phases.find((phase) => phase.gate?.id === event.gate)?.gate;
  const digests = (gate?.evidence ?? []).flatMap((step): [string, string][] => {
    const record = recordOf(state, step);
    return record.status === 'done' ? [[step, record.digest]] : [];
  });
  return withGate(state, event.gate, {
    status: 'waiting',
    revision: 1,
    reachedAt: event.at,
    evidence: Object.fromEntries(digests),
    votes: [],
    rejections: [],
  });
}

function stepOf(plan: Plan, id: string): Step | undefined {
  return planSteps(plan).find((step) => step.id === id);
}

function stepStarted(plan: Plan, state: RunState, event: Event<'step-started'>): RunState {
  const record = recordOf(state, event.step);
  const step = stepOf(plan, event.step);
  const started = withStep(state, event.step, {
    ...keptOf(record),
    generation: record.generation + 1,
    acted: record.generation + 1,
    startedAt: record.startedAt ?? event.at,
    status: 'running',
    due: false,
    changed: changedOf(record),
  });
  const startsDowntime = step?.downtime === 'starts' && state.downtime.startedAt === undefined;
  const wentLive = step?.goesLive === true && state.wentLiveAt === undefined;
  return {
    ...started,
    undo: [...state.undo, ...event.undo],
    downtime: startsDowntime ? { startedAt: event.at } : endsDowntime(state, step, event.at),
    ...(wentLive ? { wentLiveAt: event.at } : {}),
  };
}

function endsDowntime(state: RunState, step: Step | undefined, at: string): RunState['downtime'] {
  const open = state.downtime.startedAt !== undefined && state.downtime.endedAt === undefined;
  return step?.downtime === 'ends' && open ? { ...state.downtime, endedAt: at } : state.downtime;
}

function stepFinished(plan: Plan, state: RunState, event: Event<'step-finished'>): RunState {
  const record = recordOf(state, event.step);
  const step = stepOf(plan, event.step);
  const passes = (record.passes ?? 0) + 1;
  const changed = changedOf(record) || event.outcome.changed;
  const another = step?.repeat !== undefined && event.outcome.again === true && passes < step.repeat.max;
  if (another && state.halted === undefined && state.direction === 'forward')
    return withStep(state, event.step, { ...keptOf(record), passes, status: 'running', due: true, changed });
  if (another)
    return withStep(state, event.step, {
      ...keptOf(record),
      passes,
      status: 'parked',
      reason: 'stopped',
      failure: stoppedFailure(state, event.step),
      endedAt: event.at,
      changed,
    });
  const done = withStep(state, event.step, {
    ...keptOf(record),
    passes,
    status: 'done',
    endedAt: event.at,
    changed,
    digest: event.outcome.digest,
    values: event.outcome.values,
  });
  return newEvidence(plan, done, { step: event.step, digest: event.outcome.digest });
}

/** Why a step is parked that a stop, a rollback or a cancellation ended. */
export function stoppedFailure(
  state: RunState,
  step: string,
): { type: string; message: string; hint: string } {
  const by = state.halted?.by ?? state.rollback?.by ?? 'nobody known';
  return {
    type: 'UnitStopped',
    message: `step "${step}" was stopped by ${by}`,
    hint: `Run "rehost retry ${state.migration}" to go on, or "rehost rollback ${state.migration} --reason …".`,
  };
}

// A gate that waits shows people certain digests; when one changes, what they voted on is no longer what is there.
function newEvidence(plan: Plan, state: RunState, fresh: { step: string; digest: string }): RunState {
  const gate = plan.phases[state.phase]?.gate;
  const record = gate === undefined ? undefined : state.gates[gate.id];
  if (gate === undefined || record?.status !== 'waiting' || !gate.evidence.includes(fresh.step)) return state;
  if (record.evidence[fresh.step] === fresh.digest) return state;
  return withGate(state, gate.id, {
    ...record,
    revision: record.revision + 1,
    evidence: { ...record.evidence, [fresh.step]: fresh.digest },
  });
}

function stepFailed(plan: Plan, state: RunState, event: Event<'step-failed'>): RunState {
  const record = recordOf(state, event.step);
  const wasCalled = record.status === 'running' && !record.due;
  const parked: StepRecord = {
    ...keptOf(record),
    // A step that parks before its call still gets a generation of its own, for commands to refer to.
    generation: wasCalled ? record.generation : record.generation + 1,
    status: 'parked',
    reason: event.stopped ? 'stopped' : 'failed',
    failure: event.failure,
    endedAt: event.at,
    changed: changedOf(record),
  };
  const next = withStep(state, event.step, parked);
  return keepWarmIds(plan).has(event.step) ? settleKeepWarm(plan, next, event.at) : next;
}

/** Leaves the keep-warm step of a gate that has opened behind, unless it is still running. */
export function settleKeepWarm(plan: Plan, state: RunState, at: string): RunState {
  const gate = plan.phases[state.phase]?.gate;
  const step = gate?.meanwhile?.step.id;
  if (gate === undefined || step === undefined || state.gates[gate.id]?.status !== 'open') return state;
  const record = recordOf(state, step);
  if (record.status === 'not-started')
    return withStep(state, step, { ...keptOf(record), status: 'not-needed', endedAt: at });
  const due = record.status === 'running' && record.due;
  if (record.status !== 'parked' && !due) return state;
  return withStep(state, step, {
    ...keptOf(record),
    status: 'skipped',
    by: 'rehost',
    reason: 'the gate opened',
    endedAt: at,
  });
}

function undoEvent(
  state: RunState,
  event: Event<'undo-started' | 'undo-finished' | 'undo-failed'>,
): RunState {
  const item = state.undo.find((one) => one.key === event.key);
  if (item === undefined) return state;
  const changed: UndoItem =
    event.kind === 'undo-started'
      ? withoutFailure({ ...item, status: 'running' })
      : event.kind === 'undo-finished'
        ? { ...item, status: 'done' }
        : { ...item, status: 'parked', failure: event.failure };
  const raised = event.kind === 'undo-started' ? raiseGeneration(state, item.step) : state;
  return sourceServes(withUndo(raised, changed, event.at), event.at);
}

const withoutFailure = (item: UndoItem): UndoItem => ({ ...item, failure: undefined });

function raiseGeneration(state: RunState, step: string): RunState {
  const record = recordOf(state, step);
  return withStep(state, step, { ...record, generation: record.generation + 1 });
}

/** The state with one undo call replaced and its step's status derived from all calls of that step. */
export function withUndo(state: RunState, item: UndoItem, at: string): RunState {
  const undo = state.undo.map((one) => (one.key === item.key ? item : one));
  const calls = undo.filter((one) => one.step === item.step);
  const kept = keptOf(recordOf(state, item.step));
  const next = { ...state, undo };
  if (calls.some((one) => one.status === 'running'))
    return withStep(next, item.step, { ...kept, status: 'undoing' });
  if (calls.some((one) => one.status === 'parked'))
    return withStep(next, item.step, { ...kept, status: 'undo-parked' });
  if (calls.every((one) => one.status === 'done' || one.status === 'skipped'))
    return withStep(next, item.step, { ...kept, status: 'undone', endedAt: at });
  return withStep(next, item.step, { ...kept, status: 'undoing' });
}

/** Notes the instant from which the source serves again: nothing before the clean-up is left. */
export function sourceServes(state: RunState, at: string): RunState {
  if (state.rollback === undefined || state.rollback.servingAt !== undefined) return state;
  const before = inRollbackOrder(state.undo).filter((item) => item.order !== 'clean-up');
  if (before.some((item) => item.status !== 'done' && item.status !== 'skipped')) return state;
  const down = state.downtime.startedAt !== undefined && state.downtime.endedAt === undefined;
  return {
    ...state,
    rollback: { ...state.rollback, servingAt: at },
    downtime: down ? { ...state.downtime, endedAt: at } : state.downtime,
  };
}

/** Stops the run: nothing new starts; steps between two calls park at once, open calls park when they end. */
export function halt(
  state: RunState,
  by: { by: string; at: string; reason?: string; cancel: boolean },
): RunState {
  return parkDue({ ...state, halted: by }, by.at);
}

/** Parks every step that waits for its next call. */
export function parkDue(state: RunState, at: string): RunState {
  const steps = Object.fromEntries(
    Object.entries(state.steps).map(([id, record]): [string, StepRecord] => {
      if (record.status !== 'running' || !record.due) return [id, record];
      const failure = stoppedFailure(state, id);
      return [
        id,
        {
          ...keptOf(record),
          status: 'parked',
          reason: 'stopped',
          failure,
          endedAt: at,
          changed: record.changed,
        },
      ];
    }),
  );
  return { ...state, steps };
}
