import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { failure } from '../failures.js';
import { MEMO_KEY, type MemoSummary, type SearchAttribute } from '../run/publication.js';
import { KINDS } from '../spec/spec-schema.js';
import { isNotFound } from './translate.js';

/** One run as Temporal lists it; instants ISO 8601 UTC. */
export interface RunSummary {
  readonly workflowId: string;
  readonly runId: string;
  readonly workflowType: string;
  readonly migration: string;
  readonly source: string;
  readonly target: string;
  /** `running`, `gate`, `parked`, …; for a run that Temporal itself ended: `terminated`, `failed`, `timed-out`. */
  readonly state: string;
  readonly phase: string;
  readonly open: boolean;
  readonly startedAt: string;
  readonly endedAt?: string;
  /** Last status that the run published; there without a worker. */
  readonly memo?: MemoSummary;
}

/** Workflow type of a kind: `package-manager-server` runs as `packageManagerServer`. */
export const workflowTypeOf = (kind: string): string =>
  kind.replace(/-([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());

/** Workflow id of a migration: the lock on its target. */
export const workflowIdOf = (kind: string, target: string): string => `${kind}/${target}`;

/** A new migration id: `<target>-<yyyymmdd>-<4 hex>`. `random` gives 0 to 1. */
export function newMigrationId(target: string, now: Date, random: () => number = Math.random): string {
  const day = now.toISOString().slice(0, 10).replaceAll('-', '');
  const suffix = Math.floor(random() * 0x10000)
    .toString(16)
    .padStart(4, '0');
  return `${target}-${day}-${suffix}`;
}

const MIGRATION_ID = /^(.+)-\d{8}-[0-9a-f]{4}$/;

/** A run as listed or described by Temporal. */
export function summaryOf(info: Omit<WorkflowExecutionInfo, 'raw'>): RunSummary {
  const memo = info.memo?.[MEMO_KEY] as MemoSummary | undefined;
  const attribute = (name: SearchAttribute): string =>
    info.typedSearchAttributes.get(defineSearchAttributeKey(name, 'KEYWORD')) ?? '';
  const open = info.status.name === 'RUNNING';
  const ours = attribute('RehostState') || (memo?.state ?? 'running');
  const [, target = ''] = info.workflowId.split('/');
  return {
    workflowId: info.workflowId,
    runId: info.runId,
    workflowType: info.type,
    migration: attribute('RehostMigration') || (memo?.migration ?? ''),
    source: attribute('RehostSource'),
    target: attribute('RehostTarget') || target,
    state:
      open || info.status.name === 'COMPLETED' ? ours : info.status.name.toLowerCase().replaceAll('_', '-'),
    phase: attribute('RehostPhase') || (memo?.phase ?? ''),
    open,
    startedAt: info.startTime.toISOString(),
    ...(info.closeTime === undefined ? {} : { endedAt: info.closeTime.toISOString() }),
    ...(memo === undefined ? {} : { memo }),
  };
}

/** Runs newest first: those that are active, or all that Temporal still keeps. */
export async function listRuns(client: Client, which: 'active' | 'all'): Promise<readonly RunSummary[]> {
  const types = KINDS.map((kind) => `'${workflowTypeOf(kind)}'`).join(', ');
  // A run that continued as new is the same run: only its last part is shown.
  const status = which === 'active' ? `ExecutionStatus = 'Running'` : `ExecutionStatus != 'ContinuedAsNew'`;
  const found: RunSummary[] = [];
  for await (const info of client.workflow.list({ query: `WorkflowType IN (${types}) AND ${status}` })) {
    found.push(summaryOf(info));
  }
  return found.sort((left, right) => (left.startedAt < right.startedAt ? 1 : -1));
}

/** The newest run of a Workflow id, or undefined when Temporal knows none. */
export async function describeWorkflow(
  client: Client,
  workflowId: string,
  runId?: string,
): Promise<RunSummary | undefined> {
  try {
    return summaryOf(await client.workflow.getHandle(workflowId, runId).describe());
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * The run that a person means: by Workflow id, target or migration id; by nothing when exactly one is active.
 * @throws RunNotFound, with the runs there are
 */
export async function findRun(client: Client, name: string | undefined): Promise<RunSummary> {
  if (name === undefined) return onlyActive(await listRuns(client, 'active'));
  const ids = name.includes('/') ? [name] : candidateIds(name);
  for (const id of ids) {
    const run = await describeWorkflow(client, id);
    if (run !== undefined && (name.includes('/') || run.target === name || run.migration === name))
      return run;
  }
  const listed = await listRuns(client, 'all');
  const found = listed.find((run) => run.migration === name || run.target === name);
  if (found !== undefined) return found;
  throw failure('RunNotFound', {
    message: `no run is named "${name}"`,
    detail:
      listed.length === 0
        ? 'Temporal keeps no run.'
        : `Known runs:\n${listed.slice(0, 20).map(nameLine).join('\n')}`,
    hint: 'Name a target, a Workflow id or a migration id; "rehost list --all" shows them.',
  });
}

function onlyActive(active: readonly RunSummary[]): RunSummary {
  const [first, second] = active;
  if (first !== undefined && second === undefined) return first;
  throw failure('RunNotFound', {
    message:
      first === undefined ? 'no run is active' : `${active.length} runs are active; which one is meant?`,
    ...(first === undefined ? {} : { detail: active.map(nameLine).join('\n') }),
    hint:
      first === undefined
        ? 'Start one with "rehost apply PLAN", or name an ended run: "rehost list --all" shows them.'
        : 'Name one of them by its target, Workflow id or migration id.',
  });
}

const nameLine = (run: RunSummary): string => `${run.migration}  ${run.workflowId}  ${run.state}`;

// Listing lags behind by some milliseconds; a description by id never does.
function candidateIds(name: string): readonly string[] {
  const target = MIGRATION_ID.exec(name)?.[1];
  const targets = target === undefined ? [name] : [target, name];
  return KINDS.flatMap((kind) => targets.map((one) => workflowIdOf(kind, one)));
}
