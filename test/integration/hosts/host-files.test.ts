import { labExec, type Lab } from '../../../lab/lab.js';
import type { RehostFailure } from '../../../src/failures.js';
import { fenceDropInPath, unfenceLines } from '../../../src/contracts/service-shell.js';
import { CLAIM_PATH, ledgerPath, undoPath } from '../../../src/contracts/paths.js';
import {
  addLeftOver,
  assertFence,
  checkRoot,
  claimHost,
  fenceState,
  listLeftOvers,
  raiseFence,
  readClaim,
  readIdentity,
  readServiceState,
  readUndoFile,
  recordUndo,
  refuseForeignClaim,
  releaseClaim,
  removeLeftOver,
  removeUndo,
  startUnit,
  stopUnit,
  type Host,
  type Hosts,
} from '../../../src/hosts/index.js';
import { cleanUp, connect, failureOf, newMigration, unitOf, until, up } from './lab-hosts.js';

jest.setTimeout(120_000);

let lab: Lab;
let hosts: Hosts;
let target: Host;
beforeAll(async () => {
  lab = await up();
  hosts = connect(lab);
  target = hosts.get('ppm-target');
});
afterAll(async () => {
  await hosts.close();
  await cleanUp();
});

const shellOf = (script: string): Promise<{ status: number; stdout: string; stderr: string }> =>
  labExec('ppm-target', ['sh', '-c', script]);

describe('the claim', () => {
  const claim = (migration: string) => ({
    migration,
    workflowId: 'package-manager-server/ppm-target',
    requester: 'alice',
    since: '2026-01-01T00:00:00.000Z',
  });
  beforeEach(() => shellOf(`rm -f ${CLAIM_PATH}`));
  afterAll(() => shellOf(`rm -f ${CLAIM_PATH}`));

  it('is given to exactly one of ten migrations that try at once', async () => {
    const tries = Array.from({ length: 10 }, (_, index) =>
      claimHost(target, claim(`race-${index}`)).catch((error: unknown) => (error as RehostFailure).type),
    );
    const answers = await Promise.all(tries);
    expect(answers.filter((answer) => answer === 'claimed')).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'ClaimForeign')).toHaveLength(9);
  });

  it('is refused to a foreign migration in words that name its holder, and stays with the same one', async () => {
    await claimHost(target, claim('m-1'));
    expect(await claimHost(target, { ...claim('m-1'), since: 'later' })).toBe('already-ours');
    const refused = await failureOf(claimHost(target, claim('m-2')));
    expect(`${refused.message} ${refused.detail}`).toMatch(
      /m-1.*package-manager-server\/ppm-target.*alice.*2026-01-01/s,
    );
    expect(await failureOf(refuseForeignClaim(target, 'm-2'))).toMatchObject({ type: 'ClaimForeign' });
    expect(await readClaim(target)).toEqual(claim('m-1'));
  });

  it('is released by its holder only', async () => {
    await claimHost(target, claim('m-1'));
    expect(await releaseClaim(target, 'm-2')).toBe(false);
    expect(await releaseClaim(target, 'm-1')).toBe(true);
    expect(await releaseClaim(target, 'm-1')).toBe(false);
    await refuseForeignClaim(target, 'm-2');
    expect((await shellOf('ls -A /var/lib/rehost | grep claim')).stdout).toBe('');
  });
});

describe('the ledger', () => {
  it('holds each left-over once, across parallel writers, until it is removed', async () => {
    const migration = newMigration();
    const entry = (id: string) => ({
      id,
      kind: 'tree',
      what: `/srv/${id}'s "tree"`,
      step: 'copy',
      remove: [`rm -rf /srv/${id}`],
    });
    await Promise.all(['a', 'ab', 'b', 'a'].map((id) => addLeftOver(target, migration, entry(id))));
    const found = await listLeftOvers(target, migration);
    expect(found.map(({ id }) => id).sort()).toEqual(['a', 'ab', 'b']);
    expect(found.find(({ id }) => id === 'ab')).toEqual({ ...entry('ab'), migration });
    await removeLeftOver(target, migration, 'a');
    await removeLeftOver(target, migration, 'a');
    const left = (await listLeftOvers(target)).filter((each) => each.migration === migration);
    expect(left.map(({ id }) => id).sort()).toEqual(['ab', 'b']);
    expect((await shellOf(`stat -c %a ${ledgerPath(migration)}`)).stdout.trim()).toBe('600');
  });
});

describe('UNDO.md', () => {
  const codeBlocks = (text: string): string =>
    [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].map((match) => match[1]).join('');
  const fragment = (
    sequence: number,
    order: 'isolate-target' | 'restore-service' | 'clean-up',
    line: string,
  ) => ({
    sequence,
    step: `step-${sequence}`,
    title: `Title ${sequence}`,
    order,
    shell: [line],
    otherHosts: ['ppm-source'],
  });

  it('gives its blocks in the order of a rollback, newest first, to a plain sh', async () => {
    const migration = newMigration();
    const log = `/root/${migration}`;
    await Promise.all([
      recordUndo(target, migration, fragment(3, 'clean-up', `echo three >>${log}`)),
      recordUndo(target, migration, fragment(12, 'clean-up', `echo 'twelve $HOME "' >>${log}`)),
      recordUndo(target, migration, fragment(7, 'restore-service', `echo seven >>${log}`)),
      recordUndo(target, migration, fragment(9, 'isolate-target', `echo nine >>${log}`)),
    ]);
    const text = (await readUndoFile(target, migration)) ?? '';
    expect(text).toContain(`migration ${migration} on host ppm-target`);
    expect(text).toContain('- ppm-source');
    const run = await labExec('ppm-target', ['sh', '-eu'], { input: codeBlocks(text) });
    expect(run.stderr).toBe('');
    expect((await shellOf(`cat ${log}; rm ${log}`)).stdout).toBe('nine\nseven\ntwelve $HOME "\nthree\n');
  });

  it('replaces the block of a step that is recorded again and says so when nothing is left', async () => {
    const migration = newMigration();
    await recordUndo(target, migration, fragment(1, 'clean-up', 'echo former'));
    await recordUndo(target, migration, fragment(1, 'clean-up', 'echo latter'));
    const text = (await readUndoFile(target, migration)) ?? '';
    expect(codeBlocks(text)).toBe('echo latter\n');
    await removeUndo(target, migration, { sequence: 1, step: 'step-1', order: 'restore-service' });
    expect(codeBlocks((await readUndoFile(target, migration)) ?? '')).toBe('echo latter\n');
    await removeUndo(target, migration, { sequence: 1, step: 'step-1', order: 'clean-up' });
    await removeUndo(target, migration, { sequence: 1, step: 'step-1', order: 'clean-up' });
    expect(await readUndoFile(target, migration)).toContain('Nothing is left to undo on this host.');
    expect((await shellOf(`stat -c %a ${undoPath(migration)}`)).stdout.trim()).toBe('600');
  });

  it('is not made by taking out an undo that never stood there', async () => {
    const migration = newMigration();
    await removeUndo(target, migration, { sequence: 1, step: 'step-1', order: 'clean-up' });
    expect(await readUndoFile(target, migration)).toBeUndefined();
    expect((await shellOf(`ls -d /var/lib/rehost/${migration}`)).status).not.toBe(0);
  });
});

describe('identity', () => {
  it('tells machine, boot, system and clock of a host', async () => {
    const identity = await readIdentity(target);
    expect(identity.machineId).toBe(lab.hosts['ppm-target'].machineId);
    expect(identity.hostKey).toBe(lab.hosts['ppm-target'].hostKey);
    expect(identity.os).toMatchObject({ id: 'debian', versionId: '13' });
    expect(identity.boot.bootId).toMatch(/^[0-9a-f-]{36}$/);
    expect(identity.boot.startTicks).toMatch(/^\d+$/);
    expect(Math.abs(identity.clockOffsetMs)).toBeLessThan(5_000);
    expect(await readIdentity(hosts.get('ppm-source'))).not.toMatchObject({ boot: identity.boot });
    expect(await checkRoot(target)).toBeUndefined();
  });
});

describe('the fence', () => {
  const unit = 'rehost-test-product.service';
  const data = '/srv/rehost test [data]';
  const migration = newMigration();
  const fenced = { unit, migration };
  const options = { dataDirectories: [data] };
  const product = '/opt/rehost-test-product';

  beforeAll(async () => {
    const file = [
      '[Service]',
      `ExecStart=${product} --serve`,
      '[Install]',
      'WantedBy=multi-user.target',
    ].join('\n');
    // A copy of sleep under a name of its own: an executable that is no interpreter.
    await shellOf(
      `mkdir -p '${data}'; cp /usr/bin/tail ${product}; printf '%s\\n' '${file}' | sed 's/--serve/-f \\/dev\\/null/' >/etc/systemd/system/${unit}; systemctl daemon-reload; systemctl enable --now ${unit}`,
    );
  });
  afterAll(() =>
    shellOf(
      `rm -rf /etc/systemd/system/${unit}.d; systemctl daemon-reload; systemctl disable --now ${unit}; rm -rf '${data}' ${product} /etc/systemd/system/${unit}; systemctl daemon-reload`,
    ),
  );

  it('stops and disables the service so that starting it fails loudly, also after a repeat', async () => {
    expect(await readServiceState(target, unit)).toMatchObject({
      active: true,
      enabled: true,
      fenced: false,
      executables: [product],
    });
    await raiseFence(target, fenced);
    const mark = await raiseFence(target, fenced);
    expect(mark.executables).toEqual([product]);
    expect(await readServiceState(target, unit)).toMatchObject({
      active: false,
      enabled: false,
      fenced: true,
    });
    const start = await shellOf(`systemctl start ${unit}`);
    expect(start.status).not.toBe(0);
    expect(start.stderr).toContain('Assertion failed');
    expect(await fenceState(target, mark, options)).toEqual({ kind: 'held' });
  });

  it('is broken by a binary started by hand, which is named with pid and command', async () => {
    const mark = await raiseFence(target, fenced);
    await shellOf(`setsid ${product} -f /dev/null >/dev/null 2>&1 &`);
    const state = await fenceState(target, mark, options);
    await shellOf(`fuser -k ${product}`);
    expect(state).toMatchObject({ kind: 'broken' });
    expect(JSON.stringify(state)).toMatch(/process \d+ runs the service: \/opt\/rehost-test-product -f/);
    await assertFence(target, mark, options);
  });

  it('is broken by a file open for writing below the data directory, not by one open for reading', async () => {
    const mark = await raiseFence(target, fenced);
    await shellOf(`echo x >'${data}/file'; setsid sleep 4731 <'${data}/file' >/dev/null 2>&1 &`);
    expect(await fenceState(target, mark, options)).toEqual({ kind: 'held' });
    await shellOf(`setsid sleep 4732 >>'${data}/file' 2>&1 </dev/null &`);
    const broken = await failureOf(assertFence(target, mark, options));
    await shellOf('pkill -f "sleep 473[12]"');
    expect(broken.type).toBe('FenceBroken');
    expect(broken.detail).toMatch(
      /process \d+ has a file open for writing: \/srv\/rehost test \[data\]\/file by sleep 4732/,
    );
  });

  it('is not broken by a unit of rehost that writes below the data directory', async () => {
    const mark = await raiseFence(target, fenced);
    const spec = unitOf(migration, `exec sleep 4741 >>'${data}/file'`);
    await startUnit(target, spec);
    await until('the unit runs', async () => (await shellOf('pgrep -f "sleep 474[1]"')).status === 0);
    expect(await fenceState(target, mark, options)).toEqual({ kind: 'held' });
    await stopUnit(target, spec);
  });

  it('is broken by a start behind it, also when the service was stopped and the drop-in put back', async () => {
    const mark = await raiseFence(target, fenced);
    const path = fenceDropInPath(unit);
    await shellOf(`mv ${path} /root/drop-in; systemctl daemon-reload; systemctl start ${unit}`);
    const open = await fenceState(target, mark, options);
    expect(JSON.stringify(open)).toMatch(/drop-in .* is gone.*is active.*was started since/);
    await shellOf(`systemctl stop ${unit}; mv /root/drop-in ${path}`);
    expect(await fenceState(target, mark, options)).toMatchObject({ kind: 'broken' });
  });

  it('gives the former state back by its undo lines, run twice by sh', async () => {
    await raiseFence(target, fenced);
    const lines = unfenceLines({ ...fenced, enabled: true, active: true }).join('\n');
    for (let run = 1; run <= 2; run += 1)
      expect((await labExec('ppm-target', ['sh', '-eu'], { input: lines })).status).toBe(0);
    expect(await readServiceState(target, unit)).toMatchObject({
      active: true,
      enabled: true,
      fenced: false,
    });
    expect((await shellOf(`ls -d /etc/systemd/system/${unit}.d`)).status).not.toBe(0);
  });
});

describe('files', () => {
  it('arrive byte for byte with owner kept and mode set, and a repeat changes nothing', async () => {
    const path = `/root/${newMigration()} 'odd'`;
    const content = `quotes ' " $HOME \`id\` \\ \n\ttab é 漢\n`;
    expect(await target.writeFile(path, content, { mode: '0640' })).toBe(true);
    expect(await target.writeFile(path, content, { mode: '0640' })).toBe(false);
    expect(await target.readFile(path)).toBe(content);
    await labExec('ppm-target', ['chown', 'rehost:rehost', path]);
    expect(await target.writeFile(path, 'other', { mode: '0600' })).toBe(true);
    expect((await labExec('ppm-target', ['stat', '-c', '%U:%G %a', path])).stdout.trim()).toBe(
      'rehost:rehost 600',
    );
    expect(await target.readFile('/root/none')).toBeUndefined();
    await labExec('ppm-target', ['rm', path]);
  });

  it('keep the former content when the file system is full', async () => {
    await shellOf('mkdir -p /mnt/full; mount -t tmpfs -o size=64k tmpfs /mnt/full');
    await target.writeFile('/mnt/full/file', 'former', { mode: '0600' });
    const failed = await failureOf(target.writeFile('/mnt/full/file', 'x'.repeat(200_000), { mode: '0600' }));
    expect(failed.type).toBe('DiskFull');
    expect(failed.detail).toContain('No space left on device');
    expect(await target.readFile('/mnt/full/file')).toBe('former');
    expect((await shellOf('ls -A /mnt/full; umount /mnt/full; rmdir /mnt/full')).stdout.trim()).toBe('file');
  });
});
