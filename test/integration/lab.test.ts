import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { runProgram } from '../../lab/engine.js';
import type { ProgramResult } from '../../lab/engine.js';
import {
  LAB_HOST_NAMES,
  labDown,
  labExec,
  labExecuted,
  labKill,
  labPause,
  labReset,
  labSsh,
  labStart,
  labStatus,
  labUnpause,
  labUp,
} from '../../lab/lab.js';
import type { Lab, LabHostName } from '../../lab/lab.js';

const NAME = `lab-test-${process.pid}`;
const former = process.env['REHOST_LAB'];
let lab: Lab;
jest.setTimeout(120_000);

beforeAll(async () => {
  process.env['REHOST_LAB'] = NAME;
  lab = await labUp();
}, 900_000);

afterAll(async () => {
  await labDown({ name: NAME });
  if (former === undefined) delete process.env['REHOST_LAB'];
  else process.env['REHOST_LAB'] = former;
}, 60_000);

function ssh(host: LabHostName, command: string): Promise<ProgramResult> {
  const [program, ...args] = labSsh(host, [command]);
  return runProgram(program, ['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes', ...args]);
}

async function output(host: LabHostName, ...argv: [string, ...string[]]): Promise<string> {
  const { status, stdout, stderr } = await labExec(host, argv);
  expect({ argv, status, stderr }).toEqual({ argv, status: 0, stderr: '' });
  return stdout.trim();
}

const containerIds = async (): Promise<string> =>
  (await runProgram('docker', ['ps', '-q', '--no-trunc', '--filter', `label=rehost.lab=${NAME}`])).stdout;

describe('a lab that is up', () => {
  it.each([
    ['ppm-source', '12'],
    ['ppm-target', '13'],
  ] as const)('boots %s on Debian %s with systemd as PID 1 and no failed unit', async (host, version) => {
    expect(await output(host, 'cat', '/proc/1/comm')).toBe('systemd');
    expect(await output(host, 'systemctl', 'is-system-running')).toBe('running');
    expect(await output(host, 'sh', '-c', '. /etc/os-release; echo $VERSION_ID')).toBe(version);
    expect(lab.hosts[host].failedUnits).toEqual([]);
  });

  it.each(LAB_HOST_NAMES)(
    'lets the account log in to %s with the key, check the host key and become root',
    async (host) => {
      const { status, stdout, stderr } = await ssh(host, 'id -un; sudo -n id -un');
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'rehost\nroot\n', stderr: '' });
    },
  );

  it('writes an inventory with the fingerprint that each host shows and a peer address that the other host finds', async () => {
    const inventory = parse(readFileSync(lab.inventory, 'utf8')) as {
      hosts: Record<string, { address: string; hostKey: string; peerAddress: string; peerPort: number }>;
    };
    expect(Object.keys(inventory.hosts)).toEqual([...LAB_HOST_NAMES]);
    for (const host of LAB_HOST_NAMES) {
      const shown = await output(host, 'ssh-keygen', '-lf', '/etc/ssh/ssh_host_ed25519_key.pub');
      expect(shown.split(' ')[1]).toBe(inventory.hosts[host]?.hostKey);
    }
    const { peerAddress = '', peerPort = 0 } = inventory.hosts['ppm-source'] ?? {};
    const scan = ['ssh-keyscan', '-t', 'ed25519', '-p', String(peerPort), peerAddress] as const;
    expect((await labExec('ppm-target', scan)).stdout).toContain(lab.hosts['ppm-source'].publicKey);
  });

  it('gives each host an identity of its own', () => {
    const [source, target] = LAB_HOST_NAMES.map((name) => lab.hosts[name]);
    expect(source?.machineId).toMatch(/^[0-9a-f]{32}$/);
    expect(source?.machineId).not.toBe(target?.machineId);
    expect(source?.hostKey).not.toBe(target?.hostKey);
  });

  it('stays as it is when it is brought up again', async () => {
    const before = await containerIds();
    expect(await labUp()).toEqual(lab);
    expect(await containerIds()).toBe(before);
  });

  it.each(LAB_HOST_NAMES)(
    'renames a directory that the first boot made on %s without copying it',
    async (host) => {
      await output(host, 'sh', '-c', 'mkdir -p /srv/rename-test/live && echo x > /srv/rename-test/live/file');
      const before = await output(host, 'stat', '-c', '%i', '/srv/rename-test/live');
      await output(host, 'mv', '-T', '/srv/rename-test/live', '/srv/rename-test/former');
      expect(await output(host, 'stat', '-c', '%i', '/srv/rename-test/former')).toBe(before);
    },
  );
});

describe('the record of executed commands', () => {
  it.each(LAB_HOST_NAMES)(
    'holds what root, the account, a unit and an unprivileged user executed on %s',
    async (host) => {
      await ssh(host, 'sudo -n /bin/echo as-root; /bin/echo as-account');
      await output(host, 'systemd-run', '--wait', '-q', '/bin/echo', 'first-of-a-unit');
      await output(host, 'systemd-run', '--wait', '-q', '-p', 'User=nobody', '/bin/echo', 'as-nobody');
      const lines = await labExecuted(host);
      const userOf = (argument: string): string | undefined =>
        /uid=(\d+)/.exec(lines.find((line) => line.endsWith(`-- /bin/echo ${argument}`)) ?? '')?.[1];
      const account = await output(host, 'id', '-u', 'rehost');
      expect(['as-root', 'as-account', 'first-of-a-unit', 'as-nobody'].map(userOf)).toEqual([
        '0',
        account,
        '0',
        '65534',
      ]);
    },
  );

  it('keeps a script of several lines in one record', async () => {
    await output('ppm-target', 'systemd-run', '--wait', '-q', 'sh', '-c', 'true one\ntrue two');
    expect((await labExecuted('ppm-target')).some((line) => line.endsWith('sh -c true one\ntrue two'))).toBe(
      true,
    );
  });
});

describe('faults from outside', () => {
  it('boots a host again after its power was cut, with its files, identity, port and records', async () => {
    await ssh('ppm-source', 'sudo -n sh -c "/bin/echo kept > /srv/kept"');
    const bootedAt = await output('ppm-source', 'cut', '-d', ' ', '-f', '22', '/proc/1/stat');
    await labKill('ppm-source');
    expect((await labStatus()).hosts.map(({ state }) => state)).toEqual(['exited', 'running']);
    await labStart('ppm-source');
    expect(await output('ppm-source', 'cat', '/srv/kept')).toBe('kept');
    expect(await output('ppm-source', 'cut', '-d', ' ', '-f', '22', '/proc/1/stat')).not.toBe(bootedAt);
    expect((await ssh('ppm-source', 'hostname')).stdout).toBe('ppm-source\n');
    expect((await labExecuted('ppm-source')).some((line) => line.endsWith('-- /bin/echo kept'))).toBe(true);
  });

  it('answers nothing while a host is paused, and goes on after that', async () => {
    await labPause('ppm-target');
    expect((await labStatus()).hosts[1]?.state).toBe('paused');
    const [program, ...args] = labSsh('ppm-target', ['true']);
    expect((await runProgram(program, args, { timeoutMs: 1000 })).status).toBe(124);
    await labUnpause('ppm-target');
    expect((await ssh('ppm-target', 'true')).status).toBe(0);
  });
});

describe('labReset', () => {
  it('puts both hosts back within seconds and keeps ports, host keys and machine ids', async () => {
    for (const host of LAB_HOST_NAMES) await ssh(host, 'sudo -n touch /srv/planted');
    const plantings = async (host: LabHostName): Promise<number> =>
      (await labExecuted(host)).filter((line) => line.endsWith('-- touch /srv/planted')).length;
    expect(await plantings('ppm-source')).toBe(1);
    const startedAt = Date.now();
    expect(await labReset()).toEqual(lab);
    expect(Date.now() - startedAt).toBeLessThan(60_000);
    for (const host of LAB_HOST_NAMES) {
      expect((await labExec(host, ['test', '-e', '/srv/planted'])).status).toBe(1);
      expect(await output(host, 'cat', '/etc/machine-id')).toBe(lab.hosts[host].machineId);
      expect((await ssh(host, 'true')).status).toBe(0); // strict: the former known_hosts must still fit
      expect(await plantings(host)).toBe(0);
    }
  });

  it('seeds data of the sizes that are asked for', async () => {
    await labReset({ packages: 7, packageBytes: 4096 });
    expect(await output('ppm-source', 'cat', '/etc/rehost-lab/environment')).toBe(
      'ROLE=source\nPACKAGES=7\nPACKAGE_BYTES=4096',
    );
  });

  it('refuses a size that is no whole number, before anything is touched', async () => {
    const before = await containerIds();
    await expect(labReset({ packages: 0.5 })).rejects.toMatchObject({ type: 'UsageInvalid' });
    expect(await containerIds()).toBe(before);
  });
});

describe('several labs', () => {
  it('live side by side, and taking one down leaves the other', async () => {
    const other = await labUp({ name: `${NAME}-b` });
    try {
      const ports = [lab, other].flatMap((each) => LAB_HOST_NAMES.map((host) => each.hosts[host].port));
      expect(new Set(ports).size).toBe(4);
    } finally {
      await labDown({ name: `${NAME}-b` });
    }
    expect((await labStatus({ name: `${NAME}-b` })).lab).toBeUndefined();
    expect((await labStatus()).hosts.map(({ state }) => state)).toEqual(['running', 'running']);
  });

  it('refuses a name that could not be part of a container name', async () => {
    await expect(labUp({ name: 'Not/a lab' })).rejects.toMatchObject({ type: 'UsageInvalid' });
  });
});
