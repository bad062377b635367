import type { RehostState } from '../run/state.js';
import { assertNever } from './assert-never.js';

/** Exit codes that no failure carries. @see DESIGN of the command line, docs/cli.md */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  preflightBlocked: 3,
  verificationDiffers: 5,
  atGate: 6,
  stoppedWatching: 7,
  rolledBack: 9,
  parked: 13,
  planHasWork: 20,
  detached: 130,
} as const;

/** Exit code of a command that followed a run to this state. */
export function exitCodeOf(state: RehostState): number {
  switch (state) {
    case 'done':
      return EXIT.done;
    case 'gate':
      return EXIT.atGate;
    case 'parked':
      return EXIT.parked;
    case 'rolled-back':
      return EXIT.rolledBack;
    case 'abandoned':
    case 'cancelled':
      return EXIT.failed;
    case 'running':
    case 'stopping':
    case 'rolling-back':
      return EXIT.stoppedWatching;
    default:
      return assertNever(state, 'state of a run');
  }
}
