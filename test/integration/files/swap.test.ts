import { landingOf } from '../../../src/contracts/files-landing.js';
import { actionRun, type ActionCall, type ActionRun } from './action-run.js';

const ROOT = '/srv/files-swap';
const MIGRATION = 'swap-test';

/** All of a tree but rehost's own and times of directories, from tools that share nothing with the code under test. */
const listing = (path: string): string =>
  `cd ${path} 2>/dev/null && find . -not -path './.rehost-*' -not -path './lost+found*' -printf '%y %m %u %g %p\\n' | sort && find . -type f -not -path './.rehost-*' -exec sha256sum {} + | sort`;

describe.each([
  { title: 'beside its parent', inside: false, data: `${ROOT}/data` },
  { title: 'inside a mount point', inside: true, data: `${ROOT}/mounted` },
])('the swap $title', ({ inside, data }) => {
  let run: ActionRun;
  let facts: Record<string, unknown>;
  const places = landingOf({ targetPath: data, inside }, MIGRATION);
  const call = (action: ActionCall['action'], input: Record<string, unknown> = {}): ActionCall => ({
    action,
    host: 'ppm-target',
    step: action.replace(/^files\.|@1$/g, '').toLowerCase(),
    input: { targetPath: data, inside, ...input },
  });
  const swap = (): ActionCall =>
    call('files.swap@1', { liveInode: facts['liveInode'], incomingInode: facts['incomingInode'] });

  beforeAll(async () => {
    run = await actionRun(MIGRATION);
    await run.sh(
      'ppm-target',
      `umount ${ROOT}/mounted 2>/dev/null || true; rm -rf ${ROOT} /var/lib/rehost/${MIGRATION}; mkdir -p ${data}
${inside ? `mount -t tmpfs none ${data}; mkdir ${data}/lost+found` : ''}
cd ${data}; mkdir launcher-here verify packages; echo state > launcher-here/state; echo licence > host.lic; echo staging > packages/x
chown -R games:games launcher-here; chmod 0640 host.lic; setfacl -m u:nobody:r host.lic; setfattr -n user.k -v 1 host.lic; chmod 0701 .
mkdir -m 0750 ${places.incoming}; cd ${places.incoming}; mkdir packages db; echo production > packages/y; : > db/x.db; chown -R nobody packages`,
    );
  }, 120_000);

  afterAll(async () => {
    await run.sh(
      'ppm-target',
      `umount ${ROOT}/mounted 2>/dev/null || true; rm -rf ${ROOT} /var/lib/rehost/${MIGRATION}`,
    );
    await run.close();
  });

  it('carries host-bound entries into incoming with everything that belongs to them', async () => {
    const carry = call('files.carry@1', { patterns: ['/*.lic', '/launcher-*', '/verify', '/nothing'] });
    expect(await run.act(carry)).toMatchObject({ values: { carried: 3 } });
    expect(await run.act(carry)).toMatchObject({ values: { carried: 3 } });
    const proof =
      'stat -c "%U:%G %a %y %n" *.lic launcher-* launcher-*/state; getfacl -p host.lic; getfattr -d host.lic';
    expect(await run.sh('ppm-target', `cd ${places.incoming}; ${proof}`)).toBe(
      await run.sh('ppm-target', `cd ${data}; ${proof}`),
    );
  }, 60_000);

  it('swaps, keeps the former content, and gives back the same trees', async () => {
    ({ values: facts } = await run.act(call('files.swapFacts@1')));
    expect(facts).toMatchObject({ targetPath: data, incomingPath: places.incoming, mountPoint: inside });
    const before = {
      live: await run.sh('ppm-target', listing(data)),
      incoming: await run.sh('ppm-target', listing(places.incoming)),
    };
    expect((await run.act(swap())).values).toMatchObject({ formerPath: places.former, restorePoint: true });
    expect((await run.sh('ppm-target', `cat ${data}/packages/y ${places.former}/packages/x`)).trim()).toBe(
      'production\nstaging',
    );
    expect(await run.sh('ppm-target', listing(data))).toBe(before.incoming);
    expect(await run.act(swap())).toMatchObject({ values: { restorePoint: true } });
    await run.undo(swap());
    expect(await run.sh('ppm-target', listing(data))).toBe(before.live);
    expect(await run.sh('ppm-target', `${listing(places.incoming)}; ls -A ${ROOT} ${data}`)).toContain(
      'incoming',
    );
    expect(await run.sh('ppm-target', `[ ! -e ${places.former} ] && echo gone`)).toBe('gone\n');
  }, 60_000);

  it('is refused when another directory stands there than was recorded', async () => {
    await run.sh('ppm-target', `mv ${places.incoming} ${places.incoming}.kept; mkdir ${places.incoming}`);
    await expect(run.act(swap())).rejects.toMatchObject({ type: 'SwapInconsistent' });
    await run.sh('ppm-target', `rmdir ${places.incoming}; mv ${places.incoming}.kept ${places.incoming}`);
  }, 60_000);

  it('refuses facts when incoming lies on another file system', async () => {
    await run.sh('ppm-target', `mount -t tmpfs none ${places.incoming}`);
    await expect(run.act(call('files.swapFacts@1'))).rejects.toMatchObject({ type: 'RenameCrossedDevices' });
    await run.sh('ppm-target', `umount ${places.incoming}`);
  }, 60_000);

  it('leaves nothing of the copy behind when it is discarded, and restore points stay', async () => {
    await run.act(swap());
    const trees = [{ tree: 'data', targetPath: data, inside }];
    await run.act({ ...call('files.discard@1'), input: { trees, keySteps: ['pull-key'] } });
    expect(await run.sh('ppm-target', `[ ! -e ${places.incoming} ] && cat ${places.former}/packages/x`)).toBe(
      'staging\n',
    );
  }, 60_000);
});

describe('room on file systems', () => {
  let run: ActionRun;
  beforeAll(async () => {
    run = await actionRun(MIGRATION);
    await run.sh(
      'ppm-target',
      `mkdir -p ${ROOT}/small; mount -t tmpfs -o size=1M,nr_inodes=50 none ${ROOT}/small`,
    );
  }, 60_000);
  afterAll(async () => {
    await run.sh('ppm-target', `umount ${ROOT}/small; rm -rf ${ROOT}`);
    await run.close();
  });
  const space = (checks: readonly unknown[]): ActionCall => ({
    action: 'files.space@1',
    host: 'ppm-target',
    step: 'space',
    input: { checks },
  });

  it('is enough for what fits, also where the directory is yet to be made', async () => {
    const checks = [{ path: `${ROOT}/small/not/yet`, bytes: 1000, inodes: 5, purpose: 'incoming' }];
    expect((await run.act(space(checks))).values['fileSystems']).toEqual([
      {
        mountedOn: `${ROOT}/small`,
        freeBytes: 1_048_576,
        wantedBytes: 1000,
        freeInodes: 49,
        wantedInodes: 5,
      },
    ]);
  });

  it('is summed up: two wants that fit alone do not fit together', async () => {
    const half = { path: `${ROOT}/small`, bytes: 700_000, inodes: 1 };
    const checks = [
      { ...half, purpose: 'incoming' },
      { ...half, purpose: 'dump' },
    ];
    await expect(run.act(space(checks))).rejects.toMatchObject({
      type: 'DiskFull',
      message: `${ROOT}/small on host ppm-target has 1048576 bytes free, wanted 1400000 (incoming, dump)`,
    });
  });

  it('counts inodes too', async () => {
    const checks = [{ path: `${ROOT}/small`, bytes: 0, inodes: 50, purpose: 'incoming' }];
    await expect(run.act(space(checks))).rejects.toMatchObject({
      type: 'DiskFull',
      message: expect.stringContaining('49 inodes free, wanted 50') as string,
    });
  });
});
