import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { failure } from '../src/failures.js';
import { runProgram } from './engine.js';
import { cacheDirectory } from './toolchain.js';

/** Names of the lab's hosts as the inventory has them. */
export const LAB_HOST_NAMES = ['ppm-source', 'ppm-target'] as const;
/** One of the lab's hosts. */
export type LabHostName = (typeof LAB_HOST_NAMES)[number];

/** Sizes of the product's data on a freshly seeded source. */
export interface LabSizes {
  /** Packages in the repositories. Default 24. */
  readonly packages: number;
  /** Bytes of each package's file. Default 65 536. */
  readonly packageBytes: number;
}

/** One host of a lab: a container that boots systemd. */
export interface LabHost {
  readonly name: LabHostName;
  readonly role: 'source' | 'target';
  readonly container: string;
  readonly image: string;
  /** SSH on this machine's loopback; stays the same over restarts and resets. */
  readonly port: number;
  /** Fingerprint of the host's Ed25519 key, `SHA256:…`. */
  readonly hostKey: string;
  /** The key itself, `ssh-ed25519 AAAA…`. */
  readonly publicKey: string;
  readonly machineId: string;
  /** Units that failed at the first boot; empty on a good lab. */
  readonly failedUnits: readonly string[];
}

/** A lab that is up. All paths are absolute. */
export interface Lab {
  readonly name: string;
  readonly directory: string;
  readonly inventory: string;
  readonly knownHosts: string;
  readonly identityFile: string;
  readonly network: string;
  readonly sizes: LabSizes;
  readonly hosts: Readonly<Record<LabHostName, LabHost>>;
}

/** The lab that is meant when none is named: `REHOST_LAB`, else `rehost`. @throws UsageInvalid */
export function labName(name?: string): string {
  const chosen = name ?? (process.env['REHOST_LAB'] || 'rehost');
  if (/^[a-z0-9][a-z0-9-]{0,30}$/.test(chosen)) return chosen;
  throw failure('UsageInvalid', {
    message: `lab name ${JSON.stringify(chosen)} is not made of at most 31 of a-z, 0-9 and "-"`,
    hint: 'Set REHOST_LAB to a name such as "practice-2", or unset it.',
  });
}

/** Directory of a lab's key, inventory and records. It need not exist. */
export const labDirectory = (name: string): string => join(cacheDirectory(), 'lab', name);

/** The recorded lab, or undefined when it was never brought up. */
export function readLab(name: string): Lab | undefined {
  const path = join(labDirectory(name), 'lab.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Lab) : undefined;
}

/** The lab of this name. @throws UsageInvalid when it is not up */
export function requireLab(name?: string): Lab {
  const chosen = labName(name);
  const lab = readLab(chosen);
  if (lab !== undefined) return lab;
  throw failure('UsageInvalid', {
    message: `lab ${chosen} is not up`,
    hint: `Run "rehost lab up --lab ${chosen}" first.`,
  });
}

/** Writes lab.json, inventory.yaml and known_hosts; each is replaced whole. */
export function writeLab(lab: Lab): void {
  const hosts = LAB_HOST_NAMES.map((name) => lab.hosts[name]);
  const entries = hosts.map((host): [string, object] => [
    host.name,
    {
      address: '127.0.0.1',
      port: host.port,
      user: 'rehost',
      identityFile: lab.identityFile,
      hostKey: host.hostKey,
      peerAddress: host.name, // the network's own name service
      peerPort: 22,
    },
  ]);
  const inventory = { hosts: Object.fromEntries<object>(entries), secrets: {}, commands: {} };
  const comment = `# Written by "rehost lab up" for the lab ${lab.name}; a reset keeps it valid.\n`;
  replaceFile(lab.inventory, comment + stringify(inventory, { lineWidth: 0 }));
  const keys = hosts.map((host) => `[127.0.0.1]:${host.port} ${host.publicKey}\n`);
  replaceFile(lab.knownHosts, keys.join(''));
  replaceFile(join(lab.directory, 'lab.json'), `${JSON.stringify(lab, null, 2)}\n`);
}

function replaceFile(path: string, content: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content, { mode: 0o600 });
  renameSync(temporary, path);
}

/** Removes the record of a lab; its containers are not touched. */
export const forgetLab = (name: string): void => rmSync(labDirectory(name), { recursive: true, force: true });

/** Makes the lab's Ed25519 key pair, unless it exists, and answers the path of its private half. */
export async function ensureIdentity(name: string): Promise<string> {
  const directory = labDirectory(name);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const identity = join(directory, 'id_ed25519');
  if (existsSync(identity)) return identity;
  const args = ['-q', '-t', 'ed25519', '-N', '', '-C', `rehost-lab-${name}`, '-f', identity];
  const { status, stderr } = await runProgram('ssh-keygen', args);
  if (status === 0) return identity;
  throw failure('ToolMissing', {
    message: 'ssh-keygen could not make a key',
    detail: stderr.trim(),
    hint: 'Install the OpenSSH client.',
  });
}

/** Fingerprint of a public key as OpenSSH prints it. @see ssh-keygen(1), -l */
export function fingerprintOf(publicKey: string): string {
  const [, encoded = ''] = publicKey.split(' ');
  const blob = Buffer.from(encoded, 'base64');
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
