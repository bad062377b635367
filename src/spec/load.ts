import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename } from 'node:path';
import { failure, type FailureType } from '../failures.js';
import { toShellLine } from '../formats/shell.js';
import { inventorySchema, type Inventory } from './inventory-schema.js';
import { nearest } from './nearest.js';
import { checkYaml, problemLine, type Position, type Problem } from './problems.js';
import { specSchema, type Spec } from './spec-schema.js';

/** A checked file and where its keys stand, for messages of later checks. */
export interface Loaded<Value> {
  readonly file: string;
  readonly value: Value;
  readonly locate: (path: readonly PropertyKey[]) => Position;
}

/** The checked spec of a YAML text. @throws SpecInvalid with every problem, SourceEqualsTarget */
export function parseSpec(text: string, file: string): Loaded<Spec> {
  const checked = checkYaml(text, file, specSchema);
  if (!checked.ok) throw invalid('SpecInvalid', file, checked.problems);
  const spec = checked.value;
  if (spec.source === spec.target) {
    const { line, column } = checked.locate(['target']);
    throw failure('SourceEqualsTarget', {
      message: `source and target are both "${spec.source}"; a server move needs two hosts`,
      detail: `${file}:${line}:${column}: target names the same host as source.`,
      hint: `Name the new server as target in ${file}, then run "${toShellLine(['rehost', 'plan', file])}" again.`,
    });
  }
  return { file, value: spec, locate: checked.locate };
}

/** The checked inventory of a YAML text, with `~/` expanded. @throws InventoryInvalid with every problem */
export function parseInventory(text: string, file: string): Loaded<Inventory> {
  const checked = checkYaml(text, file, inventorySchema);
  if (!checked.ok) throw invalid('InventoryInvalid', file, checked.problems);
  return { file, value: expandPaths(checked.value), locate: checked.locate };
}

/** Reads and checks a spec file. @throws SpecInvalid also when it cannot be read */
export function readSpec(file: string): Loaded<Spec> {
  return parseSpec(readText(file, 'SpecInvalid'), file);
}

/** Reads and checks an inventory file. @throws InventoryInvalid also when it cannot be read */
export function readInventory(file: string): Loaded<Inventory> {
  return parseInventory(readText(file, 'InventoryInvalid'), file);
}

/**
 * Answers nothing when both ends of a spec are different hosts of the inventory.
 * @throws HostUnknown with the nearest known name, SourceEqualsTarget when both have one address and port
 */
export function checkHosts(spec: Loaded<Spec>, inventory: Loaded<Inventory>): void {
  for (const role of ['source', 'target'] as const) {
    const name = spec.value[role];
    if (inventory.value.hosts[name] !== undefined) continue;
    const known = Object.keys(inventory.value.hosts);
    const near = nearest(name, known);
    const { line, column } = spec.locate([role]);
    throw failure('HostUnknown', {
      message: `${role} "${name}" is not in the inventory${near === undefined ? '' : `; did you mean "${near}"?`}`,
      detail: `${spec.file}:${line}:${column}: ${role}. ${inventory.file} knows: ${known.join(', ') || 'no host'}.`,
      hint: `Correct ${role} in ${spec.file}, or add the host to ${inventory.file}; then run "${toShellLine(['rehost', 'plan', spec.file])}" again.`,
    });
  }
  checkAddresses(spec, inventory);
}

function checkAddresses(spec: Loaded<Spec>, inventory: Loaded<Inventory>): void {
  const source = inventory.value.hosts[spec.value.source];
  const target = inventory.value.hosts[spec.value.target];
  if (source === undefined || target === undefined) return;
  if (
    source.address !== target.address ||
    (source.port ?? 22) !== (target.port ?? 22) ||
    source.jumpHost !== target.jumpHost
  )
    return;
  const { line, column } = inventory.locate(['hosts', spec.value.target, 'address']);
  throw failure('SourceEqualsTarget', {
    message: `source ${spec.value.source} and target ${spec.value.target} have one address, ${source.address} port ${source.port ?? 22}`,
    detail: `${inventory.file}:${line}:${column}: the address of ${spec.value.target} equals that of ${spec.value.source}.`,
    hint: `Correct the address in ${inventory.file}, then run "${toShellLine(['rehost', 'plan', spec.file])}" again.`,
  });
}

function readText(file: string, type: FailureType): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw failure(
      type,
      {
        message: `${file} cannot be read (${code})`,
        hint:
          type === 'SpecInvalid'
            ? `Name an existing spec, or write one with "rehost init".`
            : `Name an existing inventory with --inventory or REHOST_INVENTORY, or write one with "rehost init".`,
      },
      { cause },
    );
  }
}

/** More lines than this are no help: the first ones are usually the cause. */
const MOST_PROBLEMS = 20;

function invalid(
  type: 'SpecInvalid' | 'InventoryInvalid',
  file: string,
  problems: readonly Problem[],
): Error {
  const again = type === 'SpecInvalid' ? `"${toShellLine(['rehost', 'plan', file])}"` : '"rehost doctor"';
  const more = problems.length - MOST_PROBLEMS;
  const rest = more > 0 ? [`… and ${more} more`] : [];
  const option = type === 'SpecInvalid' ? 'spec' : 'inventory';
  return failure(type, {
    message: `${basename(file)} has ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`,
    detail: [...problems.slice(0, MOST_PROBLEMS).map(problemLine), ...rest].join('\n'),
    hint: `Correct each place named above, then run ${again} again; "rehost init --schema ${option}" prints every key.`,
  });
}

/** The path with a leading `~/` replaced by the home directory of this account. */
export function expandHome(path: string): string {
  return path.startsWith('~/') ? `${homedir()}${path.slice(1)}` : path;
}

function expandPaths(inventory: Inventory): Inventory {
  const hosts = Object.entries(inventory.hosts).map(([name, host]) => [
    name,
    {
      ...host,
      ...(host.identityFile === undefined ? {} : { identityFile: expandHome(host.identityFile) }),
      ...(host.knownHosts === undefined ? {} : { knownHosts: expandHome(host.knownHosts) }),
    },
  ]);
  const secrets = Object.entries(inventory.secrets).map(([name, reference]) => [
    name,
    reference.file === undefined ? reference : { ...reference, file: expandHome(reference.file) },
  ]);
  return {
    ...inventory,
    hosts: Object.fromEntries(hosts) as Inventory['hosts'],
    secrets: Object.fromEntries(secrets) as Inventory['secrets'],
  };
}
