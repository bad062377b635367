import type { Plan } from '../plan/types.js';
import { sameActor } from '../plan/voters.js';
import type { Command } from './commands.js';
import { approve, reject } from './reduce-votes.js';
import { retry, rollback, skip, stop } from './reduce-decisions.js';
import type { Decision } from './decision.js';
import type { CommandEvent, Reduced, RunEvent } from './events.js';
import { describeOpen } from './open-items.js';
import { applyEvent } from './reduce-events.js';
import { COMMANDS_KEPT, type AppliedCommand, type RunState } from './state.js';

/**
 * The one reducer of a run: what the interpreter reports and what people command, in one place.
 *
 * Pure: the instant comes with the event. Repeat: a command whose id was applied answers as it did then and changes
 * nothing. An event is never refused; a command may be, and then the state is untouched.
 */
export function reduce(plan: Plan, state: RunState, event: RunEvent | CommandEvent): Reduced {
  if (event.kind !== 'command') return { ok: true, state: applyEvent(plan, state, event) };
  return applyCommand(plan, state, event);
}

function applyCommand(plan: Plan, state: RunState, event: CommandEvent): Reduced {
  const { command } = event;
  const earlier = state.commands.find((applied) => applied.id === command.id);
  if (earlier !== undefined) return answerAgain(plan, state, { command, earlier });
  const general = generalProblem(plan, state, command);
  const decision: Decision =
    general === undefined ? decide(plan, state, event) : { ok: false, message: general };
  if (!decision.ok) return refusal(plan, state, decision.message);
  const applied: AppliedCommand = {
    id: command.id,
    kind: command.kind,
    actor: command.actor.trim(),
    at: event.at,
    via: event.via,
    subject: subjectOf(command),
    ...(command.reason === undefined ? {} : { reason: command.reason }),
    answer: decision.message,
  };
  return {
    ok: true,
    state: remember(decision.state, applied),
    answer: { id: command.id, command: command.kind, message: decision.message, repeated: false },
  };
}

// The same id from another person or for another thing is a pasted example, not a repeat: silence would lose a vote.
function answerAgain(
  plan: Plan,
  state: RunState,
  pair: { command: Command; earlier: AppliedCommand },
): Reduced {
  const { command, earlier } = pair;
  const same =
    earlier.kind === command.kind &&
    sameActor(earlier.actor, command.actor) &&
    earlier.subject === subjectOf(command);
  if (same)
    return {
      ok: true,
      state,
      answer: { id: earlier.id, command: earlier.kind, message: earlier.answer, repeated: true },
    };
  const message = `the command id "${command.id}" was already used by ${earlier.actor} for ${earlier.kind} of ${earlier.subject}: choose another id`;
  return refusal(plan, state, message);
}

/** A refusal that ends with what is open; `problem` is a sentence without its full stop. */
export function refusal(plan: Plan, state: RunState, problem: string): Reduced {
  const open = describeOpen(plan, state);
  return { ok: false, refusal: { message: `${problem}. ${open}`, open } };
}

function remember(state: RunState, applied: AppliedCommand): RunState {
  const all = [...state.commands, applied];
  const forgotten = Math.max(0, all.length - COMMANDS_KEPT);
  return { ...state, commands: all.slice(forgotten), commandsForgotten: state.commandsForgotten + forgotten };
}

function generalProblem(plan: Plan, state: RunState, command: Command): string | undefined {
  if (!plan.digest.toLowerCase().startsWith(command.digest.toLowerCase()))
    return `the command is for plan ${command.digest.slice(0, 12)}, but this run carries out plan ${plan.digest.slice(0, 12)}`;
  if (state.ended !== undefined) return `${command.kind} comes too late`;
  return undefined;
}

function decide(plan: Plan, state: RunState, event: CommandEvent): Decision {
  const { command, via, at } = event;
  switch (command.kind) {
    case 'approve':
      return approve(plan, state, { command, via, at });
    case 'reject':
      return reject(plan, state, { command, at });
    case 'retry':
      return retry(plan, state, { command, at });
    case 'skip':
      return skip(plan, state, { command, at });
    case 'stop':
      return stop(plan, state, { command, at });
    case 'rollback':
      return rollback(plan, state, { command, at });
  }
}

/** What a command is about, for the audit list: `gate begin`, `step copy`, `run`. */
export function subjectOf(command: Command): string {
  if ('gate' in command && command.gate !== undefined) return `gate ${command.gate}`;
  if ('step' in command && command.step !== undefined) return `step ${command.step}`;
  return 'run';
}
