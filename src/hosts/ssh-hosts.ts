import { failure } from '../failures.js';
import { nearest } from '../spec/nearest.js';
import { jumpConfig } from './endpoint.js';
import type { HostConfig } from './host-config.js';
import { HostLink, type HostLogger, type LinkOptions } from './host-link.js';
import type { Host, Hosts } from './host.js';
import { SshHost } from './ssh-host.js';

/** What `createHosts` may be given besides the configurations. */
export interface HostsOptions {
  readonly logger?: HostLogger;
  /** Default `~/.ssh/config`. */
  readonly sshConfigFile?: string;
}

/**
 * The hosts of an inventory, each behind one connection that is opened when first used and again after a loss.
 * @throws InventoryInvalid when jump hosts lead in a circle
 */
export function createHosts(configs: readonly HostConfig[], options: HostsOptions = {}): Hosts {
  refuseCircles(configs);
  const byName = new Map(configs.map((config) => [config.name, config]));
  const links = new Map<string, HostLink>();
  const linkOptions: LinkOptions = { ...options, jump: (hop, behind, via) => jump(hop, behind, via) };
  const shared = (key: string, make: () => HostLink): HostLink => {
    const link = links.get(key) ?? make();
    links.set(key, link);
    return link;
  };
  const linkOf = (config: HostConfig): HostLink =>
    shared(config.name, () => new HostLink(config, linkOptions));
  const jump = (hop: string, behind: HostConfig, via: HostLink | undefined): HostLink => {
    const known = byName.get(hop);
    if (known !== undefined && via === undefined) return linkOf(known);
    const config = known ?? jumpConfig(hop, behind);
    return shared(`${via?.config.name ?? ''}>${hop}`, () => new HostLink(config, linkOptions, via));
  };
  const hosts = new Map<string, Host>(
    configs.map((config) => [config.name, new SshHost(linkOf(config), options.logger)]),
  );
  return {
    names: configs.map((config) => config.name),
    get: (name) => hosts.get(name) ?? unknownHost(name, [...hosts.keys()]),
    close: async () => {
      await Promise.all([...links.values()].map((link) => link.close()));
    },
  };
}

function unknownHost(name: string, known: readonly string[]): never {
  const near = nearest(name, known);
  throw failure('HostUnknown', {
    message: `the inventory has no host "${name}"${near === undefined ? '' : `; the nearest name is "${near}"`}`,
    detail: `It has: ${known.join(', ') || 'no host at all'}.`,
    hint: 'Correct the name in the spec, or add the host to the inventory; then run "rehost plan" again.',
  });
}

function refuseCircles(configs: readonly HostConfig[]): void {
  const jumpOf = new Map(configs.map((config) => [config.name, config.jumpHost]));
  for (const { name } of configs) {
    const passed = [name];
    for (let next = jumpOf.get(name); next !== undefined; next = jumpOf.get(next)) {
      if (passed.includes(next)) {
        throw failure('InventoryInvalid', {
          message: `the jump hosts of ${name} lead in a circle: ${[...passed, next].join(' → ')}`,
          hint: 'Remove one "jumpHost" of the circle from the inventory, then run "rehost doctor".',
        });
      }
      passed.push(next);
    }
  }
}
