import type { z } from 'zod';
import type { Argv } from '../formats/shell.js';
import type { TimeoutClass } from '../plan/types.js';

/**
 * One thing that an action changes on a host, as `plan` prints it.
 *
 * `command`: an argv that will be executed (inner commands of a unit's script included). `write`: a file of ours or of
 * the product written by temp name and rename. Placeholders `<migration>`, `<generation>` and `<…>` stand for what is
 * known only later; every changing command that a host records must match one of these.
 */
export type Effect =
  | { readonly kind: 'command'; readonly host: string; readonly argv: Argv }
  | { readonly kind: 'write'; readonly host: string; readonly path: string; readonly mode: string };

/** What a preview knows besides the input. In `plan` the migration is the text `<migration>`. */
export interface EffectContext {
  readonly migration: string;
  readonly step: string;
  readonly generation: string;
  readonly host: string;
}

/** One left-over as the ledger names it; `remove` are the shell lines that a person may run when it may go. */
export interface Leaves {
  readonly kind: 'key' | 'authorized-keys-line' | 'incoming' | 'restore-point' | 'drop-in';
  readonly what: string;
  readonly remove: readonly string[];
}

/** How an action is taken back. */
export interface UndoContract<Input> {
  /**
   * POSIX shell lines that take the effect back, safe to run when there is nothing to undo and safe to repeat.
   * They stand in UNDO.md word for word, and the Activity's undo runs exactly these.
   */
  shell(input: Input, context: EffectContext): readonly string[];
  /** What the lines change, for the preview of a rollback. */
  effects(input: Input, context: EffectContext): readonly Effect[];
}

/** Input, outcome, timeouts' class, what changes and how it is taken back: all that others know of an action. */
export interface Contract<Input extends z.ZodType = z.ZodType, Outcome extends z.ZodType = z.ZodType> {
  /** One sentence for documentation and help. */
  readonly summary: string;
  readonly input: Input;
  readonly outcome: Outcome;
  readonly timeouts: TimeoutClass;
  readonly readOnly: boolean;
  effects(input: z.output<Input>, context: EffectContext): readonly Effect[];
  readonly undo?: UndoContract<z.output<Input>>;
  /** What stays on the host until it is undone, discarded or removed by a person: stands in the host's ledger. */
  leaves?(input: z.output<Input>, context: EffectContext): Leaves;
}

/** Declares a contract with its input and outcome inferred. */
export function contract<Input extends z.ZodType, Outcome extends z.ZodType>(
  definition: Contract<Input, Outcome>,
): Contract<Input, Outcome> {
  return definition;
}

/** Effects of an action that changes nothing. */
export const nothing = (): readonly Effect[] => [];
