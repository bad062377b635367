import { createServer } from 'node:net';
import { mkdirSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure, RehostFailure } from '../src/failures.js';
import { docker, pause, runProgram } from './engine.js';
import { fingerprintOf, labDirectory } from './state.js';
import type { LabHost, LabHostName, LabSizes } from './state.js';

/** What is needed to make one host of a lab. */
export interface HostRequest {
  readonly lab: string;
  readonly name: LabHostName;
  readonly image: string;
  readonly network: string;
  readonly sizes: LabSizes;
  /** Port of the host that this one replaces; undefined takes a free one. */
  readonly port: number | undefined;
}

/** Name of the container of a host. */
export const containerName = (lab: string, host: LabHostName): string => `rehost-lab-${lab}-${host}`;

const roleOf = (name: LabHostName): 'source' | 'target' => (name === 'ppm-source' ? 'source' : 'target');
const pinsPath = (lab: string, name: LabHostName): string => join(labDirectory(lab), `identity-${name}.tar`);

// Recorded on cgroup v1 without CAP_SYS_RESOURCE: --privileged fails there, these are enough for systemd 252 and 257.
const CAPABILITIES = [
  ...['--cap-add=SYS_ADMIN', '--cap-add=NET_ADMIN'],
  ...['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'],
];

/**
 * Makes a host's container anew, boots it and waits until its seeder is done.
 *
 * The first boot in a lab makes host keys and machine id; they are kept, and every later container of the same host in
 * this lab starts with them, so that known_hosts stays valid.
 */
export async function createHost(request: HostRequest): Promise<LabHost> {
  const container = containerName(request.lab, request.name);
  const port = await startOnFreePort(request, container);
  const failed = await waitForBoot(container);
  const pins = pinsPath(request.lab, request.name);
  if (!existsSync(pins)) await keepIdentity(container, pins);
  const publicKey = await readKey(container);
  return {
    name: request.name,
    role: roleOf(request.name),
    container,
    image: request.image,
    port,
    publicKey,
    hostKey: fingerprintOf(publicKey),
    failedUnits: failed,
    machineId: await docker(['exec', container, 'cat', '/etc/machine-id']),
  };
}

async function startOnFreePort(request: HostRequest, container: string): Promise<number> {
  let port = request.port ?? (await freePort());
  for (let attempt = 1; ; attempt += 1) {
    await removeContainer(container);
    try {
      await createContainer(request, container, port);
      await docker(['start', container]);
      return port;
    } catch (error) {
      if (!isPortTaken(error) || attempt === 5) throw error;
      port = await freePort(); // somebody took it between the look and the start
    }
  }
}

const isPortTaken = (error: unknown): boolean =>
  error instanceof RehostFailure && /already allocated|address already in use/.test(error.detail ?? '');

/** Removes a container with its anonymous volumes; one that is not there is fine. */
export async function removeContainer(container: string): Promise<void> {
  const { status, stderr } = await runProgram('docker', ['rm', '-f', '-v', container]);
  if (status !== 0 && !/no such container/i.test(stderr)) await docker(['rm', '-f', '-v', container]);
}

async function createContainer(request: HostRequest, container: string, port: number): Promise<void> {
  await docker([
    ...['create', '--name', container, '--hostname', request.name, '--label', `rehost.lab=${request.lab}`],
    ...['--network', request.network, '--network-alias', request.name, '-p', `127.0.0.1:${port}:22`],
    ...(await privileges(request.image)),
    ...['--cgroupns=private', '--tmpfs', '/run', '--tmpfs', '/run/lock', '--tmpfs', '/tmp'],
    ...['--env', 'container=docker', '--stop-timeout', '5', request.image, '/lib/systemd/systemd'],
  ]);
  const settings = join(labDirectory(request.lab), `settings-${request.name}`);
  mkdirSync(settings, { recursive: true, mode: 0o755 });
  const publicKey = readFileSync(join(labDirectory(request.lab), 'id_ed25519.pub'), 'utf8');
  writeFileSync(join(settings, 'authorized_keys'), publicKey, { mode: 0o644 });
  const { packages, packageBytes } = request.sizes;
  const environment = `ROLE=${roleOf(request.name)}\nPACKAGES=${packages}\nPACKAGE_BYTES=${packageBytes}\n`;
  writeFileSync(join(settings, 'environment'), environment, { mode: 0o644 });
  await docker(['cp', `${settings}/.`, `${container}:/etc/rehost-lab`]);
  const pins = pinsPath(request.lab, request.name);
  if (existsSync(pins)) await docker(['cp', '-', `${container}:/`], { input: readFileSync(pins) });
}

let chosenPrivileges: Promise<readonly string[]> | undefined;

/** Flags that let systemd run as PID 1 on this engine: --privileged on cgroup v2 where that works, else capabilities. */
function privileges(image: string): Promise<readonly string[]> {
  chosenPrivileges ??= probePrivileges(image);
  return chosenPrivileges;
}

async function probePrivileges(image: string): Promise<readonly string[]> {
  const version = await docker(['info', '--format', '{{.CgroupVersion}}']);
  if (version !== '2') return CAPABILITIES;
  const probe = ['run', '--rm', '--privileged', '--cgroupns=private', '--network=none', image, 'true'];
  const { status } = await runProgram('docker', probe);
  return status === 0 ? ['--privileged'] : CAPABILITIES;
}

async function keepIdentity(container: string, path: string): Promise<void> {
  const command = 'cd / && tar -cf - etc/machine-id etc/ssh/ssh_host_*';
  const archive = await docker(['exec', container, 'sh', '-c', command], { encoding: 'latin1' });
  writeFileSync(path, Buffer.from(archive, 'latin1'), { mode: 0o600 });
}

async function readKey(container: string): Promise<string> {
  const text = await docker(['exec', container, 'cat', '/etc/ssh/ssh_host_ed25519_key.pub']);
  return text.split(' ').slice(0, 2).join(' ');
}

/** Units without which a lab host is of no use; a failed product is the business of whoever looks at the product. */
const OWN_UNITS = ['rehost-lab-first-boot.service', 'rehost-lab-seed.service', 'ssh.service'];

/**
 * Waits until systemd says that the boot is over (seeding included) and sshd listens; answers other units that failed.
 *
 * @throws CommandFailed when the container ended, one of the lab's own units failed, or after `limitMs` (default
 * 10 min: seeds may be large)
 */
export async function waitForBoot(container: string, limitMs = 600_000): Promise<readonly string[]> {
  const until = Date.now() + limitMs;
  let state = '';
  while (Date.now() < until) {
    const wait = ['exec', container, 'systemctl', 'is-system-running', '--wait'];
    const result = await runProgram('docker', wait, { timeoutMs: Math.max(1, until - Date.now()) });
    state = result.stdout.trim() || result.stderr.trim();
    const failed = state === 'degraded' ? await failedUnits(container) : [];
    if (state === 'running' || state === 'degraded') {
      if (failed.some((unit) => OWN_UNITS.includes(unit))) break;
      await waitForSshd(container, until);
      return failed;
    }
    if (/is not running|no such container/i.test(state)) break;
    await pause(100); // systemd does not listen yet
  }
  throw failure('CommandFailed', {
    message: `lab host ${container} did not boot: ${state}`,
    detail: await bootEvidence(container),
    hint: `Read "docker exec ${container} journalctl -b --no-pager"; "rehost lab reset" starts over.`,
  });
}

async function failedUnits(container: string): Promise<readonly string[]> {
  const list = ['exec', container, 'systemctl', '--failed', '--no-legend', '--plain'];
  const text = await docker(list);
  return text.split('\n').flatMap((line) => line.split(' ')[0] || []);
}

async function waitForSshd(container: string, until: number): Promise<void> {
  const listens = ['exec', container, 'sh', '-c', 'ss -Hltn "sport = :22" | grep -q .'];
  while ((await runProgram('docker', listens)).status !== 0) {
    if (Date.now() > until)
      throw failure('CommandFailed', {
        message: `sshd of ${container} does not listen`,
        hint: 'Run "rehost lab reset".',
      });
    await pause(100);
  }
}

async function bootEvidence(container: string): Promise<string> {
  const failed = [
    'exec',
    container,
    'sh',
    '-c',
    'systemctl --failed --no-legend --plain; journalctl -b -p warning -n 20 --no-pager',
  ];
  const { stdout, stderr } = await runProgram('docker', failed, { timeoutMs: 20_000 });
  if (stdout.trim() !== '') return stdout.trim();
  const logs = await runProgram('docker', ['logs', '--tail', '20', container], { timeoutMs: 20_000 });
  return `${stderr}\n${logs.stdout}\n${logs.stderr}`.trim();
}

/** A free port on loopback, below the range from which the kernel takes ports by itself. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await canListen(port)) return port;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
