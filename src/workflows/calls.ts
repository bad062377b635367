import {
  ActivityFailure,
  CancellationScope,
  proxyActivities,
  type ActivityOptions,
} from '@temporalio/workflow';
import { OUTCOME_LIMIT_BYTES, type StepCall, type StepOutcome } from '../plan/call.js';
import { planSteps, type Plan, type Step, type TimeoutClass } from '../plan/types.js';
import type { Move } from '../run/next.js';
import { stoppedFailure } from '../run/reduce-events.js';
import { resolveInput } from '../run/references.js';
import { recordOf, type RunState } from '../run/state.js';
import { openUndoEntries } from '../run/undo.js';
import { stepFailureOf, wasCancelled } from './failures.js';
import { now, type RunHandle } from './run-handle.js';
import { TIMEOUTS } from './timeouts.js';

/** All Activities have one signature; the Activity's name is the step's action. */
type Activities = Record<string, (call: StepCall) => Promise<StepOutcome>>;

/** Calls one action as an Activity with the timeouts of its class. @throws ActivityFailure */
export async function callAction(
  call: StepCall,
  what: {
    readonly action: string;
    readonly timeouts: TimeoutClass;
    readonly activityId: string;
    readonly summary: string;
    /** At most so many attempts, where somebody waits for the answer; unlimited within the class otherwise. */
    readonly attempts?: number;
  },
): Promise<StepOutcome> {
  const { retry, ...timeouts } = TIMEOUTS[what.timeouts];
  const options: ActivityOptions = {
    ...timeouts,
    retry: { ...retry, ...(what.attempts === undefined ? {} : { maximumAttempts: what.attempts }) },
    // Written down because without it 1.24.0 sends TRY_CANCEL, whatever its documentation says: the step would park
    // while its unit still runs, and a rollback would begin beside it.
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    activityId: what.activityId,
    summary: what.summary.slice(0, 200),
  };
  const activity = proxyActivities<Activities>(options)[what.action];
  if (activity === undefined) throw new TypeError(`no Activity for ${what.action}`);
  return activity(call);
}

/** The Activities that are open now, so that a stop or a rollback can end them. */
export class OpenCalls {
  readonly #scopes = new Map<string, CancellationScope>();
  readonly #asked = new Set<string>();

  /** How many Activities are open. */
  get size(): number {
    return this.#scopes.size;
  }

  /** Starts the Activity of a move and reports its end to the run; never throws for a failed Activity. */
  start(run: RunHandle, move: Exclude<Move, { kind: 'event' }>): void {
    if (move.kind === 'act') this.#act(run, move);
    else this.#undo(run, move);
  }

  /** Asks every open Activity to end: all of them, or in a rollback those that still act. */
  cancel(which: 'all' | 'acts'): void {
    for (const [id, scope] of this.#scopes) {
      if (this.#asked.has(id) || (which === 'acts' && id.startsWith('undo:'))) continue;
      this.#asked.add(id);
      scope.cancel();
    }
  }

  #act(run: RunHandle, move: Extract<Move, { kind: 'act' }>): void {
    const { step } = move;
    run.report({ kind: 'step-started', step: step.id, undo: move.undo, at: now() });
    const { generation } = recordOf(run.state, step.id);
    const fence = fenceOf(run.plan, run.state, step);
    const call: StepCall = {
      ...callBase(run.plan, run.state, step.id),
      host: step.host,
      input: move.input,
      mode: 'act',
      ...(fence === undefined ? {} : { fence }),
    };
    const what = {
      action: step.action,
      timeouts: step.timeouts,
      activityId: `${step.id}#${generation}`,
      summary: step.title,
    };
    this.#track(what.activityId, () => callAction(call, what), {
      done: (outcome) => {
        const wrong = outcomeProblem(outcome);
        if (wrong === undefined) run.report({ kind: 'step-finished', step: step.id, outcome, at: now() });
        else
          run.report({
            kind: 'step-failed',
            step: step.id,
            failure: violated(step.action, wrong),
            stopped: false,
            at: now(),
          });
      },
      failed: (error, asked) => {
        const stopped = wasCancelled(error) || (asked && stepFailureOf(error).type === 'UnitStopped');
        const failure = stopped ? stoppedFailure(run.state, step.id) : stepFailureOf(error);
        run.report({ kind: 'step-failed', step: step.id, failure, stopped, at: now() });
      },
    });
  }

  #undo(run: RunHandle, move: Extract<Move, { kind: 'undo' }>): void {
    const { item } = move;
    const acted = recordOf(run.state, item.step).acted;
    run.report({ kind: 'undo-started', key: item.key, at: now() });
    const { generation } = recordOf(run.state, item.step);
    const call: StepCall = {
      ...callBase(run.plan, run.state, item.step),
      host: item.host,
      input: item.input,
      mode: 'undo',
      order: item.order,
      ...(acted === undefined ? {} : { acted }),
    };
    const what = {
      action: item.action,
      timeouts: item.timeouts,
      activityId: `undo:${item.key}#${generation}`,
      summary: `undo: ${item.title}`,
    };
    this.#track(what.activityId, () => callAction(call, what), {
      done: () => run.report({ kind: 'undo-finished', key: item.key, at: now() }),
      failed: (error) => {
        const failure = wasCancelled(error) ? stoppedFailure(run.state, item.step) : stepFailureOf(error);
        run.report({ kind: 'undo-failed', key: item.key, failure, at: now() });
      },
    });
  }

  // Not awaited: branches run side by side, and the interpreter waits on the state, not on promises. Anything but an
  // ActivityFailure is a bug of ours; rethrown, it fails the Workflow Task, which is retried until a fix is deployed.
  #track(
    id: string,
    call: () => Promise<StepOutcome>,
    end: { done: (outcome: StepOutcome) => void; failed: (error: ActivityFailure, asked: boolean) => void },
  ): void {
    const scope = new CancellationScope({ cancellable: true });
    this.#scopes.set(id, scope);
    const close = (): boolean => {
      this.#scopes.delete(id);
      return this.#asked.delete(id);
    };
    void scope.run(call).then(
      (outcome) => {
        close();
        end.done(outcome);
      },
      (error: unknown) => {
        const asked = close();
        if (!(error instanceof ActivityFailure)) throw error;
        end.failed(error, asked);
      },
    );
  }
}

function callBase(
  plan: Plan,
  state: RunState,
  step: string,
): Pick<StepCall, 'migration' | 'step' | 'sequence' | 'generation' | 'undo' | 'peers'> {
  return {
    migration: state.migration,
    step,
    sequence: planSteps(plan).findIndex((one) => one.id === step),
    generation: recordOf(state, step).generation,
    undo: openUndoEntries(state, step),
    peers: Object.keys(plan.hosts),
  };
}

// The fence was raised by an earlier step: its input and its outcome say what the Activity has to prove unbroken. Undo
// calls carry none: a fence that somebody broke must not hold back the way home.
function fenceOf(plan: Plan, state: RunState, step: Step): StepCall['fence'] {
  const fence = planSteps(plan).find((one) => one.id === step.fence);
  if (fence === undefined) return undefined;
  const record = recordOf(state, fence.id);
  const input = resolveInput(plan, state, { input: fence.input, reader: step.id });
  if (record.status !== 'done' || !input.ok) return undefined;
  return { host: fence.host, input: input.value, values: record.values };
}

const violated = (action: string, wrong: string) => ({
  type: 'ContractViolated',
  message: `the outcome of action ${action} ${wrong}`,
  hint: 'This is a bug: please report it. Retry the step with a fixed release, or roll back.',
});

// An outcome stays in history and in the snapshot for weeks, whoever wrote the Activity.
function outcomeProblem(outcome: StepOutcome): string | undefined {
  const { changed, values, digest } = (outcome ?? {}) as Partial<StepOutcome>;
  if (
    typeof changed !== 'boolean' ||
    typeof digest !== 'string' ||
    typeof values !== 'object' ||
    values === null
  )
    return 'lacks "changed", "values" or "digest"';
  const { length } = JSON.stringify(values);
  return length <= OUTCOME_LIMIT_BYTES
    ? undefined
    : `has ${length} bytes of values, at most ${OUTCOME_LIMIT_BYTES} are kept`;
}
