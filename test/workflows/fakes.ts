/* Activities without hosts: they note every call and do what a test tells them. */
import { createHash } from 'node:crypto';
import { CancelledFailure, Context, heartbeat } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { StepCall, StepOutcome } from '../../src/plan/call.js';
import { canonicalJson, type JsonObject } from '../../src/plan/json.js';

/** What a fake does when it is called. */
export type Behaviour = (call: StepCall) => Promise<StepOutcome> | StepOutcome;

/** A successful outcome. */
export function outcome(values: JsonObject = {}, more: Partial<StepOutcome> = {}): StepOutcome {
  return {
    changed: true,
    values,
    digest: createHash('sha256').update(canonicalJson(values)).digest('hex'),
    ...more,
  };
}

/** A failure of the catalogue as an Activity throws it. */
export function broken(type = 'CommandFailed', message = 'it broke'): ApplicationFailure {
  const failure = ApplicationFailure.nonRetryable(message, type, {
    detail: 'exit status 1',
    hint: 'Mend it.',
  });
  // Histories are recorded and kept: without the paths of the machine they were recorded on.
  failure.stack = '';
  return failure;
}

/** Something that a test lets go on. */
export class Latch {
  #open = false;
  /** Lets every waiter go on, now and later. */
  open(): void {
    this.#open = true;
  }
  /** Waits inside an Activity, heartbeating, until opened or cancelled. */
  async wait(): Promise<void> {
    while (!this.#open) {
      heartbeat({});
      await Context.current().sleep(50);
    }
  }
}

/** Notes all calls and answers them; `act.<step>` and `undo.<step>` may be given a behaviour. */
export class Fakes {
  readonly calls: StepCall[] = [];
  readonly cancelled: string[] = [];
  readonly #behaviours = new Map<string, Behaviour>();

  /** Sets what the step does from now on. */
  on(what: `act.${string}` | `undo.${string}`, behaviour: Behaviour): this {
    this.#behaviours.set(what, behaviour);
    return this;
  }

  /** Forgets calls and behaviours, between tests. */
  reset(): void {
    this.calls.length = 0;
    this.cancelled.length = 0;
    this.#behaviours.clear();
  }

  /** `act.<step>#<generation>` of every call, in order. */
  get log(): readonly string[] {
    return this.calls.map((call) => `${call.mode}.${call.step}#${call.generation}`);
  }

  /** The Activities of a Worker. */
  get activities(): Record<string, (call: StepCall) => Promise<StepOutcome>> {
    const answer = async (call: StepCall): Promise<StepOutcome> => {
      this.calls.push(call);
      const behaviour = this.#behaviours.get(`${call.mode}.${call.step}`);
      try {
        return behaviour === undefined ? outcome({ ran: call.step }) : await behaviour(call);
      } catch (error) {
        if (error instanceof CancelledFailure) this.cancelled.push(`${call.mode}.${call.step}`);
        throw error;
      }
    };
    return { 'fake.probe@1': answer, 'fake.change@1': answer, 'fake.unit@1': answer };
  }
}
