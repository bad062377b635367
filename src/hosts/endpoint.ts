import { readFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { failure } from '../failures.js';
import type { HostConfig } from './host-config.js';
import type { HostKeyPolicy } from './host-key.js';
import { knownHostKeys } from './known-hosts.js';
import { resolveAlias } from './ssh-alias.js';

/** Where exactly a connection goes and how it is trusted and opened. */
export interface Endpoint {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly hostKeys: HostKeyPolicy;
  readonly identityFiles: readonly { readonly path: string; readonly required: boolean }[];
  readonly agent?: string;
  /** Machines passed on the way, first to last, as the inventory or the ssh configuration names them. */
  readonly jumps: readonly string[];
}

/** Default identity files of OpenSSH that ssh2 can use, in its order of preference. @see ssh(1), -i */
const DEFAULT_IDENTITIES = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/**
 * Resolves a configuration to an endpoint: alias, account, keys to offer, host keys to accept, machines on the way.
 * @throws InventoryInvalid for an alias that needs a ProxyCommand
 */
export async function resolveEndpoint(config: HostConfig, sshConfigFile?: string): Promise<Endpoint> {
  const alias = await resolveAlias(config.address, sshConfigFile);
  if (alias.proxyCommand !== undefined) throw proxyCommandRefused(config, alias.proxyCommand);
  const address = alias.hostName ?? config.address;
  // The inventory fills in 22; a port of the alias counts unless the inventory states another.
  const port = config.port === undefined || config.port === 22 ? (alias.port ?? 22) : config.port;
  const jump = config.jumpHost ?? alias.proxyJump;
  return {
    name: config.name,
    address,
    port,
    user: config.user ?? alias.user ?? userInfo().username,
    hostKeys: await hostKeyPolicy(config, address, port),
    ...keysToOffer(config, alias.identityFiles),
    jumps: jump === undefined ? [] : jump.split(',').map((hop) => hop.trim()),
  };
}

/** A jump host that no inventory entry describes: `[user@]address[:port]`, with the keys of the host behind it. */
export function jumpConfig(hop: string, behind: HostConfig): HostConfig {
  const match = /^(?:([^@]+)@)?(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(hop);
  const [, user, address, port] = match ?? [];
  return {
    name: hop,
    address: (address ?? hop).replace(/^\[(.*)\]$/, '$1'),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(user === undefined ? {} : { user }),
    ...(behind.identityFile === undefined ? {} : { identityFile: behind.identityFile }),
    ...(behind.knownHostsFile === undefined ? {} : { knownHostsFile: behind.knownHostsFile }),
    ...(behind.agent === undefined ? {} : { agent: behind.agent }),
  };
}

function keysToOffer(
  config: HostConfig,
  aliasFiles: readonly string[],
): Pick<Endpoint, 'identityFiles'> & { agent?: string } {
  if (config.identityFile !== undefined) {
    const identityFiles = [{ path: config.identityFile, required: true }];
    return config.agent === undefined ? { identityFiles } : { identityFiles, agent: config.agent };
  }
  const agent = config.agent ?? process.env['SSH_AUTH_SOCK'];
  const defaults = DEFAULT_IDENTITIES.map((file) => `${homedir()}/.ssh/${file}`);
  const identityFiles = [...new Set([...aliasFiles, ...defaults])].map((path) => ({ path, required: false }));
  return agent === undefined || agent === '' ? { identityFiles } : { identityFiles, agent };
}

async function hostKeyPolicy(config: HostConfig, address: string, port: number): Promise<HostKeyPolicy> {
  if (config.hostKey !== undefined) {
    return { origin: 'the inventory', keys: [{ type: '', fingerprint: config.hostKey, revoked: false }] };
  }
  const files =
    config.knownHostsFile === undefined
      ? [`${homedir()}/.ssh/known_hosts`, '/etc/ssh/ssh_known_hosts']
      : [config.knownHostsFile];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const keys = knownHostKeys(text, address, port);
    if (keys.length > 0) return { origin: `${file} line ${keys.map((key) => key.line).join(', ')}`, keys };
  }
  return { origin: files[0] ?? '', keys: [] };
}

const proxyCommandRefused = (config: HostConfig, command: string): Error =>
  failure('InventoryInvalid', {
    message: `host ${config.name} is reached by a ProxyCommand of the ssh configuration, which rehost does not run`,
    detail: `"${config.address}" resolves to ProxyCommand ${command}.`,
    hint: 'Use ProxyJump in the ssh configuration, or "jumpHost" in the inventory; then run "rehost doctor".',
  });
