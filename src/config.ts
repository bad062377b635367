import { existsSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { resolve } from 'node:path';
import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { failure } from './failures.js';
import { expandHome } from './spec/load.js';

/** Where a setting's value came from; they win in this order. */
export type Origin = 'flag' | 'environment' | 'profile' | 'default';

/** One setting with its origin, as `doctor` prints it. */
export interface Setting {
  readonly name: string;
  readonly value: string;
  readonly origin: Origin;
}

/** The process's environment, read once by the entry point. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What flags may say; each stands above its environment twin. */
export interface ConfigurationFlags {
  readonly address?: string | undefined;
  readonly namespace?: string | undefined;
  readonly profile?: string | undefined;
  readonly taskQueue?: string | undefined;
  readonly inventory?: string | undefined;
  readonly actor?: string | undefined;
}

/** Everything that this process was told, frozen; nothing else reads the environment. */
export interface Configuration {
  readonly address: string;
  readonly namespace: string;
  readonly connection: ClientConnectConfig['connectionOptions'];
  readonly taskQueue: string;
  /** Absolute path; undefined when none was named and ./inventory.yaml does not exist. */
  readonly inventory: string | undefined;
  /** Who gives commands. */
  readonly actor: string;
  /** Temporal identity: actor and machine. */
  readonly identity: string;
  readonly settings: readonly Setting[];
}

/** Address of a Temporal that runs beside us. */
export const DEFAULT_ADDRESS = 'localhost:7233';
/** Task queue of workers that were told no other. */
export const DEFAULT_TASK_QUEUE = 'rehost';

/**
 * Reads flags, environment and the standard Temporal profile into one frozen configuration.
 * @throws UsageInvalid when the profile cannot be read
 * @see temporal.io, "Environment configuration": TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE, TEMPORAL_ADDRESS, …
 */
export function loadConfiguration(flags: ConfigurationFlags, environment: Environment): Configuration {
  const profile = loadProfile(flags.profile ?? environment['REHOST_PROFILE'], environment);
  const fromProfile = (variable: string, value: string | undefined): Choice[] => [
    { value: environment[variable], origin: 'environment' },
    { value, origin: 'profile' },
  ];
  const address = pick('address', [
    { value: flags.address, origin: 'flag' },
    { value: environment['REHOST_ADDRESS'], origin: 'environment' },
    ...fromProfile('TEMPORAL_ADDRESS', profile.connectionOptions.address),
    { value: DEFAULT_ADDRESS, origin: 'default' },
  ]);
  const namespace = pick('namespace', [
    { value: flags.namespace, origin: 'flag' },
    { value: environment['REHOST_NAMESPACE'], origin: 'environment' },
    ...fromProfile('TEMPORAL_NAMESPACE', profile.namespace),
    { value: 'default', origin: 'default' },
  ]);
  const taskQueue = twin('task-queue', [
    flags.taskQueue,
    environment['REHOST_TASK_QUEUE'],
    DEFAULT_TASK_QUEUE,
  ]);
  const inventory = twin('inventory', [flags.inventory, environment['REHOST_INVENTORY'], localInventory()]);
  const actor = twin('actor', [flags.actor, environment['REHOST_ACTOR'], userInfo().username]);
  return Object.freeze({
    address: address.value,
    namespace: namespace.value,
    connection: { ...profile.connectionOptions, address: address.value },
    taskQueue: taskQueue.value,
    inventory: inventory.value === '' ? undefined : resolve(expandHome(inventory.value)),
    actor: actor.value,
    identity: `${actor.value}@${hostname()}`,
    settings: [address, namespace, taskQueue, inventory, actor],
  });
}

interface Choice {
  readonly value: string | undefined;
  readonly origin: Origin;
}

function pick(name: string, choices: readonly Choice[]): Setting {
  for (const { value, origin } of choices) {
    if (value !== undefined && value !== '') return { name, value, origin };
  }
  return { name, value: '', origin: 'default' };
}

function twin(name: string, [flag, variable, fallback]: readonly (string | undefined)[]): Setting {
  return pick(name, [
    { value: flag, origin: 'flag' },
    { value: variable, origin: 'environment' },
    { value: fallback, origin: 'default' },
  ]);
}

const localInventory = (): string | undefined =>
  existsSync('inventory.yaml') ? 'inventory.yaml' : undefined;

function loadProfile(profile: string | undefined, environment: Environment): ClientConnectConfig {
  const variables = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  try {
    return loadClientConnectConfig({
      ...(profile === undefined ? {} : { profile }),
      overrideEnvVars: Object.fromEntries(variables) as Record<string, string>,
    });
  } catch (cause) {
    throw failure(
      'UsageInvalid',
      {
        message: `the Temporal profile ${profile ?? 'default'} cannot be read`,
        detail: cause instanceof Error ? cause.message : String(cause),
        hint: 'Correct TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE or the TEMPORAL_* variables, then run "rehost doctor".',
      },
      { cause },
    );
  }
}
