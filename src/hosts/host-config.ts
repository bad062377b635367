import { homedir } from 'node:os';

/** How the worker reaches one host: an entry of the inventory with its paths made absolute. */
export interface HostConfig {
  readonly name: string;
  /** A name, an IP address or an alias of `~/.ssh/config`. */
  readonly address: string;
  /** Default 22, or the alias's port. */
  readonly port?: number;
  /** Default: the alias's user, then the account of the worker. */
  readonly user?: string;
  /** Private key. With it no other key is offered, unless `agent` names an agent too. */
  readonly identityFile?: string;
  /** Pinned fingerprint, `SHA256:…`; without it `knownHostsFile` decides. */
  readonly hostKey?: string;
  /** Default `~/.ssh/known_hosts`, then `/etc/ssh/ssh_known_hosts`. */
  readonly knownHostsFile?: string;
  /** Name of another configured host, or `[user@]address[:port]`; several, separated by commas, are passed in that order. */
  readonly jumpHost?: string;
  /** Socket of an SSH agent; default `SSH_AUTH_SOCK`, which is asked only when there is no `identityFile`. */
  readonly agent?: string;
  readonly peerAddress?: string;
  readonly peerPort?: number;
}

/** The members of an inventory's host entry that say how it is reached. */
export interface InventoryHostEntry {
  readonly address: string;
  readonly port?: number;
  readonly user?: string;
  readonly identityFile?: string;
  readonly hostKey?: string;
  readonly knownHosts?: string;
  readonly jumpHost?: string;
  readonly peerAddress?: string;
  readonly peerPort?: number;
}

/** A path of the worker in which a leading `~/` stands for its account's home directory. */
export function withHome(path: string): string {
  return path.startsWith('~/') ? `${homedir()}${path.slice(1)}` : path;
}

/** Configurations for `createHosts` from the `hosts` of a parsed inventory. */
export function hostConfigs(entries: Readonly<Record<string, InventoryHostEntry>>): readonly HostConfig[] {
  return Object.entries(entries).map(([name, { knownHosts, identityFile, ...entry }]) => ({
    name,
    ...entry,
    ...(identityFile === undefined ? {} : { identityFile: withHome(identityFile) }),
    ...(knownHosts === undefined ? {} : { knownHostsFile: withHome(knownHosts) }),
  }));
}
