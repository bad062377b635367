import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Environment } from '../config.js';
import { failure } from '../failures.js';
import { OUTPUT_MODES } from './output.js';

/** Name of a flag's environment twin: `--task-queue` has `REHOST_TASK_QUEUE`. */
export const twinName = (long: string): string =>
  `REHOST_${long.replace(/^--/, '').replaceAll('-', '_').toUpperCase()}`;

/** A flag with a value and its environment twin. */
export function valueOption(flags: string, description: string): Option {
  const option = new Option(flags, description);
  return option.env(twinName(option.long ?? ''));
}

const SWITCHES = new WeakSet<Option>();

/** A flag without a value; its environment twin must say yes or no (commander would take "0" for yes). */
export function switchOption(flags: string, description: string): Option {
  const option = new Option(flags, description);
  option.description = `${description} (env: ${twinName(option.long ?? '')})`;
  SWITCHES.add(option);
  return option;
}

const YES = new Set(['1', 'true', 'yes', 'on']);
const NO = new Set(['', '0', 'false', 'no', 'off']);

/** Applies the environment twins of a command's switches that were not given as flags. @throws UsageInvalid */
export function applySwitchTwins(command: Command, environment: Environment): void {
  for (const option of command.options) {
    if (!SWITCHES.has(option)) continue;
    const name = option.attributeName();
    const variable = twinName(option.long ?? '');
    const text = environment[variable]?.toLowerCase();
    if (text === undefined || command.getOptionValueSource(name) === 'cli') continue;
    if (!YES.has(text) && !NO.has(text)) {
      throw failure('UsageInvalid', {
        message: `${variable} is "${text}", wanted yes or no`,
        hint: `Set ${variable}=yes or ${variable}=no, or unset it.`,
      });
    }
    command.setOptionValueWithSource(name, YES.has(text), 'env');
  }
}

/** A whole number of at least `least`, for flags. */
export const wholeNumber =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most) {
      const limit = most === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${most}`;
      throw new InvalidArgumentError(`wants a whole number of at least ${least}${limit}`);
    }
    return value;
  };

/** A TCP port, for flags. */
export const portNumber = wholeNumber(1, 65_535);

/** Collects a repeatable flag `id=text` into one object. */
export function collectAnswers(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [, id, answer] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (id === undefined || answer === undefined) throw new InvalidArgumentError('wants QUESTION=ANSWER');
  return { ...before, [id.trim()]: answer.trim() };
}

/** Flags that every command has. */
export function addCommonOptions(command: Command): Command {
  return command
    .addOption(
      valueOption('-o, --output <mode>', 'how results are printed').choices(OUTPUT_MODES).default('table'),
    )
    .addOption(valueOption('--actor <name>', 'who gives this command; default: the account'));
}

/** Flags of commands that talk to Temporal. */
export function addTemporalOptions(command: Command): Command {
  return addCommonOptions(command)
    .addOption(
      valueOption('--address <host:port>', 'Temporal; default: the Temporal profile, then localhost:7233'),
    )
    .addOption(valueOption('--namespace <name>', 'Temporal namespace; default: the profile, then default'))
    .addOption(valueOption('--profile <name>', 'profile of the standard Temporal configuration file'))
    .addOption(valueOption('--task-queue <name>', 'task queue of the workers; default: rehost'));
}

/** The flag that names the inventory, for commands that run a worker or check a spec early. */
export const inventoryOption = (): Option =>
  valueOption('--inventory <file>', 'how hosts are reached; default: ./inventory.yaml when it exists');

/** The flag of the Signal twin. */
export const signalOption = (): Option =>
  switchOption('--signal', 'send as a Signal: durable without a worker, but without an answer');

/** The help text's example block; every command has one. */
export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`;
