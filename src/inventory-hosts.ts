import { statSync } from 'node:fs';
import { failure } from './failures.js';
import type { Host, Hosts } from './hosts/host.js';
import { createHosts } from './hosts/index.js';
import { hostConfigs } from './hosts/host-config.js';
import { readInventory } from './spec/load.js';

interface Loaded {
  readonly stamp: string;
  readonly hosts: Hosts;
}

/**
 * Hosts of an inventory file that is read again when it changed, so that a corrected inventory needs no restart.
 *
 * A broken or absent inventory is told by each `get`, in the words of the loader: it reaches the person who plans.
 * Connections of a former reading stay open for the Activities that use them, until `close`.
 */
export function inventoryHosts(file: string | undefined, create: typeof createHosts = createHosts): Hosts {
  const retired: Hosts[] = [];
  let current: Loaded | undefined;
  const load = (): Hosts => {
    if (file === undefined) throw noInventory();
    const stamp = stampOf(file);
    if (current?.stamp === stamp) return current.hosts;
    const hosts = create(hostConfigs(readInventory(file).value.hosts));
    if (current !== undefined) retired.push(current.hosts);
    current = { stamp, hosts };
    return hosts;
  };
  return {
    get: (name: string): Host => load().get(name),
    get names() {
      return load().names;
    },
    close: async () => {
      const all = [...retired, ...(current === undefined ? [] : [current.hosts])];
      await Promise.all(all.map((hosts) => hosts.close()));
    },
  };
}

function stampOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? 'absent' : `${found.mtimeMs}:${found.size}:${found.ino}`;
}

function noInventory(): Error {
  return failure('InventoryInvalid', {
    message: 'the worker was told no inventory, so it knows no host',
    hint: 'Start the worker with --inventory FILE or REHOST_INVENTORY=FILE; "rehost init" writes an example.',
  });
}
