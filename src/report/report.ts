import { toShellLine } from '../formats/shell.js';
import type { JsonObject } from '../plan/json.js';
import { planSteps, type Plan } from '../plan/types.js';
import type { RunState } from '../run/state.js';
import { describeRun, type GateView, type StatusView, type StepView } from '../run/status.js';
import { migrationDir } from '../contracts/paths.js';

/** What a report says about the checks: all done, one skipped, or not all done (yet). */
export type Verdict = 'VERIFIED' | 'UNVERIFIED' | 'NOT FINISHED';

/** One step in the report: its view and what it found. */
export interface ReportStep extends StepView {
  readonly phase: string;
  readonly verification: boolean;
  readonly requirements: readonly string[];
  readonly values?: JsonObject;
  readonly digest?: string;
}

/** Something that lies on a host after the run, with the command that removes it. */
export interface LeftOver {
  readonly host: string;
  readonly what: string;
  /** A line for a person's shell; `ACCOUNT` and other words in capitals are to be replaced. */
  readonly remove: string;
}

/** Everything that an auditor asks of a run; plain JSON, instants ISO 8601 UTC, durations in ms. */
export interface Report {
  readonly schema: 1;
  readonly migration: string;
  readonly kind: string;
  readonly release: string;
  readonly source: string;
  readonly target: string;
  readonly requester: string;
  readonly digest: string;
  readonly state: StatusView['state'];
  readonly headline: string;
  readonly verdict: Verdict;
  /** Why the verdict is not VERIFIED; empty when it is. */
  readonly verdictReasons: readonly string[];
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly durationMs?: number;
  readonly downtime?: StatusView['downtime'];
  readonly forecastDowntimeMs: number;
  readonly wentLiveAt?: string;
  readonly hosts: Plan['hosts'];
  readonly gates: readonly GateView[];
  readonly steps: readonly ReportStep[];
  readonly commands: StatusView['commands'];
  readonly unverified: StatusView['unverified'];
  readonly rollback?: StatusView['rollback'];
  readonly preflight: Plan['preflight'];
  readonly exclusions: Plan['exclusions'];
  readonly left: readonly LeftOver[];
}

/** The report of a run from its plan and state; pure, `now` is ISO 8601 UTC. */
export function buildReport(plan: Plan, state: RunState, now: string): Report {
  const view = describeRun(plan, state, { now });
  const reasons = verdictReasons(plan, state, view);
  return {
    schema: 1,
    migration: view.migration,
    kind: view.kind,
    release: view.release,
    source: view.source,
    target: view.target,
    requester: view.requester,
    digest: view.digest,
    state: view.state,
    headline: view.headline,
    verdict: verdictOf(view, reasons),
    verdictReasons: reasons,
    startedAt: view.startedAt,
    ...(view.endedAt === undefined
      ? {}
      : { endedAt: view.endedAt, durationMs: Date.parse(view.endedAt) - Date.parse(view.startedAt) }),
    ...(view.downtime === undefined ? {} : { downtime: view.downtime }),
    forecastDowntimeMs: plan.forecast.downtimeMs,
    ...(view.wentLiveAt === undefined ? {} : { wentLiveAt: view.wentLiveAt }),
    hosts: plan.hosts,
    gates: view.phases.flatMap((phase) => phase.gate ?? []),
    steps: reportSteps(plan, state, view),
    commands: view.commands,
    unverified: view.unverified,
    ...(view.rollback === undefined ? {} : { rollback: view.rollback }),
    preflight: plan.preflight,
    exclusions: plan.exclusions,
    left: leftOvers(plan, state),
  };
}

function verdictReasons(plan: Plan, state: RunState, view: StatusView): readonly string[] {
  const skipped = view.unverified.map((one) => `${one.step} was skipped by ${one.by}: ${one.reason}`);
  const open = planSteps(plan)
    .filter((step) => step.verification === true && state.steps[step.id]?.status !== 'done')
    .filter((step) => !view.unverified.some((one) => one.step === step.id))
    .map((step) => `${step.id} is ${state.steps[step.id]?.status ?? 'not-started'}`);
  return [...skipped, ...open, ...(view.state === 'done' ? [] : [`the run is ${view.state}`])];
}

function verdictOf(view: StatusView, reasons: readonly string[]): Verdict {
  if (reasons.length === 0) return 'VERIFIED';
  return view.unverified.length > 0 || view.state === 'done' ? 'UNVERIFIED' : 'NOT FINISHED';
}

function reportSteps(plan: Plan, state: RunState, view: StatusView): readonly ReportStep[] {
  const planned = new Map(planSteps(plan).map((step) => [step.id, step]));
  return view.phases.flatMap((phase) =>
    phase.steps.map((step) => {
      const record = state.steps[step.id];
      const done = record?.status === 'done' ? { values: record.values, digest: record.digest } : {};
      return {
        ...step,
        phase: phase.id,
        verification: planned.get(step.id)?.verification === true,
        requirements: planned.get(step.id)?.requirements ?? [],
        ...done,
      };
    }),
  );
}

/** What a run leaves on its hosts: restore points, work directories, the source's fence, the operator's account. */
function leftOvers(plan: Plan, state: RunState): readonly LeftOver[] {
  const started = Object.values(state.steps).some((record) => record.startedAt !== undefined);
  if (!started) return [];
  const restorePoints = planSteps(plan).flatMap((step): readonly LeftOver[] => {
    const record = state.steps[step.id];
    if (record?.status !== 'done') return [];
    const { formerPath, restorePoint } = record.values;
    if (restorePoint !== true || typeof formerPath !== 'string') return [];
    return [
      {
        host: step.host,
        what: `restore point ${formerPath}`,
        remove: onHost(step.host, ['rm', '-rf', '--', formerPath]),
      },
    ];
  });
  const hosts = Object.keys(plan.hosts);
  return [
    ...restorePoints,
    ...hosts.map((host) => ({
      host,
      what: `work directory ${migrationDir(state.migration)} (logs, manifests, UNDO.md)`,
      remove: onHost(host, ['rm', '-rf', '--', migrationDir(state.migration)]),
    })),
    ...hosts.map((host) => ({
      host,
      what: 'the account and key with which rehost logged in',
      remove: `ssh ${host} sudo userdel --remove ${accountOn(host, plan, state)}`,
    })),
  ];
}

const onHost = (host: string, argv: readonly [string, ...string[]]): string =>
  `ssh ${host} sudo ${toShellLine(argv)}`;

// Only the inventory knows the account; the claim of the host tells its name.
function accountOn(host: string, plan: Plan, state: RunState): string {
  const told = planSteps(plan).flatMap((step) => {
    const record = state.steps[step.id];
    const account = record?.status === 'done' ? record.values['account'] : undefined;
    return step.host === host && typeof account === 'string' && account !== 'root' ? [account] : [];
  });
  return told[0] ?? 'ACCOUNT';
}
