import { failure, RehostFailure } from '../failures.js';
import type { Host } from './host.js';
import { PRINT_BOOT } from './unit-scripts.js';

/** What makes a host this host, and what it is. */
export interface HostIdentity {
  readonly hostKey: string;
  readonly machineId: string;
  readonly hostName: string;
  /** Changes with every start of the machine or container. */
  readonly boot: { readonly bootId: string; readonly startTicks: string };
  readonly os: { readonly id: string; readonly versionId: string; readonly prettyName: string };
  /** As `uname -m` prints it. */
  readonly arch: string;
  /** The host's clock minus the worker's, within half a round trip. */
  readonly clockOffsetMs: number;
}

const READ = `${PRINT_BOOT}
printf 'machineId=%s\\n' "$(cat /etc/machine-id)"
printf 'hostName=%s\\n' "$(uname -n)"
printf 'arch=%s\\n' "$(uname -m)"
printf 'boot=%s\\n' "$(boot_identity)"
printf 'nowMs=%s\\n' "$(date +%s%3N)"
for file in /etc/os-release /usr/lib/os-release; do
  [ -r "$file" ] || continue
  . "$file"
  break
done
printf 'id=%s\\nversionId=%s\\nprettyName=%s\\n' "\${ID-}" "\${VERSION_ID-}" "\${PRETTY_NAME-}"`;

/** Reads a host's identity; changes nothing. */
export async function readIdentity(host: Host): Promise<HostIdentity> {
  const hostKey = await host.hostKey();
  const askedAt = Date.now();
  const text = await host.script(READ, [], { timeoutMs: 20_000 });
  const middle = (askedAt + Date.now()) / 2;
  const fields = new Map(
    text.split('\n').map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]),
  );
  const field = (name: string): string => fields.get(name) ?? '';
  const [bootId = '', startTicks = ''] = field('boot').split('+');
  return {
    hostKey,
    machineId: field('machineId'),
    hostName: field('hostName'),
    boot: { bootId, startTicks },
    os: { id: field('id'), versionId: field('versionId'), prettyName: field('prettyName') },
    arch: field('arch'),
    clockOffsetMs: Math.round(Number(field('nowMs')) - middle),
  };
}

/** The reason why commands do not run as root on a host, or undefined when they do. Connection failures are thrown. */
export async function checkRoot(host: Host): Promise<RehostFailure | undefined> {
  try {
    const uid = (await host.check(['id', '-u'])).trim();
    if (uid === '0') return undefined;
    return failure('SudoMissing', {
      message: `commands run as uid ${uid} on host ${host.name}, wanted 0`,
      hint: 'Run "rehost doctor": it prints the sudoers file and tests it.',
    });
  } catch (error) {
    if (error instanceof RehostFailure && error.type === 'SudoMissing') return error;
    throw error;
  }
}
