import type { Progress } from '../plan/call.js';
import { phaseSteps, type Gate, type Phase, type Plan, type Question, type Step } from '../plan/types.js';
import { openItems, type OpenItem } from './open-items.js';
import {
  isSettled,
  keepWarmIds,
  recordOf,
  rehostState,
  type AppliedCommand,
  type GateRecord,
  type RefusedCommand,
  type RehostState,
  type RunState,
  type StepFailure,
  type StepStatus,
  type Vote,
} from './state.js';
import { inRollbackOrder, previewRollback, type RollbackPreview } from './undo.js';
import { countedVotes, missingVoters, unansweredQuestions } from './voting.js';

/** One step as people see it. Units: ms. */
export interface StepView {
  readonly id: string;
  readonly title: string;
  readonly host: string;
  readonly action: string;
  readonly status: StepStatus;
  readonly generation: number;
  readonly passes: number;
  readonly keepsWarm: boolean;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly durationMs?: number;
  readonly changed?: boolean;
  readonly failure?: StepFailure;
  readonly stopped?: boolean;
  readonly skippedBy?: string;
  readonly reason?: string;
  /** From heartbeats of the pending Activity; present only where the caller passed it in. */
  readonly progress?: Progress;
}

/** One gate as people see it. */
export interface GateView {
  readonly id: string;
  readonly title: string;
  readonly status: 'not-reached' | GateRecord['status'];
  readonly explains: readonly string[];
  readonly revision: number;
  readonly votesNeeded: number;
  readonly voters: readonly string[];
  readonly reachedAt?: string;
  readonly openedAt?: string;
  /** Votes that count now. */
  readonly votes: readonly Vote[];
  /** Votes for an older revision. */
  readonly voidVotes: readonly Vote[];
  readonly mayVote: readonly string[];
  readonly questions: readonly (Question & { readonly answer?: string; readonly answeredBy?: string })[];
  readonly rejections: GateRecord['rejections'];
  readonly evidence: readonly string[];
}

/** One phase as people see it. */
export interface PhaseView {
  readonly id: string;
  readonly title: string;
  readonly status: 'not-reached' | 'at-gate' | 'running' | 'done';
  readonly gate?: GateView;
  readonly steps: readonly StepView[];
}

/** What a rollback has done and has left to do. */
export interface RollbackView {
  readonly by: string;
  readonly at: string;
  readonly reason: string;
  /** Since when the source serves again. */
  readonly servingAt?: string;
  readonly calls: readonly {
    readonly key: string;
    readonly title: string;
    readonly host: string;
    readonly order: string;
    readonly status: string;
  }[];
}

/** Everything about a run that is printed anywhere: query, current details, memo, CLI and report are fed from it. */
export interface StatusView {
  readonly migration: string;
  readonly workflowId: string;
  readonly kind: string;
  readonly release: string;
  readonly source: string;
  readonly target: string;
  readonly requester: string;
  readonly digest: string;
  readonly state: RehostState;
  /** One sentence: what is going on. */
  readonly headline: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  /** The current phase, `number` from 1; absent once all phases are finished. */
  readonly phase?: {
    readonly id: string;
    readonly title: string;
    readonly number: number;
    readonly count: number;
  };
  readonly phases: readonly PhaseView[];
  readonly open: readonly OpenItem[];
  readonly downtime?: { readonly startedAt: string; readonly endedAt?: string; readonly ms: number };
  readonly unverified: RunState['unverified'];
  readonly wentLiveAt?: string;
  readonly rollback?: RollbackView;
  /** What a rollback would do if it were asked for now; absent once one runs or the run has ended. */
  readonly rollbackPreview?: RollbackPreview;
  readonly commands: readonly AppliedCommand[];
  readonly lastRefused?: RefusedCommand;
}

/** Options of `describeRun`. `now`: ISO 8601 UTC. `progress`: by step id, from heartbeats. */
export interface StatusOptions {
  readonly now: string;
  readonly progress?: { readonly [step: string]: Progress };
}

const msBetween = (from: string, to: string): number => Math.max(0, Date.parse(to) - Date.parse(from));

/** Describes a run; pure, the only place that turns plan and state into something for people. */
export function describeRun(plan: Plan, state: RunState, options: StatusOptions): StatusView {
  const current = plan.phases[state.phase];
  const { startedAt, endedAt } = state.downtime;
  const over = state.ended !== undefined;
  return {
    migration: state.migration,
    workflowId: state.workflowId,
    kind: plan.kind,
    release: plan.release,
    source: plan.source,
    target: plan.target,
    requester: state.requester,
    digest: plan.digest,
    state: rehostState(plan, state),
    headline: headline(plan, state),
    startedAt: state.startedAt,
    ...(state.ended === undefined ? {} : { endedAt: state.ended.at }),
    ...(current === undefined
      ? {}
      : {
          phase: { id: current.id, title: current.title, number: state.phase + 1, count: plan.phases.length },
        }),
    phases: plan.phases.map((phase, index) => phaseView(state, { phase, index, options })),
    open: openItems(plan, state),
    ...(startedAt === undefined
      ? {}
      : {
          downtime: {
            startedAt,
            ...(endedAt === undefined ? {} : { endedAt }),
            ms: msBetween(startedAt, endedAt ?? state.ended?.at ?? options.now),
          },
        }),
    unverified: state.unverified,
    ...(state.wentLiveAt === undefined ? {} : { wentLiveAt: state.wentLiveAt }),
    ...(state.rollback === undefined ? {} : { rollback: rollbackView(state) }),
    ...(over || state.direction === 'rollback' ? {} : { rollbackPreview: previewRollback(plan, state) }),
    commands: state.commands,
    ...(state.lastRefused === undefined ? {} : { lastRefused: state.lastRefused }),
  };
}

function rollbackView(state: RunState): RollbackView {
  const { by, at, reason, servingAt } = state.rollback ?? { by: '', at: '', reason: '' };
  return {
    by,
    at,
    reason,
    ...(servingAt === undefined ? {} : { servingAt }),
    calls: inRollbackOrder(state.undo).map(({ key, title, host, order, status }) => ({
      key,
      title,
      host,
      order,
      status,
    })),
  };
}

function phaseView(
  state: RunState,
  what: { phase: Phase; index: number; options: StatusOptions },
): PhaseView {
  const { phase, index, options } = what;
  const warm = phase.gate?.meanwhile?.step;
  const steps = [...(warm === undefined ? [] : [warm]), ...phaseSteps(phase)];
  const atGate = phase.gate !== undefined && state.gates[phase.gate.id]?.status !== 'open';
  const here = index === state.phase;
  return {
    id: phase.id,
    title: phase.title,
    status: index < state.phase ? 'done' : !here ? 'not-reached' : atGate ? 'at-gate' : 'running',
    ...(phase.gate === undefined ? {} : { gate: gateView(phase.gate, state) }),
    steps: steps.map((step) => stepView(step, state, { keepsWarm: step === warm, options })),
  };
}

function stepView(
  step: Step,
  state: RunState,
  what: { keepsWarm: boolean; options: StatusOptions },
): StepView {
  const record = recordOf(state, step.id);
  const endedAt = 'endedAt' in record ? record.endedAt : undefined;
  const { startedAt } = record;
  const failure = record.status === 'parked' ? record.failure : undoFailure(state, step.id);
  const progress =
    record.status === 'running' || record.status === 'undoing' ? what.options.progress?.[step.id] : undefined;
  return {
    id: step.id,
    title: step.title,
    host: step.host,
    action: step.action,
    status: record.status,
    generation: record.generation,
    passes: record.passes ?? 0,
    keepsWarm: what.keepsWarm,
    ...(startedAt === undefined
      ? {}
      : { startedAt, durationMs: msBetween(startedAt, endedAt ?? what.options.now) }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...('changed' in record ? { changed: record.changed } : {}),
    ...(failure === undefined ? {} : { failure }),
    ...(record.status === 'parked' ? { stopped: record.reason === 'stopped' } : {}),
    ...(record.status === 'skipped' ? { skippedBy: record.by, reason: record.reason } : {}),
    ...(progress === undefined ? {} : { progress }),
  };
}

function undoFailure(state: RunState, step: string): StepFailure | undefined {
  return state.undo.find((item) => item.step === step && item.status === 'parked')?.failure;
}

function gateView(gate: Gate, state: RunState): GateView {
  const record = state.gates[gate.id];
  const votes = record === undefined ? [] : countedVotes(record);
  const answered = votes.flatMap((vote) =>
    Object.entries(vote.answers).map(([id, answer]) => ({ id, answer, by: vote.actor })),
  );
  return {
    id: gate.id,
    title: gate.title,
    status: record?.status ?? 'not-reached',
    explains: gate.explains,
    revision: record?.revision ?? 0,
    votesNeeded: gate.votes,
    voters: gate.voters,
    ...(record === undefined ? {} : { reachedAt: record.reachedAt }),
    ...(record?.openedAt === undefined ? {} : { openedAt: record.openedAt }),
    votes,
    voidVotes: record === undefined ? [] : record.votes.filter((vote) => vote.revision !== record.revision),
    mayVote: record?.status === 'waiting' ? missingVoters(gate, record, state.requester) : [],
    questions: gate.questions.map((question) => {
      const found = answered.find((one) => one.id === question.id);
      return found === undefined ? question : { ...question, answer: found.answer, answeredBy: found.by };
    }),
    rejections: record?.rejections ?? [],
    evidence: gate.evidence,
  };
}

/** One sentence about what is going on, with names and counts. */
export function headline(plan: Plan, state: RunState): string {
  const move = `${plan.kind} from ${plan.source} to ${plan.target}`;
  const unverified = state.unverified.length > 0 ? ' UNVERIFIED: a check was skipped.' : '';
  switch (rehostState(plan, state)) {
    case 'done':
      return `Finished: ${move}.${unverified}`;
    case 'rolled-back':
      return `Rolled back: ${move}.${leftBehind(state)}`;
    case 'cancelled':
      return `Cancelled before anything changed: ${move}.`;
    case 'abandoned':
      return `Abandoned: ${move}.`;
    case 'stopping':
      return `Stopping: running units are being ended, nothing is undone.`;
    case 'rolling-back':
      return rollbackHeadline(state);
    case 'parked':
    case 'gate':
      return `Waiting for a person: ${openItems(plan, state)
        .map((item) => item.text)
        .join('; ')}.${unverified}`;
    case 'running':
      return `${runningHeadline(plan, state)}${unverified}`;
  }
}

function leftBehind(state: RunState): string {
  const left = state.undo.filter((item) => item.status === 'skipped');
  return left.length === 0
    ? ''
    : ` Left behind: ${left.map((item) => `${item.title} (${item.host})`).join('; ')}.`;
}

function rollbackHeadline(state: RunState): string {
  const done = state.undo.filter((item) => item.status === 'done' || item.status === 'skipped').length;
  const parked = state.undo.filter((item) => item.status === 'parked').map((item) => item.title);
  const serves =
    state.rollback?.servingAt === undefined ? 'the source does not serve yet' : 'the source serves again';
  const wait = parked.length === 0 ? '' : ` Waiting for a person: ${parked.join('; ')}.`;
  return `Rolling back: ${done} of ${state.undo.length} undone, ${serves}.${wait}`;
}

function runningHeadline(plan: Plan, state: RunState): string {
  const phase = plan.phases[state.phase];
  if (phase === undefined) return 'Running.';
  const warm = keepWarmIds(plan);
  const steps = phaseSteps(phase);
  const settled = steps.filter((step) => isSettled(recordOf(state, step.id))).length;
  const running = [...steps.map((step) => step.id), ...warm].filter(
    (id) => recordOf(state, id).status === 'running',
  );
  const now = running.length === 0 ? '' : `: ${running.join(', ')}`;
  return `Phase ${state.phase + 1} of ${plan.phases.length}, ${phase.title}, ${settled} of ${steps.length} steps done${now}.`;
}

/** Questions of a gate that still need an answer, for a prompt. */
export function openQuestions(plan: Plan, state: RunState, gateId: string): readonly Question[] {
  const gate = plan.phases.find((phase) => phase.gate?.id === gateId)?.gate;
  const record = state.gates[gateId];
  if (gate === undefined || record === undefined) return gate?.questions ?? [];
  const missing = unansweredQuestions(gate, record);
  return gate.questions.filter((question) => missing.includes(question.id));
}
