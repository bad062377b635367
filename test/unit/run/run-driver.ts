/* Drives a run without Temporal: the moves of `next` are answered at once, by a table of outcomes. */
import { parseCommand, type CommandName } from '../../../src/run/commands.js';
import type { CommandAnswer, RunEvent } from '../../../src/run/events.js';
import { next } from '../../../src/run/next.js';
import { reduce } from '../../../src/run/reducer.js';
import { initialState, type RunState, type StepFailure, type Via } from '../../../src/run/state.js';
import type { StepOutcome } from '../../../src/plan/call.js';
import type { Plan } from '../../../src/plan/types.js';
import { DIGEST, REQUESTER } from '../../workflows/plans.js';

/** A failure as an Activity would report it. */
export const FAILED: StepFailure = {
  type: 'CommandFailed',
  message: 'it broke',
  detail: 'exit status 1',
  hint: 'Mend it.',
};

/** What a call answers: an outcome, a failure, or `open` to leave the Activity running. */
export type Answer = Partial<StepOutcome> | { readonly failure: StepFailure } | 'open';

/** A run in a test; its clock moves by one second with each event. */
export class DrivenRun {
  readonly plan: Plan;
  state: RunState;
  /** `act.<step>` and `undo.<step>` in the order of the calls. */
  readonly calls: string[] = [];
  readonly #answers = new Map<string, Answer>();
  #clock = Date.parse('2026-01-01T00:00:00.000Z');
  #ids = 0;

  constructor(plan: Plan) {
    this.plan = plan;
    this.state = initialState(plan, {
      migration: 'm-1',
      workflowId: 'kind/target-1',
      requester: REQUESTER,
      at: this.now,
    });
  }

  /** Now, as the events carry it. */
  get now(): string {
    return new Date(this.#clock).toISOString();
  }

  /** Lets time pass. */
  wait(seconds: number): this {
    this.#clock += seconds * 1000;
    return this;
  }

  /** Sets what `act.<step>` or `undo.<step>` answers from now on. */
  on(what: string, answer: Answer): this {
    this.#answers.set(what, answer);
    return this;
  }

  /** Applies one event. */
  event(event: RunEvent): void {
    const reduced = reduce(this.plan, this.state, event);
    if (!reduced.ok) throw new Error(reduced.refusal.message);
    this.state = reduced.state;
    this.#clock += 1000;
  }

  /** Makes moves until the run waits for a person, a time or an open call. */
  go(): this {
    for (let limit = 0; limit < 500; limit++) {
      const { moves } = next(this.plan, this.state, this.now);
      if (moves.length === 0) return this;
      for (const move of moves) {
        if (move.kind === 'event') this.event(move.event);
        else if (move.kind === 'act') this.#act(move.step.id, move.undo);
        else this.#undo(move.item.key, move.item.step);
      }
    }
    throw new Error('the run never waits');
  }

  /** Ends a call that was left open. */
  finish(step: string, values: StepOutcome['values'] = {}, more: Partial<StepOutcome> = {}): this {
    const outcome = { changed: true, values, digest: JSON.stringify(values), ...more };
    this.event({ kind: 'step-finished', step, outcome, at: this.now });
    return this.go();
  }

  #act(step: string, undo: Extract<RunEvent, { kind: 'step-started' }>['undo']): void {
    this.calls.push(`act.${step}`);
    this.event({ kind: 'step-started', step, undo, at: this.now });
    const answer = this.#answers.get(`act.${step}`) ?? {};
    if (answer === 'open') return;
    if ('failure' in answer) {
      this.event({ kind: 'step-failed', step, failure: answer.failure, stopped: false, at: this.now });
      return;
    }
    const outcome = { changed: true, values: {}, digest: JSON.stringify(answer.values ?? {}), ...answer };
    this.event({ kind: 'step-finished', step, outcome, at: this.now });
  }

  #undo(key: string, step: string): void {
    this.calls.push(`undo.${step}`);
    this.event({ kind: 'undo-started', key, at: this.now });
    const answer = this.#answers.get(`undo.${step}`) ?? {};
    if (answer === 'open') return;
    if ('failure' in answer) this.event({ kind: 'undo-failed', key, failure: answer.failure, at: this.now });
    else this.event({ kind: 'undo-finished', key, at: this.now });
  }

  /** The command's answer, or the refusal's sentences. */
  try(
    name: CommandName,
    actor: string,
    members: { via?: Via; [member: string]: unknown } = {},
  ): CommandAnswer | string {
    const { via = 'update', ...rest } = members;
    this.#ids += 1;
    const payload = {
      id: `id-${this.#ids}`,
      actor,
      proof: { kind: 'claimed' },
      digest: DIGEST.slice(0, 12),
      ...rest,
    };
    const parsed = parseCommand(name, payload);
    if (!parsed.ok) return parsed.message;
    const before = this.state;
    const reduced = reduce(this.plan, this.state, {
      kind: 'command',
      command: parsed.command,
      via,
      at: this.now,
    });
    if (!reduced.ok) {
      expect(this.state).toBe(before);
      // Whoever shows a refusal in parts takes the last sentence off: it must be the end of the message.
      expect(reduced.refusal.message.endsWith(`. ${reduced.refusal.open}`)).toBe(true);
      return reduced.refusal.message;
    }
    this.state = reduced.state;
    this.#clock += 1000;
    return reduced.answer ?? 'no answer';
  }

  /** Sends a command that must be accepted, then goes on. */
  command(
    name: CommandName,
    actor: string,
    members: { via?: Via; [member: string]: unknown } = {},
  ): CommandAnswer {
    const answer = this.try(name, actor, members);
    if (typeof answer === 'string') throw new Error(answer);
    this.go();
    return answer;
  }
}
