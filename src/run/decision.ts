import type { RunState } from './state.js';

/** What one kind of command decides: the next state and a sentence, or why not (what is open is added by the reducer). */
export type Decision =
  | { readonly ok: true; readonly state: RunState; readonly message: string }
  | { readonly ok: false; readonly message: string };

/** A command that is allowed: the next state, and one sentence about what it did. */
export const accepted = (state: RunState, message: string): Decision => ({ ok: true, state, message });

/** A command that is not allowed: why, without a full stop. */
export const refused = (message: string): Decision => ({ ok: false, message });
