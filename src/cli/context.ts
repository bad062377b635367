import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { createClient, type RehostClient } from '../client.js';
import { loadConfiguration, type Configuration, type ConfigurationFlags } from '../config.js';
import { failure } from '../failures.js';
import type { Io } from './io.js';
import { printResult, type OutputMode, type Printable } from './output.js';

/** What every command works with. */
export interface CommandContext {
  readonly io: Io;
  readonly configuration: Configuration;
  readonly mode: OutputMode;
  /** Prints the result on stdout. */
  readonly print: (result: Printable) => void;
  /** Tells a person something on stderr; quiet when results are JSON. */
  readonly say: (text: string) => void;
  /** The connected client; one per command. @throws TemporalUnreachable */
  readonly client: () => Promise<RehostClient>;
  /** Called with each process exit code that is not 0. */
  readonly exit: (code: number) => void;
  readonly close: () => Promise<void>;
}

/** Where a program's result codes go, shared by all commands of one call. */
export interface ExitCode {
  code: number;
}

/** Builds the context of a command from its flags. */
export function contextOf(io: Io, command: Command, exit: ExitCode): CommandContext {
  const flag = (name: string): string | undefined => {
    if (command.getOptionValueSource(name) !== 'cli') return undefined;
    const value: unknown = command.getOptionValue(name);
    return typeof value === 'string' ? value : undefined;
  };
  const flags: ConfigurationFlags = {
    address: flag('address'),
    namespace: flag('namespace'),
    profile: flag('profile'),
    taskQueue: flag('taskQueue'),
    inventory: flag('inventory'),
    actor: flag('actor'),
  };
  const configuration = loadConfiguration(flags, io.env);
  const mode = modeOf(command);
  let client: Promise<RehostClient> | undefined;
  return {
    io,
    configuration,
    mode,
    print: (result) => printResult(io, mode, result),
    say: (text) => (mode === 'table' ? io.err(`${text}\n`) : undefined),
    client: () => (client ??= createClient(configuration)),
    exit: (code) => {
      exit.code = code;
    },
    close: async () => {
      // A client that never connected has nothing to close, and its failure was already told.
      const opened = await client?.catch(() => undefined);
      await opened?.close();
    },
  };
}

/** The output mode of a command; `table` where it has no such flag. */
export function modeOf(command: Command): OutputMode {
  const value: unknown = command.getOptionValue('output');
  return value === 'json' || value === 'jsonl' ? value : 'table';
}

/** Text of a file that a person named. @throws PlanUnreadable */
export function readPlanText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw failure(
      'PlanUnreadable',
      {
        message: `${file} cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'})`,
        hint: 'Make a plan with "rehost plan SPEC --out PLAN" and name that file.',
      },
      { cause },
    );
  }
}
