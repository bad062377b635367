import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { promisify } from 'node:util';
import { withHome } from './host-config.js';

/** What the user's ssh configuration says about an address; a member is absent when it says nothing. */
export interface SshAlias {
  readonly hostName?: string;
  readonly port?: number;
  readonly user?: string;
  readonly identityFiles: readonly string[];
  readonly proxyJump?: string;
  /** A ProxyCommand is a program of the user's: it is not run, and the caller says so. */
  readonly proxyCommand?: string;
}

/**
 * Resolves an alias of the user's ssh configuration; an address that no `Host` names comes back with defaults.
 *
 * `ssh -G` is asked when there is an ssh client, because it alone knows `Match` and `Include`; otherwise the file's
 * `Host` blocks are read here (HostName, Port, User, IdentityFile, ProxyJump).
 * @see ssh(1), -G; ssh_config(5)
 */
export async function resolveAlias(address: string, configFile?: string): Promise<SshAlias> {
  const file = configFile ?? `${homedir()}/.ssh/config`;
  const present = await access(file).then(
    () => true,
    () => false,
  );
  // Without a file of the user's, ssh -G would only print its defaults.
  if (!present) return { identityFiles: [] };
  try {
    const { stdout } = await promisify(execFile)('ssh', ['-F', file, '-G', '--', address], {
      timeout: 10_000,
    });
    return aliasFrom(configPairs(stdout));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return aliasFrom(hostBlocks(await readFile(file, 'utf8'), address));
  }
}

type Pairs = readonly (readonly [key: string, value: string])[];

/** Keys (lower case) and values of ssh configuration lines, comments left out. */
export function configPairs(text: string): Pairs {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.+?)\s*$/.exec(line);
    const [, key, value] = match ?? [];
    return key === undefined || value === undefined
      ? []
      : [[key.toLowerCase(), value.replace(/^"(.*)"$/, '$1')] as const];
  });
}

/** The pairs that apply to an address: those before the first `Host` and those of matching `Host` blocks. */
export function hostBlocks(text: string, address: string): Pairs {
  let applies = true;
  return configPairs(text).filter(([key, value]) => {
    if (key === 'host') applies = matchesPatterns(value.split(/\s+/), address);
    if (key === 'match') applies = value.toLowerCase() === 'all';
    return applies && key !== 'host' && key !== 'match';
  });
}

function matchesPatterns(patterns: readonly string[], address: string): boolean {
  const matches = (pattern: string): boolean => {
    const escaped = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    return new RegExp(`^${escaped}$`, 'i').test(address);
  };
  if (patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1)))) return false;
  return patterns.some((pattern) => !pattern.startsWith('!') && matches(pattern));
}

// ssh_config(5): for each parameter the first obtained value is used, but identity files add up.
function aliasFrom(pairs: Pairs): SshAlias {
  const first = (key: string): string | undefined => {
    const value = pairs.find(([name]) => name === key)?.[1];
    return value === undefined || value.toLowerCase() === 'none' ? undefined : value;
  };
  const port = first('port');
  const member = <Key extends string>(key: Key, value: string | undefined): { [K in Key]?: string } =>
    value === undefined ? {} : ({ [key]: value } as { [K in Key]?: string });
  return {
    ...member('hostName', first('hostname')),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...member('user', first('user')),
    ...member('proxyJump', first('proxyjump')),
    ...member('proxyCommand', first('proxycommand')),
    identityFiles: pairs.filter(([key]) => key === 'identityfile').map(([, value]) => withHome(value)),
  };
}
