import type { Plan } from '../plan/types.js';
import type { OpenItem } from './open-items.js';
import { describeRun, headline } from './status.js';
import {
  recordOf,
  rehostState,
  type EndState,
  type RehostState,
  type RunState,
  type StepStatus,
} from './state.js';

/** Names of the search attributes, all of type Keyword. Never secret: they are not encrypted. */
export const SEARCH_ATTRIBUTES = [
  'RehostState',
  'RehostPhase',
  'RehostSource',
  'RehostTarget',
  'RehostMigration',
] as const;
/** Name of a search attribute. */
export type SearchAttribute = (typeof SEARCH_ATTRIBUTES)[number];

/** Values of the search attributes now; they change on state changes only. */
export function searchAttributesOf(
  plan: Plan,
  state: RunState,
): { readonly [Name in SearchAttribute]: string } {
  const phase = plan.phases[state.phase] ?? plan.phases.at(-1);
  return {
    RehostState: rehostState(plan, state),
    RehostPhase: phase?.id ?? 'none',
    RehostSource: plan.source,
    RehostTarget: plan.target,
    RehostMigration: state.migration,
  };
}

/** Key of the memo under which the last status is kept for when no worker answers a query. */
export const MEMO_KEY = 'rehost';

/** Last known status, in the memo; under 2 kB. `at`: when it was written. */
export interface MemoSummary {
  readonly migration: string;
  readonly state: RehostState;
  readonly phase: string;
  readonly headline: string;
  readonly digest: string;
  readonly requester: string;
  /** The most likely next commands, at most three lines. */
  readonly next: readonly string[];
  /** The first of them as a Signal, bound to what was seen: it waits for a worker. Absent when nothing is open. */
  readonly signal?: string;
  readonly at: string;
}

/** The memo of a run as it stands. */
export function memoOf(plan: Plan, state: RunState, at: string): MemoSummary {
  const view = describeRun(plan, state, { now: at });
  const signal = view.open.flatMap(asSignal)[0];
  return {
    migration: state.migration,
    state: view.state,
    phase: searchAttributesOf(plan, state).RehostPhase,
    headline: headline(plan, state).slice(0, 600),
    digest: plan.digest,
    requester: state.requester,
    next: view.open.flatMap((item) => item.offers[0]?.line ?? []).slice(0, 3),
    ...(signal === undefined ? {} : { signal }),
    at,
  };
}

function asSignal(item: OpenItem): readonly string[] {
  const { offers, revision, generation } = item;
  const bound = [
    ...(revision === undefined ? [] : [`--revision ${revision}`]),
    ...(generation === undefined ? [] : [`--generation ${generation}`]),
  ];
  return offers.slice(0, 1).map((offer) => [offer.line, ...bound, '--signal'].join(' '));
}

/** What the Workflow returns. `run` is the whole last state, so that a report needs neither worker nor history. */
export interface RunResult {
  readonly state: EndState;
  readonly migration: string;
  readonly workflowId: string;
  readonly digest: string;
  readonly source: string;
  readonly target: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly headline: string;
  /** False for ever once a verification, fence or restore point was skipped. */
  readonly verified: boolean;
  readonly downtimeMs?: number;
  readonly steps: { readonly [step: string]: StepStatus };
  /** Titles of undo calls that people skipped: what they would have removed is still there. */
  readonly leftBehind: readonly string[];
  readonly run: RunState;
}

/** The result of a run that has ended. */
export function resultOf(plan: Plan, state: RunState, ended: NonNullable<RunState['ended']>): RunResult {
  const view = describeRun(plan, state, { now: ended.at });
  return {
    state: ended.state,
    migration: state.migration,
    workflowId: state.workflowId,
    digest: plan.digest,
    source: plan.source,
    target: plan.target,
    startedAt: state.startedAt,
    endedAt: ended.at,
    headline: view.headline,
    verified: state.unverified.length === 0,
    ...(view.downtime === undefined ? {} : { downtimeMs: view.downtime.ms }),
    steps: Object.fromEntries(
      Object.keys(state.steps).map((id): [string, StepStatus] => [id, recordOf(state, id).status]),
    ),
    leftBehind: state.undo
      .filter((item) => item.status === 'skipped')
      .map((item) => `${item.title} (${item.host})`),
    run: state,
  };
}
