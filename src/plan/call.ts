import type { JsonObject } from './json.js';
import type { UndoOrder } from './types.js';

/** One undo as the break-glass file needs it: resolved input, the host it touches, its place in the stack. */
export interface UndoEntry {
  readonly step: string;
  readonly title: string;
  readonly order: UndoOrder;
  readonly action: string;
  readonly host: string;
  readonly input: JsonObject;
}

/**
 * What every Activity of an action is called with.
 *
 * `sequence` is the step's place in the plan (0-based); `undo` are the step's own entries, which must stand in UNDO.md
 * of their hosts before the action acts (those of earlier steps stand there already). `generation` is raised by the
 * interpreter only, never by a Temporal retry: each pass, retry and undo of a step has its own. In mode `undo`, `order`
 * is the one in which this call stands, and `acted` the generation with which the step last acted: it names the units
 * that an undo may have to stop.
 */
export interface StepCall {
  readonly migration: string;
  readonly step: string;
  readonly sequence: number;
  readonly generation: number;
  readonly host: string;
  readonly input: JsonObject;
  readonly mode: 'act' | 'undo';
  readonly order?: UndoOrder;
  readonly acted?: number;
  readonly undo: readonly UndoEntry[];
  /** Host names of the plan, so that UNDO.md can name the others. */
  readonly peers?: readonly string[];
  /** The fence under which the artefact is made: the wrapper proves it unbroken before and after. */
  readonly fence?: { readonly host: string; readonly input: JsonObject; readonly values: JsonObject };
}

/**
 * What every action answers.
 *
 * `changed`: whether something on a host differs from before. `values`: at most 4 KiB of JSON, schema of the contract.
 * `digest`: SHA-256 of the canonical JSON of `values`. `again`: a repeated step wants another pass.
 */
export interface StepOutcome {
  readonly changed: boolean;
  readonly values: JsonObject;
  readonly digest: string;
  readonly again?: boolean;
}

/** Largest outcome that is kept in history, in bytes of JSON. */
export const OUTCOME_LIMIT_BYTES = 4096;

/** Progress of a running unit, as heartbeat details: never in history. Units: bytes, bytes per second, ms. */
export interface Progress {
  readonly step: string;
  readonly bytesDone: number;
  readonly bytesTotal?: number;
  readonly filesDone?: number;
  readonly bytesPerSecond?: number;
  readonly etaMs?: number;
  readonly note?: string;
  /** Failed polls in a row; 0 when the host answered last time. */
  readonly pollFailures: number;
}
