import type { Command } from 'commander';
import { RehostFailure } from '../failures.js';
import { contextOf, modeOf, type CommandContext, type ExitCode } from './context.js';
import { EXIT } from './exit-codes.js';
import type { Io } from './io.js';
import { applySwitchTwins } from './options.js';
import { printFailure } from './output.js';

/** What a command was called with: its operands in order and its flags. */
export interface Call<Options> {
  readonly args: readonly (string | undefined)[];
  readonly options: Options;
}

/** Gives a command its action: context built, failures printed with their exit code, connections closed. */
export type Define = <Options extends object>(
  command: Command,
  act: (context: CommandContext, call: Call<Options>) => Promise<void>,
) => void;

/** Binds `define` to a process and to where its exit code goes. */
export function definer(io: Io, exit: ExitCode): Define {
  return (command, act) => {
    command.action(async () => {
      let context: CommandContext | undefined;
      try {
        applySwitchTwins(command, io.env);
        context = contextOf(io, command, exit);
        await act(context, { args: command.args, options: command.opts() });
      } catch (error) {
        // An answer that Ctrl-C cut off is no wrong usage: the person left.
        const left =
          io.interrupted.aborted && error instanceof RehostFailure && error.type === 'UsageInvalid';
        exit.code = left ? EXIT.detached : printFailure(io, modeOf(command), error);
      } finally {
        await context?.close();
      }
    });
  };
}
