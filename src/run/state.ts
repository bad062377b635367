/*
 * State of one run: plain JSON, changed only by the reducer, carried whole over Continue-As-New.
 * Instants are ISO 8601 UTC text and come from outside; nothing here reads a clock.
 */
import type { JsonObject } from '../plan/json.js';
import type { UndoEntry } from '../plan/call.js';
import { planSteps, type Plan, type TimeoutClass } from '../plan/types.js';

/** What the whole run is doing; the value of the search attribute `RehostState`. */
export type RehostState =
  | 'running'
  | 'gate'
  | 'parked'
  | 'stopping'
  | 'rolling-back'
  | 'done'
  | 'rolled-back'
  | 'abandoned'
  | 'cancelled';

/** States in which a run has ended. */
export type EndState = Extract<RehostState, 'done' | 'rolled-back' | 'abandoned' | 'cancelled'>;

/** Why a step is parked, in the three parts of a failure; `type` is a key of the failure catalogue where it is known. */
export interface StepFailure {
  readonly type: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint: string;
}

interface RecordBase {
  /** Raised by the reducer for each call of an Activity (pass, retry, undo); 0 before the first. */
  readonly generation: number;
  /** Instant of the first start; absent before. */
  readonly startedAt?: string;
  /** Generation of the last call that acted, not undid; absent before. */
  readonly acted?: number;
  /** Completed passes of a repeated or keep-warm step. */
  readonly passes?: number;
}

/**
 * State of one step.
 *
 * `running.due`: no Activity is open, the next move starts one (between passes, after a retry).
 * `undoing`, `undo-parked`, `undone`: only in a rollback; which undo calls are open is told by `RunState.undo`.
 */
export type StepRecord = RecordBase &
  (
    | { readonly status: 'not-started' }
    | { readonly status: 'not-needed'; readonly endedAt: string }
    | { readonly status: 'running'; readonly due: boolean; readonly changed: boolean }
    | {
        readonly status: 'parked';
        readonly reason: 'failed' | 'stopped';
        readonly failure: StepFailure;
        readonly endedAt: string;
        readonly changed: boolean;
      }
    | {
        readonly status: 'done';
        readonly endedAt: string;
        readonly changed: boolean;
        readonly digest: string;
        readonly values: JsonObject;
      }
    | { readonly status: 'skipped'; readonly by: string; readonly reason: string; readonly endedAt: string }
    | { readonly status: 'undoing' | 'undo-parked' }
    | { readonly status: 'undone'; readonly endedAt: string }
  );

/** Status word of a step. */
export type StepStatus = StepRecord['status'];

/** How a command reached the run. */
export type Via = 'update' | 'signal';

/** One vote at a gate; it counts only while its revision is the gate's. */
export interface Vote {
  readonly actor: string;
  readonly at: string;
  readonly revision: number;
  readonly answers: { readonly [question: string]: string };
  readonly command: string;
  readonly via: Via;
  readonly reason?: string;
}

/** State of a gate that was reached; `waiting`: people vote, `open`: passed, `rejected`: parked until `retry`. */
export interface GateRecord {
  readonly status: 'waiting' | 'open' | 'rejected';
  /** Integer revision of the evidence, from 1; a vote for another revision is void. */
  readonly revision: number;
  readonly reachedAt: string;
  readonly openedAt?: string;
  /** Digest of each evidence step's outcome at this revision. */
  readonly evidence: { readonly [step: string]: string };
  /** Every vote ever cast, void ones included, oldest first. */
  readonly votes: readonly Vote[];
  /** Every rejection, oldest first. */
  readonly rejections: readonly {
    readonly actor: string;
    readonly at: string;
    readonly reason: string;
    readonly revision: number;
  }[];
}

/** Votes on something that is not a gate: skipping a step, or rolling back once the target's data was replaced. */
export interface Ballot {
  /** `skip:<step>#<generation>` or `rollback@<number of undo entries>`: what the votes are bound to. */
  readonly key: string;
  /** Id of the gate whose voters decide. */
  readonly gate: string;
  readonly votes: readonly { readonly actor: string; readonly at: string; readonly reason: string }[];
  readonly passedAt?: string;
}

/** One undo call on the stack, pushed before its step acts, input resolved. */
export interface UndoItem extends UndoEntry {
  /** `<step>/<place in the step's calls>`. */
  readonly key: string;
  readonly timeouts: TimeoutClass;
  readonly loses?: string;
  readonly status: 'waiting' | 'running' | 'parked' | 'done' | 'skipped';
  readonly failure?: StepFailure | undefined;
  readonly skippedBy?: string;
  readonly reason?: string;
}

/** A command that was applied, with its answer: the audit list and the memory that makes commands idempotent. */
export interface AppliedCommand {
  readonly id: string;
  readonly kind: string;
  readonly actor: string;
  readonly at: string;
  readonly via: Via;
  /** What it was about: `gate begin`, `step copy`, `run`. */
  readonly subject: string;
  readonly reason?: string;
  readonly answer: string;
}

/** A command by Signal that was refused; nobody else would tell its sender. */
export interface RefusedCommand {
  readonly name: string;
  readonly actor: string;
  readonly at: string;
  readonly message: string;
}

/** How many applied commands are remembered; older ones only count. About 60 kB of JSON at most. */
export const COMMANDS_KEPT = 200;

/** The snapshot of a run. With the plan it is all that crosses Continue-As-New. */
export interface RunState {
  readonly schema: 1;
  readonly migration: string;
  readonly workflowId: string;
  readonly requester: string;
  readonly digest: string;
  readonly startedAt: string;
  readonly direction: 'forward' | 'rollback';
  /** Index of the current phase; the number of phases when all are finished. */
  readonly phase: number;
  readonly steps: { readonly [step: string]: StepRecord };
  readonly gates: { readonly [gate: string]: GateRecord };
  readonly ballots: readonly Ballot[];
  /** Oldest first. */
  readonly undo: readonly UndoItem[];
  readonly commands: readonly AppliedCommand[];
  readonly commandsForgotten: number;
  readonly lastRefused?: RefusedCommand;
  /** Set by stop, cleared by retry or rollback. `cancel`: asked for by a Temporal cancellation. */
  readonly halted?:
    | {
        readonly by: string;
        readonly at: string;
        readonly reason?: string;
        readonly cancel: boolean;
      }
    | undefined;
  /** Verifications, fences and restore points that were skipped: the run is UNVERIFIED for ever. */
  readonly unverified: readonly {
    readonly step: string;
    readonly by: string;
    readonly reason: string;
    readonly at: string;
  }[];
  readonly downtime: { readonly startedAt?: string; readonly endedAt?: string };
  readonly wentLiveAt?: string;
  readonly rollback?: {
    readonly by: string;
    readonly at: string;
    readonly reason: string;
    readonly servingAt?: string;
  };
  readonly ended?: { readonly state: EndState; readonly at: string };
}

/** State of a run before its first step. */
export function initialState(
  plan: Plan,
  identity: {
    readonly migration: string;
    readonly workflowId: string;
    readonly requester: string;
    readonly at: string;
  },
): RunState {
  const steps = Object.fromEntries(
    planSteps(plan).map((step): [string, StepRecord] => [step.id, { status: 'not-started', generation: 0 }]),
  );
  return {
    schema: 1,
    migration: identity.migration,
    workflowId: identity.workflowId,
    requester: identity.requester,
    digest: plan.digest,
    startedAt: identity.at,
    direction: 'forward',
    phase: 0,
    steps,
    gates: {},
    ballots: [],
    undo: [],
    commands: [],
    commandsForgotten: 0,
    unverified: [],
    downtime: {},
  };
}

/** Record of a step; a step that the state does not know has not started. */
export function recordOf(state: RunState, step: string): StepRecord {
  return state.steps[step] ?? { status: 'not-started', generation: 0 };
}

/** Whether the step needs nothing more for its phase to go on. */
export function isSettled(record: StepRecord): boolean {
  return record.status === 'done' || record.status === 'skipped' || record.status === 'not-needed';
}

/** Ids of the gates' keep-warm steps: they never hold a phase back. */
export function keepWarmIds(plan: Plan): ReadonlySet<string> {
  return new Set(plan.phases.flatMap((phase) => phase.gate?.meanwhile?.step.id ?? []));
}

/** Whether an Activity of the run is open. */
export function hasOpenCall(state: RunState): boolean {
  return (
    Object.values(state.steps).some((record) => record.status === 'running' && !record.due) ||
    state.undo.some((item) => item.status === 'running')
  );
}

/**
 * Whether anything on a host may differ from before the run.
 *
 * A step that started and is not read-only counts even when it failed: its effect is unknown.
 */
export function mayHaveChanged(plan: Plan, state: RunState): boolean {
  return planSteps(plan).some((step) => {
    const record = recordOf(state, step.id);
    if ('changed' in record && record.changed) return true;
    const readOnly = step.undo.kind === 'none' && step.undo.because === 'read-only';
    return !readOnly && record.startedAt !== undefined;
  });
}

/** Steps that wait for a person, in plan order; a keep-warm step tries again by itself and is left out. */
export function parkedSteps(plan: Plan, state: RunState): readonly string[] {
  const warm = keepWarmIds(plan);
  return planSteps(plan)
    .filter((step) => recordOf(state, step.id).status === 'parked' && !warm.has(step.id))
    .map((step) => step.id);
}

/** What the whole run is doing. */
export function rehostState(plan: Plan, state: RunState): RehostState {
  if (state.ended !== undefined) return state.ended.state;
  if (state.direction === 'rollback') return 'rolling-back';
  if (state.halted !== undefined) return hasOpenCall(state) ? 'stopping' : 'parked';
  if (parkedSteps(plan, state).length > 0) return 'parked';
  const gate = plan.phases[state.phase]?.gate;
  const status = gate === undefined ? undefined : state.gates[gate.id]?.status;
  if (status === 'rejected') return 'parked';
  return status === 'waiting' ? 'gate' : 'running';
}
