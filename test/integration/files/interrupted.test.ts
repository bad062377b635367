import { landingOf } from '../../../src/contracts/files-landing.js';
import { actionRun, type ActionCall, type ActionRun } from './action-run.js';

const ROOT = '/srv/files-interrupted';
const DATA = `${ROOT}/data`;
const MIGRATION = 'interrupted-test';

describe('a copy whose link breaks', () => {
  let run: ActionRun;
  const { incoming } = landingOf({ targetPath: DATA }, MIGRATION);
  const copy = (
    generation: number,
    limitBytesPerSecond?: number,
    pass: 'warm' | 'final' = 'final',
  ): ActionCall => ({
    action: 'files.copy@1',
    host: 'ppm-target',
    step: 'copy',
    generation,
    input: {
      tree: 'data',
      owners: 'name',
      excludes: [],
      source: 'ppm-source',
      sourcePath: DATA,
      targetPath: DATA,
      pass,
      keyStep: 'pull-key',
      ...(limitBytesPerSecond === undefined ? {} : { limitBytesPerSecond }),
    },
  });
  const sumOf = (host: 'ppm-source' | 'ppm-target', path: string) => run.sh(host, `sha256sum < ${path}`);

  beforeAll(async () => {
    run = await actionRun(MIGRATION);
    for (const host of ['ppm-source', 'ppm-target'] as const) {
      await run.sh(host, `rm -rf ${ROOT} /var/lib/rehost/${MIGRATION}; mkdir -p ${ROOT}`);
    }
    await run.sh(
      'ppm-source',
      `mkdir ${DATA}; head -c 24000000 /dev/urandom > ${DATA}/big; echo small > ${DATA}/small`,
    );
    const { values } = await run.act({
      action: 'files.pullKey@1',
      host: 'ppm-target',
      step: 'pull-key',
      input: {},
    });
    await run.act({
      action: 'files.authorize@1',
      host: 'ppm-source',
      step: 'authorize',
      input: {
        tree: 'data',
        path: DATA,
        publicKey: values['publicKey'],
        target: 'ppm-target',
        keyStep: 'pull-key',
      },
    });
  }, 120_000);

  afterAll(async () => {
    for (const host of ['ppm-source', 'ppm-target'] as const)
      await run.sh(host, `rm -rf ${ROOT} /var/lib/rehost/${MIGRATION}`);
    await run.sh('ppm-source', `sed -i '/ rehost:${MIGRATION}:/d' ~rehost/.ssh/authorized_keys`);
    await run.close();
  });

  const half = async (): Promise<void> => {
    for (;;) {
      const size = await run.sh('ppm-target', `find ${ROOT}/.rehost-* -type f -size +8M 2>/dev/null | wc -l`);
      if (Number(size) > 0) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };

  it('goes on in the same unit, and sends only what is missing', async () => {
    const copying = run.act(copy(1, 4_000_000));
    await half();
    // The source's end is gone, as when its host goes down: the receiver ends in order and keeps what it has.
    await run.sh('ppm-source', 'kill $(pgrep -f "^rsync --server --sender")');
    const { values } = await copying;
    expect(values['attempts']).toBe(2);
    expect(values['bytesSent']).toBeLessThan(20_000_000);
    expect(await sumOf('ppm-target', `${incoming}/big`)).toBe(await sumOf('ppm-source', `${DATA}/big`));
    const shown = run.beats.filter(({ bytesDone, etaMs }) => bytesDone > 1_000_000 && etaMs !== undefined);
    expect(shown.length).toBeGreaterThan(0);
    for (const { bytesTotal } of shown)
      expect(Math.abs((bytesTotal ?? 0) - 24_000_006)).toBeLessThan(6_000_000);
    const journal = await run.sh('ppm-target', `grep -c 'copy-g1' /var/lib/rehost/${MIGRATION}/journal`);
    expect(journal.trim()).toBe('1');
    expect(await run.sh('ppm-target', `find ${incoming} -name .rsync-partial`)).toBe('');
  }, 180_000);

  it('is attached to by a second attempt while the first still watches', async () => {
    await run.sh('ppm-source', `head -c 12000000 /dev/urandom > ${DATA}/second`);
    const both = await Promise.all([run.act(copy(2, 4_000_000)), run.act(copy(2, 4_000_000))]);
    expect(both[0].values).toEqual(both[1].values);
    expect(
      (await run.sh('ppm-target', `grep -c 'copy-g2' /var/lib/rehost/${MIGRATION}/journal`)).trim(),
    ).toBe('1');
  }, 180_000);

  it('stops its unit on a cancel, and its undo removes what landed', async () => {
    await run.sh('ppm-source', `head -c 24000000 /dev/urandom > ${DATA}/third`);
    const cancel = new AbortController();
    const copying = run.act(copy(3, 2_000_000), cancel.signal).catch((error: unknown) => error);
    await half();
    cancel.abort(new Error('cancelled by the test'));
    expect(await copying).toHaveProperty('message', 'cancelled by the test');
    expect(await run.sh('ppm-target', 'pgrep -f "^rsync --archive" || true')).toBe('');
    await run.undo(copy(3));
    expect(await run.sh('ppm-target', `ls -A ${ROOT}`)).toBe('');
  }, 180_000);

  it('is undone while it still runs, as by a person with UNDO.md', async () => {
    const copying = run.act(copy(4, 2_000_000)).catch((error: unknown) => error);
    await half();
    await run.undo(copy(4));
    await copying;
    expect(await run.sh('ppm-target', `ls -A ${ROOT}`)).toBe('');
    expect(await run.sh('ppm-target', 'pgrep -f "^rsync --archive" || true')).toBe('');
  }, 180_000);

  it('says that the disk is full, and goes on when there is room again', async () => {
    await run.sh('ppm-target', `mount -t tmpfs -o size=8M none ${ROOT}`);
    const refused = await run.act(copy(5)).catch((error: unknown) => error);
    expect(refused).toMatchObject({ type: 'DiskFull', message: expect.stringContaining(incoming) as string });
    await run.sh('ppm-target', `mount -o remount,size=200M ${ROOT}`);
    await run.act(copy(6));
    expect(await sumOf('ppm-target', `${incoming}/big`)).toBe(await sumOf('ppm-source', `${DATA}/big`));
    await run.sh('ppm-target', `umount ${ROOT}`);
  }, 180_000);

  it('says that rsync was killed, and goes on after a retry', async () => {
    await run.sh('ppm-source', `head -c 24000000 /dev/urandom > ${DATA}/fourth`);
    const copying = run.act(copy(7, 4_000_000)).catch((error: unknown) => error);
    await half();
    await run.sh('ppm-target', 'pkill -KILL -x rsync');
    expect(await copying).toMatchObject({
      type: 'UnitFailed',
      detail: expect.stringContaining('rsync was ended by signal 9') as string,
    });
    await run.act(copy(8));
    expect(await sumOf('ppm-target', `${incoming}/fourth`)).toBe(await sumOf('ppm-source', `${DATA}/fourth`));
  }, 180_000);

  describe('when something happens during a pass', () => {
    const copyOfALog = async (generation: number, pass: 'warm' | 'final'): Promise<unknown> => {
      await run.undo(copy(generation - 1));
      await run.sh('ppm-source', `rm ${DATA}/*; head -c 24000000 /dev/urandom > ${DATA}/log`);
      const copying = run.act(copy(generation, 4_000_000, pass)).catch((error: unknown) => error);
      await half();
      await run.sh('ppm-source', `: > ${DATA}/log`);
      return copying;
    };

    it('a warm one ends well though a file is shortened while it is read, and the next brings the rest', async () => {
      expect(await copyOfALog(9, 'warm')).toMatchObject({ values: { attempts: 1 } });
      const errors = await run.sh('ppm-target', `cat /var/lib/rehost/${MIGRATION}/copy/g9/stderr`);
      expect(errors).toContain('No data available (61)');
      await run.sh('ppm-source', `echo rotated > ${DATA}/log`);
      await run.act(copy(10));
      expect(await run.sh('ppm-target', `cat ${incoming}/log`)).toBe('rotated\n');
    }, 180_000);

    it('a final one fails when a file is shortened while it is read: nothing may write under the fence', async () => {
      expect(await copyOfALog(11, 'final')).toMatchObject({
        type: 'UnitFailed',
        message: expect.stringContaining('status 23') as string,
      });
    }, 180_000);

    it('a warm one goes on by itself when rsync is killed', async () => {
      await run.undo(copy(11));
      await run.sh('ppm-source', `head -c 24000000 /dev/urandom > ${DATA}/log`);
      const copying = run.act(copy(12, 4_000_000, 'warm'));
      await half();
      await run.sh('ppm-target', 'pkill -KILL -x rsync');
      expect(await copying).toMatchObject({ values: { attempts: 2 } });
      expect(await sumOf('ppm-target', `${incoming}/log`)).toBe(await sumOf('ppm-source', `${DATA}/log`));
    }, 180_000);

    it('a warm one fails when an entry cannot be written', async () => {
      await run.sh('ppm-target', `mkdir -p ${incoming}/busy/inside; touch ${incoming}/busy/inside/f`);
      await run.sh('ppm-source', `echo file > ${DATA}/busy`);
      await run.sh('ppm-target', `mount -t tmpfs none ${incoming}/busy/inside`);
      const failed = await run.act(copy(13, undefined, 'warm')).catch((error: unknown) => error);
      await run.sh('ppm-target', `umount ${incoming}/busy/inside`);
      expect(failed).toMatchObject({
        type: 'UnitFailed',
        message: expect.stringContaining('status 23') as string,
      });
    }, 180_000);
  });

  it('is refused by the source when the key asks for anything else', async () => {
    const ssh = `ssh -F /var/lib/rehost/${MIGRATION}/copy/ssh-config -T rehost-source`;
    const answer = await run.sh(
      'ppm-target',
      `for asked in id 'rsync --server -lr . /etc' 'cat /etc/shadow' ''; do ${ssh} $asked 2>&1 || echo "status $?"; done`,
    );
    expect(answer.match(/^rehost: refused: /gm)).toHaveLength(4);
    expect(answer.match(/^status 77$/gm)).toHaveLength(4);
    expect(
      await run.sh(
        'ppm-target',
        `${ssh} -L 2222:127.0.0.1:22 -N -o ExitOnForwardFailure=yes 2>&1 & sleep 2; kill $! 2>/dev/null; true`,
      ),
    ).not.toContain('root');
  }, 60_000);
});
