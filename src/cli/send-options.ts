import type { Command } from 'commander';
import { addTemporalOptions, signalOption, valueOption } from './options.js';

/** Flags of a command to a run, besides its own. */
export function addSendOptions(command: Command): Command {
  return addTemporalOptions(command)
    .addOption(signalOption())
    .addOption(
      valueOption('--id <text>', 'id of this command; the same id again changes nothing; default: a new one'),
    );
}

/** The flag of a decision's reason. */
export const reasonOption = (): ReturnType<typeof valueOption> =>
  valueOption('--reason <text>', 'why; goes into the report');
