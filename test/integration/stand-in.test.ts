/* The stand-in for Package Manager, healthy and without rehost: what an operator and real clients see. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause, runProgram } from '../../lab/engine.js';
import { LAB_HOST_NAMES, labExec, labSsh } from '../../lab/lab.js';
import type { LabHostName } from '../../lab/lab.js';
import { pythonWithPip } from '../../lab/toolchain.js';
import { DATA, bringUp, get, on, restorePristine, takeDown } from './stand-in-host.js';

beforeAll(bringUp, 900_000);
afterAll(takeDown, 60_000);

describe('the stand-in in use', () => {
  const host = 'ppm-source';
  beforeEach(() => on(host, `${restorePristine}systemctl start rstudio-pm`), 60_000);

  it('serves wheels from upstream and from its own store to the real pip', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stand-in-pip-'));
    const tunnel = await openTunnel(host);
    try {
      const download = (repo: string, wanted: string): ReturnType<typeof runProgram> =>
        runProgram(pythonWithPip(), [
          ...[
            '-m',
            'pip',
            'download',
            '-q',
            '--no-deps',
            '--isolated',
            '--disable-pip-version-check',
            '-d',
            folder,
          ],
          ...['--no-cache-dir', '--index-url', `http://127.0.0.1:${tunnel.port}/${repo}/simple`, wanted],
        ]);
      for (const [repo, wanted] of PIP) expect(await download(repo, wanted)).toMatchObject({ status: 0 });
      expect((await download('pypi/latest', 'labpypi-999')).status).not.toBe(0);
      expect(readdirSync(folder).sort()).toEqual([
        'house_py_006-1.2.0-py3-none-any.whl',
        'labpypi_001-1.2.0-py3-none-any.whl',
        'labpypi_002-1.0.0-py3-none-any.whl',
      ]);
    } finally {
      tunnel.close();
      rmSync(folder, { recursive: true });
    }
  }, 120_000);

  it('withholds what a rule blocks', async () => {
    expect((await get(host, '/cran/latest/src/contrib/PACKAGES')).body).not.toContain('labcran013');
    expect((await get(host, '/pypi/latest/simple/labpypi-003/')).body).not.toContain('1.0.0');
    expect((await get(host, '/pypi/latest/simple/labpypi-003/')).body).toContain('1.2.0');
  }, 60_000);

  it('evicts by type, and clears nothing while the upstream does not answer', async () => {
    const files = `find ${DATA}/cache -type f | wc -l`;
    const kept = `find ${DATA} -path ${DATA}/cache -prune -o -type f -print | sort | sha256sum`;
    const keptBefore = await on(host, kept);
    for (const type of ['normal', 'sweep', 'packages']) {
      const before = Number(await on(host, files));
      expect(await on(host, `/opt/rstudio-pm/bin/rspm evict --type=${type}`)).toMatch(/freed [1-9]\d* bytes/);
      expect(Number(await on(host, files))).toBeLessThan(before);
    }
    await on(host, 'systemctl stop rehost-lab-upstream');
    const left = await on(host, files);
    const refused = await labExec(host, ['/opt/rstudio-pm/bin/rspm', 'evict', '--type=clear']);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/upstream .* cannot be reached/);
    expect(await on(host, files)).toBe(left);
    await on(
      host,
      'systemctl start rehost-lab-upstream; sleep 0.5; /opt/rstudio-pm/bin/rspm evict --type=clear',
    );
    expect(await on(host, files)).toBe('0');
    expect(await on(host, kept)).toBe(keptBefore);
  }, 60_000);

  it('answers 503 while offline and again afterwards', async () => {
    await on(host, '/opt/rstudio-pm/bin/rspm offline');
    expect((await get(host, '/__ping__')).status).toBe('503');
    await on(host, '/opt/rstudio-pm/bin/rspm online');
    expect((await get(host, '/__ping__')).status).toBe('200');
  }, 60_000);

  it('lets only root and the group of the service administer it', async () => {
    const stranger = await labExec(host, [
      'setpriv',
      '--reuid=nobody',
      '--regid=nogroup',
      '--clear-groups',
      '/opt/rstudio-pm/bin/rspm',
      'offline',
    ]);
    expect(stranger.status).toBe(1);
    const group = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--groups=rstudio-pm'] as const;
    expect(await labExec(host, [...group, '/opt/rstudio-pm/bin/rspm', 'list', 'repos'])).toMatchObject({
      status: 0,
    });
  }, 60_000);

  it('checks its configuration without creating anything', async () => {
    const rspm = '/opt/rstudio-pm/bin/rspm -o json check-config';
    const tree = `find ${DATA} /etc/rstudio-pm /run/rstudio-pm | sort | sha256sum`;
    await on(host, 'systemctl stop rstudio-pm');
    const before = await on(host, tree);
    expect(await on(host, rspm)).not.toContain('"ok": false');
    await on(host, "sed -i 's,/opt/R/4.4.1,/opt/R/4.0.0,' /etc/rstudio-pm/rstudio-pm.gcfg");
    const failed = await labExec(host, ['sh', '-c', rspm]);
    expect(failed).toMatchObject({ status: 1 });
    expect(failed.stdout).toContain('Server.RVersion = /opt/R/4.0.0');
    expect(await on(host, tree)).toBe(before);
  }, 60_000);

  it('has another number for its account on the target', async () => {
    const ids = await Promise.all(
      LAB_HOST_NAMES.map((name) => on(name, 'id -u rstudio-pm; id -g rstudio-pm')),
    );
    expect(ids[0]).not.toBe(ids[1]);
  }, 60_000);
});

const PIP = [
  ['pypi/latest', 'labpypi-001'],
  ['pypi/2026-04-01', 'labpypi-002==1.0.0'],
  ['in-house-python/latest', 'house-py-006'],
] as const;

/** A port on this machine's loopback that leads to the product on a host, through SSH. */
async function openTunnel(host: LabHostName): Promise<{ readonly port: number; close(): void }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const [program, ...args] = labSsh(host, ['-N', '-L', `127.0.0.1:${port}:127.0.0.1:4242`]);
  const child = spawn(program, args, { stdio: 'ignore' });
  for (let attempt = 0; attempt < 100 && !(await answersAt(port)); attempt += 1) await pause(100);
  return { port, close: () => void child.kill() };
}

function answersAt(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
  });
}
