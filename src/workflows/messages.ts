import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Plan } from '../plan/types.js';
import type { CommandName, CommandRequests } from '../run/commands.js';
import type { CommandAnswer } from '../run/events.js';
import type { RunState } from '../run/state.js';
import type { StatusView } from '../run/status.js';

/** Queries of every migration Workflow. */
export const statusQuery = defineQuery<StatusView>('status');
/** The whole state of the run. */
export const stateQuery = defineQuery<RunState>('state');
/** The plan that the run carries out. */
export const planQuery = defineQuery<Plan>('plan');

/** The Update of a command; a refusal is an ApplicationFailure of type `Refused`. */
export const commandUpdate = <Name extends CommandName>(name: Name) =>
  defineUpdate<CommandAnswer, [CommandRequests[Name]]>(name);

/** The Signal twin of a command: for when no worker answers, or the sender can only signal. */
export const commandSignal = <Name extends CommandName>(name: Name) =>
  defineSignal<[CommandRequests[Name]]>(name);

/** What the Temporal UI shows beside each message name. */
export const DESCRIPTIONS: { readonly [Name in CommandName]: string } = {
  approve: 'Votes for the gate that waits. The JSON to send stands in the current details.',
  reject: 'Votes against the gate that waits: it parks until it is retried. Needs a reason.',
  retry: 'Lets a parked step, a rejected gate or a stopped run go on.',
  skip: 'Goes on without a parked step, where the plan allows it. Needs a reason.',
  stop: 'Stops running units and parks. Nothing is undone.',
  rollback: 'Takes everything back: the source serves first, then the clean-up. Needs a reason.',
};
