import { stopUnit, type UnitPoll, type UnitSpec, type WatchOptions } from '../hosts/index.js';
import type { Progress } from '../plan/call.js';
import type { ActionContext } from './action.js';

/** Reads a unit's progress file into what a heartbeat carries; what it cannot read it leaves out. */
export type ReadProgress = (poll: UnitPoll) => Omit<Progress, 'step' | 'pollFailures'>;

/** Options that tie a unit's watch to the Activity: heartbeats by poll, its signal, its step. */
export function watchOptions(context: ActionContext, read?: ReadProgress): WatchOptions {
  return {
    signal: context.signal,
    onPoll: ({ poll, pollFailures }) => {
      const seen = poll === undefined ? { bytesDone: 0 } : (read?.(poll) ?? { bytesDone: 0 });
      context.heartbeat({ step: context.call.step, ...seen, pollFailures });
    },
  };
}

/** Stops the unit on its host when the Activity ends by a cancel; a worker's shutdown leaves it running. */
export async function stopOnCancel<T>(context: ActionContext, unit: UnitSpec, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (context.abortReason() === 'cancel') await stopUnit(context.host, unit);
    throw error;
  }
}
