import type { z } from 'zod';
import type { Logger } from 'pino';
import type { Contract } from '../contracts/contract.js';
import type { Host, Hosts } from '../hosts/host.js';
import type { Progress, StepCall } from '../plan/call.js';

/** What a handler works with besides its input. Everything with an end is bounded by `signal`. */
export interface ActionContext {
  readonly call: StepCall;
  readonly hosts: Hosts;
  /** The host of the call. */
  readonly host: Host;
  /** Aborted when the Activity is cancelled (stop, rollback) or the worker shuts down. */
  readonly signal: AbortSignal;
  /** Whether the abort means: stop the unit on the host (`cancel`), or only stop watching it (`shutdown`). */
  readonly abortReason: () => 'none' | 'cancel' | 'shutdown';
  readonly heartbeat: (progress: Progress) => void;
  readonly logger: Logger;
}

/** What an action gives back; `again` asks a repeated step for another pass. */
export interface ActionResult<Values> {
  readonly changed: boolean;
  readonly values: Values;
  readonly again?: boolean;
}

/**
 * The code of one action: check, act, verify; safe to repeat at any point.
 *
 * `undone` runs after the contract's undo lines and proves that nothing is left; optional.
 */
export interface Handler<C extends Contract> {
  act(input: z.output<C['input']>, context: ActionContext): Promise<ActionResult<z.input<C['outcome']>>>;
  undone?(input: z.output<C['input']>, context: ActionContext): Promise<void>;
}

/** Handlers for a group of contracts, keyed by the versioned action name. */
export type Handlers<Contracts extends Record<string, Contract>> = {
  readonly [Name in keyof Contracts]: Handler<Contracts[Name]>;
};
