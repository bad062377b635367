import type { Client } from '@temporalio/client';
import { failure } from '../failures.js';
import type { Plan } from '../plan/types.js';
import { MEMO_KEY, memoOf, searchAttributesOf, type RunResult } from '../run/publication.js';
import { initialState } from '../run/state.js';
import type { MigrationInput } from '../workflows/interpreter.js';
import { admitBeforehand } from './admission.js';
import { readResult } from './closed-run.js';
import { describeWorkflow, newMigrationId, workflowIdOf, workflowTypeOf, type RunSummary } from './runs.js';
import { searchAttributePairs } from './search-attributes.js';
import { isAlreadyStarted } from './translate.js';

/** What `apply` needs besides the plan. */
export interface ApplyOptions {
  /** Who asks for the migration; never counts as a voter. */
  readonly requester: string;
  /** Migration id; a new one by default. */
  readonly migration?: string;
}

/** What `apply` did. */
export type Applied =
  | { readonly kind: 'started'; readonly run: RunSummary }
  | { readonly kind: 'already-moved'; readonly migration: string; readonly endedAt: string };

/**
 * Starts the run of a plan, or answers that the same move was finished before and starts nothing.
 * @throws RunActive with who and since when, and what admission throws: then nothing was started
 */
export async function startRun(
  client: Client,
  plan: Plan,
  options: ApplyOptions & { readonly taskQueue: string },
): Promise<Applied> {
  const workflowId = workflowIdOf(plan.kind, plan.target);
  const last = await describeWorkflow(client, workflowId);
  if (last?.open === true) throw active(last);
  const finished = last === undefined ? undefined : await readResult(client, last);
  if (finished !== undefined && isSameMove(finished, plan)) {
    return { kind: 'already-moved', migration: finished.migration, endedAt: finished.endedAt };
  }
  const migration = options.migration ?? newMigrationId(plan.target, new Date());
  const input: MigrationInput = { plan, migration, requester: options.requester };
  const at = new Date().toISOString();
  const state = initialState(plan, { migration, workflowId, requester: options.requester, at });
  await admitBeforehand(client, plan, { state, taskQueue: options.taskQueue });
  try {
    await client.workflow.start(workflowTypeOf(plan.kind), {
      workflowId,
      taskQueue: options.taskQueue,
      args: [input],
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      typedSearchAttributes: searchAttributePairs(searchAttributesOf(plan, state)),
      memo: { [MEMO_KEY]: memoOf(plan, state, at) },
      staticSummary: `${plan.kind}: ${plan.source} to ${plan.target}, ${migration}`,
      staticDetails: detailsOf(plan, input),
    });
  } catch (error) {
    const now = isAlreadyStarted(error) ? await describeWorkflow(client, workflowId) : undefined;
    throw now === undefined ? error : active(now);
  }
  const run = await describeWorkflow(client, workflowId);
  if (run === undefined) throw new Error(`Temporal started ${workflowId} and does not know it`);
  return { kind: 'started', run };
}

const isSameMove = (result: RunResult, plan: Plan): boolean =>
  result.state === 'done' && result.source === plan.source && result.target === plan.target;

function detailsOf(plan: Plan, input: MigrationInput): string {
  const phases = plan.phases.map((phase) => `- \`${phase.id}\` ${phase.title}`);
  return [
    `Moves **${plan.source}** to **${plan.target}** (${plan.kind}, rehost ${plan.release}).`,
    `Migration \`${input.migration}\`, requested by \`${input.requester}\`, plan \`${plan.digest}\`.`,
    'Phases:',
    phases.join('\n'),
    `Status and next commands stand in the current details and come from \`rehost status ${input.migration}\`.`,
  ].join('\n\n');
}

function active(run: RunSummary): Error {
  const who = run.memo === undefined ? '' : `, requested by ${run.memo.requester}`;
  return failure('RunActive', {
    message: `a run on target ${run.target} is active: ${run.migration} (${run.state}) since ${run.startedAt}${who}`,
    ...(run.memo === undefined ? {} : { detail: run.memo.headline }),
    hint: `Follow it with "rehost watch ${run.migration}"; a new run may start when it has ended.`,
  });
}
