import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { inspect, promisify } from 'node:util';
import { failure } from '../failures.js';
import type { Inventory, SecretReference } from './inventory-schema.js';

/** A secret's value; printing, JSON and inspection give `[redacted]`, only `reveal` gives the text. */
export class Secret {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  /** The secret itself, for stdin or a file of mode 0600; never for argv, logs or history. */
  reveal(): string {
    return this.#text;
  }
  toString(): string {
    return '[redacted]';
  }
  toJSON(): string {
    return '[redacted]';
  }
  [inspect.custom](): string {
    return '[redacted]';
  }
}

const COMMAND_TIMEOUT_MS = 30_000;

/**
 * Gives named secrets of the inventory, resolved at each use so that a rotation needs no restart.
 * @throws SecretMissing when the name is unknown or its source gives nothing
 */
export function secretsOf(
  inventory: Pick<Inventory, 'secrets'>,
  environment: Readonly<Record<string, string | undefined>>,
): (name: string) => Promise<Secret> {
  return async (name) => {
    const reference = inventory.secrets[name];
    if (reference === undefined) {
      throw missing(name, 'the inventory has no such secret');
    }
    const text = await read(name, reference, environment);
    if (text === '') throw missing(name, 'its source gives an empty text');
    return new Secret(text);
  };
}

async function read(
  name: string,
  reference: SecretReference,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  if (reference.env !== undefined) return environment[reference.env] ?? '';
  try {
    if (reference.file !== undefined) return firstLine(await readFile(reference.file, 'utf8'));
    const [program = '', ...args] = reference.command ?? [];
    const { stdout } = await promisify(execFile)(program, args, { timeout: COMMAND_TIMEOUT_MS });
    return firstLine(stdout);
  } catch (error) {
    // The error of a command holds what it printed, and a cause would travel into history: only its code is told.
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw missing(name, `its source cannot be read (${code})`);
  }
}

const firstLine = (text: string): string => text.split('\n', 1)[0]?.replace(/\r$/, '') ?? '';

function missing(name: string, reason: string): Error {
  return failure('SecretMissing', {
    message: `secret "${name}" is not there: ${reason}`,
    hint: `Correct secrets.${name} in the worker's inventory, then run "rehost retry".`,
  });
}
