import {
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import type { Plan } from '../plan/types.js';
import { next } from '../run/next.js';
import { resultOf, type RunResult } from '../run/publication.js';
import { initialState, type RunState } from '../run/state.js';
import { OpenCalls } from './calls.js';
import { Publisher } from './publish.js';
import { now, registerHandlers, RunHandle } from './run-handle.js';

/** Input of every migration Workflow. `snapshot` is set by Continue-As-New only. */
export interface MigrationInput {
  readonly plan: Plan;
  /** Migration id, new for every apply: `<target>-<yyyymmdd>-<4 hex>`. */
  readonly migration: string;
  /** Who asked for the migration: never counts as a voter. */
  readonly requester: string;
  readonly snapshot?: RunState;
}

/** A migration Workflow. */
export type Migration = (input: MigrationInput) => Promise<RunResult>;

/**
 * Carries out a plan: asks the pure `next` what is to be done, does it, waits until something changed.
 *
 * Never fails because a step did: the step parks. Continues as new whenever the server suggests it and no Activity is
 * open: at a step's or phase's end, between repeats, in a waiting gate, while parked. Not at every phase end: a short
 * migration then stays one readable history, and the server knows both limits (events and bytes) better than we do.
 * @throws CancelledFailure when it was cancelled before anything changed
 */
export async function migrate(input: MigrationInput): Promise<RunResult> {
  const { plan, migration, requester } = input;
  const { workflowId, workflowType } = workflowInfo();
  const first = input.snapshot ?? initialState(plan, { migration, workflowId, requester, at: now() });
  const run = new RunHandle(plan, first);
  registerHandlers(run);
  // A cancelled root scope makes every later condition() throw, so everything runs shielded from it, and the request
  // becomes a command like any other.
  CancellationScope.current().cancelRequested.catch(() =>
    run.report({ kind: 'cancel-requested', at: now() }),
  );
  const ended = await CancellationScope.nonCancellable(() => interpret(run));
  if (ended === 'continue')
    return makeContinueAsNewFunc<Migration>({ workflowType })({
      plan,
      migration,
      requester,
      snapshot: run.state,
    });
  if (ended.state === 'cancelled') throw new CancelledFailure('cancelled before anything was changed');
  return resultOf(plan, run.state, ended);
}

type End = 'continue' | NonNullable<RunState['ended']>;

async function interpret(run: RunHandle): Promise<End> {
  const calls = new OpenCalls();
  const publisher = new Publisher();
  for (;;) {
    const wakeAt = makeMoves(run, calls);
    publisher.publish(run);
    const { ended } = run.state;
    if (ended !== undefined || mayContinueAsNew(calls)) {
      await condition(allHandlersFinished);
      return run.state.ended ?? 'continue';
    }
    await somethingChanges(run, calls, wakeAt);
  }
}

/** Makes every move that can be made without waiting; answers when to look again, if a time is known. */
function makeMoves(run: RunHandle, calls: OpenCalls): string | undefined {
  for (;;) {
    if (run.state.halted !== undefined) calls.cancel('all');
    else if (run.state.direction === 'rollback') calls.cancel('acts');
    const { moves, wakeAt } = next(run.plan, run.state, now());
    if (moves.length === 0) return wakeAt;
    // At the limit the open moves are left to the next run: they follow from the snapshot.
    if (mayContinueAsNew(calls) && moves.every((move) => move.kind !== 'event')) return undefined;
    for (const move of moves) {
      if (move.kind === 'event') run.report(move.event);
      else calls.start(run, move);
    }
  }
}

const mayContinueAsNew = (calls: OpenCalls): boolean =>
  calls.size === 0 && workflowInfo().continueAsNewSuggested;

async function somethingChanges(run: RunHandle, calls: OpenCalls, wakeAt: string | undefined): Promise<void> {
  const seen = run.revision;
  const changed = (): boolean => run.revision !== seen || mayContinueAsNew(calls);
  if (wakeAt === undefined) return condition(changed);
  const waitMs = Math.max(1, Date.parse(wakeAt) - Date.now());
  await condition(changed, waitMs, { summary: 'keep the copy warm' });
}
