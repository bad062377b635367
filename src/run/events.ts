import type { StepOutcome } from '../plan/call.js';
import type { Command } from './commands.js';
import type { EndState, RunState, StepFailure, UndoItem, Via } from './state.js';

/** What the interpreter reports. `at` is the instant, ISO 8601 UTC. */
export type RunEvent =
  | { readonly kind: 'gate-reached'; readonly gate: string; readonly at: string }
  | { readonly kind: 'phase-finished'; readonly at: string }
  | { readonly kind: 'step-not-needed'; readonly step: string; readonly at: string }
  | {
      readonly kind: 'step-started';
      readonly step: string;
      readonly undo: readonly UndoItem[];
      readonly at: string;
    }
  | {
      readonly kind: 'step-finished';
      readonly step: string;
      readonly outcome: StepOutcome;
      readonly at: string;
    }
  | {
      readonly kind: 'step-failed';
      readonly step: string;
      readonly failure: StepFailure;
      readonly stopped: boolean;
      readonly at: string;
    }
  | { readonly kind: 'undo-started'; readonly key: string; readonly at: string }
  | { readonly kind: 'undo-finished'; readonly key: string; readonly at: string }
  | { readonly kind: 'undo-failed'; readonly key: string; readonly failure: StepFailure; readonly at: string }
  | { readonly kind: 'cancel-requested'; readonly at: string }
  | {
      readonly kind: 'signal-refused';
      readonly name: string;
      readonly actor: string;
      readonly message: string;
      readonly at: string;
    }
  | { readonly kind: 'ended'; readonly state: EndState; readonly at: string };

/** A checked command on its way into the reducer. */
export interface CommandEvent {
  readonly kind: 'command';
  readonly command: Command;
  readonly via: Via;
  readonly at: string;
}

/** What an accepted command answers; the same for every repeat with the same id. */
export interface CommandAnswer {
  readonly id: string;
  readonly command: string;
  /** One sentence: what the command did. */
  readonly message: string;
  /** Whether an earlier command with this id had done it already. */
  readonly repeated: boolean;
}

/** A command that is not allowed now. */
export interface Refusal {
  /** Why not, and after it what is open: whole sentences, as the Temporal UI prints them. */
  readonly message: string;
  /** The last of these sentences, what is open now, by itself. */
  readonly open: string;
}

/** The next state with the answer to a command, or a refusal; a refusal changes nothing. */
export type Reduced =
  | { readonly ok: true; readonly state: RunState; readonly answer?: CommandAnswer }
  | { readonly ok: false; readonly refusal: Refusal };
