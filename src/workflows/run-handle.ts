import { log, setDefaultSignalHandler, setHandler } from '@temporalio/workflow';
import type { Plan } from '../plan/types.js';
import { COMMAND_NAMES, parseCommand, type CommandName, type CommandRequests } from '../run/commands.js';
import { renderDetails } from '../run/details.js';
import type { CommandAnswer, Reduced, RunEvent } from '../run/events.js';
import { reduce, refusal } from '../run/reducer.js';
import type { RunState, Via } from '../run/state.js';
import { describeRun } from '../run/status.js';
import { refuse } from './failures.js';
import {
  commandSignal,
  commandUpdate,
  DESCRIPTIONS,
  planQuery,
  stateQuery,
  statusQuery,
} from './messages.js';

/** The Workflow's clock as the state writes it; deterministic in a Workflow. */
export const now = (): string => new Date(Date.now()).toISOString();

/**
 * The one mutable thing of a run: the present state and how often it changed.
 *
 * All changes go through `report` (interpreter) and `command` (people), both through the one reducer.
 */
export class RunHandle {
  readonly plan: Plan;
  #state: RunState;
  #revision = 0;

  constructor(plan: Plan, state: RunState) {
    this.plan = plan;
    this.#state = state;
  }

  /** The present state. */
  get state(): RunState {
    return this.#state;
  }

  /** Raised with every change of state; what a `condition` waits on. */
  get revision(): number {
    return this.#revision;
  }

  /** The status as Markdown. */
  details(): string {
    return renderDetails(describeRun(this.plan, this.#state, { now: now() }));
  }

  /** Takes an event of the interpreter. */
  report(event: RunEvent): void {
    const reduced = reduce(this.plan, this.#state, event);
    if (reduced.ok) this.#set(reduced.state);
  }

  /** What a command would do; changes nothing. */
  tryCommand(name: CommandName, payload: unknown, via: Via): Reduced {
    const parsed = parseCommand(name, payload);
    if (!parsed.ok) return refusal(this.plan, this.#state, parsed.message);
    return reduce(this.plan, this.#state, { kind: 'command', command: parsed.command, via, at: now() });
  }

  /** Applies a command, or answers why not. */
  command(name: CommandName, payload: unknown, via: Via): Reduced {
    const reduced = this.tryCommand(name, payload, via);
    if (reduced.ok) this.#set(reduced.state);
    return reduced;
  }

  #set(state: RunState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#revision += 1;
  }
}

/** Registers every query, Update and Signal; must be called before the Workflow's first await. */
export function registerHandlers(run: RunHandle): void {
  setHandler(statusQuery, () => describeRun(run.plan, run.state, { now: now() }), {
    description: 'What is going on, what is open, and the exact next command.',
  });
  setHandler(stateQuery, () => run.state, { description: 'The whole state of the run.' });
  setHandler(planQuery, () => run.plan, { description: 'The plan that this run carries out.' });
  for (const name of COMMAND_NAMES) registerCommand(run, name);
  // Without this a Signal with a wrong name waits in a buffer for ever, and its sender believes that it was heard.
  setDefaultSignalHandler((name, payload) =>
    signalRefused(run, {
      name,
      payload,
      message: `there is no Signal "${name}"; there are: ${COMMAND_NAMES.join(', ')}`,
    }),
  );
}

function signalRefused(run: RunHandle, refused: { name: string; payload: unknown; message: string }): void {
  const { name, payload, message } = refused;
  log.warn('a Signal was refused', { command: name, reason: message });
  run.report({
    kind: 'signal-refused',
    name: name.slice(0, 100),
    actor: actorOf(payload),
    message,
    at: now(),
  });
}

function registerCommand(run: RunHandle, name: CommandName): void {
  setHandler(
    commandUpdate(name),
    (payload: CommandRequests[CommandName]): CommandAnswer => {
      const reduced = run.command(name, payload, 'update');
      if (!reduced.ok) return refuse(reduced.refusal);
      return reduced.answer ?? { id: payload.id, command: name, message: 'applied', repeated: false };
    },
    {
      description: DESCRIPTIONS[name],
      validator: (payload: CommandRequests[CommandName]): void => {
        const reduced = run.tryCommand(name, payload, 'update');
        if (!reduced.ok) refuse(reduced.refusal);
      },
    },
  );
  setHandler(
    commandSignal(name),
    (payload: CommandRequests[CommandName]): void => {
      const reduced = run.command(name, payload, 'signal');
      if (!reduced.ok) signalRefused(run, { name, payload, message: reduced.refusal.message });
    },
    { description: DESCRIPTIONS[name] },
  );
}

// The payload of a refused Signal may be anything at all.
function actorOf(payload: unknown): string {
  const actor =
    typeof payload === 'object' && payload !== null ? (payload as { actor?: unknown }).actor : undefined;
  return typeof actor === 'string' ? actor.slice(0, 100) : 'unknown';
}
