/*
 * Faults planted at the border of the Activities: a step fails once before, or once after, its effect.
 */
import type { StepActivity } from '../../src/activities/create.js';
import { failure } from '../../src/failures.js';
import type { StepCall } from '../../src/plan/call.js';
import type { Wrap } from './world.js';

/** One step that fails once. */
export interface PlantedFault {
  readonly step: string;
  readonly when: 'before' | 'after';
}

/** What happened at the border: undo calls in the order in which they began. */
export interface Seen {
  readonly undone: string[];
}

/** Makes one step fail once, and tells of every undo just before it runs. */
export function plant(
  fault: PlantedFault,
  options: { readonly seen: Seen; readonly beforeUndo?: (call: StepCall) => Promise<void> },
): Wrap {
  let left = 1;
  const planted = (call: StepCall): boolean => call.mode === 'act' && call.step === fault.step && left > 0;
  return (activities) =>
    Object.fromEntries(
      Object.entries(activities).map(([name, act]): [string, StepActivity] => [
        name,
        async (call) => {
          if (call.mode === 'undo') {
            options.seen.undone.push(call.step);
            await options.beforeUndo?.(call);
          }
          const fails = planted(call);
          if (fails) left -= 1;
          if (fails && fault.when === 'before') throw plantedFailure(fault);
          const outcome = await act(call);
          if (fails) throw plantedFailure(fault);
          return outcome;
        },
      ]),
    );
}

/** What the parked step says then. */
export const plantedMessage = (fault: PlantedFault): string =>
  `step ${fault.step} fails ${fault.when} its effect because the test says so`;

const plantedFailure = (fault: PlantedFault): Error =>
  failure('CommandFailed', {
    message: plantedMessage(fault),
    hint: 'Run "rehost rollback".',
  });
