import type { LabHostName } from '../../../lab/lab.js';
import { landingOf } from '../../../src/contracts/files-landing.js';
import { actionRun, type ActionCall, type ActionRun } from './action-run.js';
import { NASTY_TREE } from './nasty-tree.js';

const ROOT = '/srv/files-copy';
const DATA = `${ROOT}/data`;
const EXCLUDES = ['/cache', '/*.lic', '/verify'];
const COMMON = { tree: 'data', owners: 'name', excludes: EXCLUDES };

describe('a nasty tree', () => {
  let run: ActionRun;
  let keysBefore: string;
  let generation = 100;
  let sourceManifest: Record<string, unknown>;
  const incoming = landingOf({ targetPath: DATA }, 'copy-test').incoming;
  const key: ActionCall = { action: 'files.pullKey@1', host: 'ppm-target', step: 'pull-key', input: {} };
  const authorize = (publicKey: unknown): ActionCall => ({
    action: 'files.authorize@1',
    host: 'ppm-source',
    step: 'authorize',
    input: { tree: 'data', path: DATA, publicKey, target: 'ppm-target', keyStep: 'pull-key' },
  });
  const copy = (pass: 'warm' | 'final', generation = 1): ActionCall => ({
    action: 'files.copy@1',
    host: 'ppm-target',
    step: `${pass}-copy`,
    generation,
    input: {
      ...COMMON,
      source: 'ppm-source',
      sourcePath: DATA,
      targetPath: DATA,
      pass,
      keyStep: 'pull-key',
      alwaysWhole: ['/d1/d2'],
    },
  });
  const manifest = async (host: LabHostName, number: number): Promise<Record<string, unknown>> => {
    const root = host === 'ppm-source' ? DATA : incoming;
    const input = { root, label: 'data', excludes: EXCLUDES, owners: 'name' };
    const { values } = await run.act({
      action: 'files.manifest@1',
      host,
      step: 'manifest',
      generation: number,
      input,
    });
    return { host, path: values['path'], digest: values['digest'] };
  };
  const compare = async (number: number, known?: Record<string, unknown>) => {
    const [source, target] = await Promise.all([
      known ?? manifest('ppm-source', number),
      manifest('ppm-target', number),
    ]);
    sourceManifest = source;
    return run.act({
      action: 'files.compare@1',
      host: 'ppm-target',
      step: 'compare',
      input: { tree: 'data', source, target },
    });
  };

  beforeAll(async () => {
    run = await actionRun('copy-test');
    for (const host of ['ppm-source', 'ppm-target'] as const) {
      await run.sh(host, `rm -rf ${ROOT} /var/lib/rehost/copy-test; mkdir -p ${DATA}`);
    }
    await run.sh('ppm-source', `cd ${DATA}${NASTY_TREE}`);
    keysBefore = await run.sh(
      'ppm-source',
      'base64 ~rehost/.ssh/authorized_keys; stat -c "%U %a" ~rehost/.ssh/authorized_keys',
    );
  }, 120_000);

  afterAll(async () => {
    for (const host of ['ppm-source', 'ppm-target'] as const) {
      await run.sh(host, `rm -rf ${ROOT} /var/lib/rehost/copy-test`);
    }
    await run.close();
  });

  it('arrives equal to the byte after a warm and a final pass', async () => {
    const { values } = await run.act(key);
    expect(await run.act(key)).toMatchObject({ changed: false, values });
    const authorized = await run.act(authorize(values['publicKey']));
    expect(authorized.values).toMatchObject({ account: 'rehost' });
    const warm = await run.act(copy('warm'));
    expect(warm).toMatchObject({ again: true, values: { attempts: 1 } });
    const final = await run.act(copy('final'));
    expect(final.values).toMatchObject({ again: false, incoming });
    expect(await compare(1)).toMatchObject({ values: { equal: true, entries: 27 } });
  }, 120_000);

  it('shows bytes, and an ETA only in the first pass', () => {
    expect(run.beats.length).toBeGreaterThan(0);
    expect(run.beats.every(({ bytesDone, bytesTotal }) => (bytesTotal ?? bytesDone) >= bytesDone)).toBe(true);
  });

  it('sees a change of the same size within the same second in the final pass', async () => {
    const stamp = '2020-02-02 02:02:02';
    await run.sh('ppm-source', `cd ${DATA}; printf AAAA > same; touch -d '${stamp}.100' same`);
    await run.act(copy('final', 2));
    await run.sh('ppm-source', `cd ${DATA}; printf BBBB > same; touch -d '${stamp}.900' same`);
    await run.act(copy('final', 3));
    expect(await run.sh('ppm-target', `cat ${incoming}/same`)).toBe('BBBB');
  }, 120_000);

  it('reads directories whole where size and time tell nothing', async () => {
    const file = 'd1/d2/f';
    await run.sh(
      'ppm-source',
      `cd ${DATA}; touch -r ${file} ../stamp; printf 'Y\\n' > ${file}; touch -r ../stamp ${file}; rm ../stamp`,
    );
    await run.act(copy('final', 4));
    expect(await run.sh('ppm-target', `cat ${incoming}/${file}`)).toBe('Y\n');
    expect(await compare(4)).toMatchObject({ values: { equal: true } });
  }, 120_000);

  describe.each([
    ['a missing file', 'rm d1/d2/f', String.raw`./d1/d2/f: is missing`],
    ['an extra file', ': > d1/extra', './d1/extra: is on the target only'],
    [
      'a flipped byte with the same size and time',
      'touch -r sparse /srv/stamp; printf X | dd of=sparse bs=1 seek=5000 conv=notrunc status=none; touch -r /srv/stamp sparse',
      './sparse: content',
    ],
    ['another time', 'touch -d @1 "sp ace"', './sp ace: mtime'],
    [
      'a time that differs by nanoseconds',
      "touch -d '2001-02-03 04:05:06.123456780' d1/d2",
      './d1/d2: mtime',
    ],
    ['another mode', 'chmod 0644 big', './big: mode'],
    ['a lost setgid bit', 'chmod g-s sub', './sub: mode'],
    ['another owner', 'chown root big; chown nobody big', './big: owner'],
    ['another group', 'chgrp games big', './big: group'],
    ['another link target', 'ln -sfn elsewhere dangling', './dangling:'],
    ['a split hard link', 'cp -a sub/hard x; mv x sub/hard', './sub/hard: hard-link'],
    ['a lost access list', String.raw`setfacl -b ./-dash; chmod 4711 ./-dash`, './-dash:'],
    ['another default access list', 'setfacl -d -m g:daemon:rwx sub', './sub: acl'],
    [
      'another attribute',
      String.raw`setfattr -n user.z -v 2 "$(printf 'new\nline')"`,
      String.raw`./new\012line: xattr`,
    ],
    ['an extra attribute', 'setfattr -n user.more -v 1 big', './big: xattr'],
    [
      'a file in the place of a directory',
      'rmdir empty/../d1/d2 2>/dev/null || rm -r d1/d2; : > d1/d2',
      './d1/d2: type',
    ],
  ])('with %s on the target', (_title, plant, wanted) => {
    it('parks and names the entry', async () => {
      generation += 1;
      await run.sh('ppm-target', `rm -rf /srv/whole; cp -a ${incoming} /srv/whole; cd ${incoming}; ${plant}`);
      const difference = await compare(generation, sourceManifest).then(
        () => undefined,
        (error: unknown) => error,
      );
      await run.sh('ppm-target', `rm -rf ${incoming} /srv/stamp; mv /srv/whole ${incoming}`);
      expect(difference).toMatchObject({
        type: 'VerificationDiffers',
        message: expect.stringContaining('entries differ') as string,
      });
      expect(difference).toHaveProperty('detail', expect.stringContaining(wanted));
    }, 60_000);
  });

  it('leaves nothing behind after its undo, and authorized_keys has the same bytes', async () => {
    await run.undo(copy('final'));
    await run.undo(copy('warm'));
    await run.undo(authorize(`ssh-ed25519 ${'A'.repeat(68)}`));
    await run.undo(key);
    expect(await run.sh('ppm-target', `ls -A ${ROOT}`)).toBe('data\n');
    expect(await run.sh('ppm-target', 'find /var/lib/rehost/copy-test -name "pull-key*" -type f')).toBe('');
    expect(
      await run.sh('ppm-source', 'find /var/lib/rehost/copy-test/authorize -type f ! -path "*/ssh-*"'),
    ).toBe('');
    expect(
      await run.sh(
        'ppm-source',
        'base64 ~rehost/.ssh/authorized_keys; stat -c "%U %a" ~rehost/.ssh/authorized_keys',
      ),
    ).toBe(keysBefore);
    // A second time there is nothing to undo.
    await run.undo(copy('final'));
    await run.undo(authorize(`ssh-ed25519 ${'A'.repeat(68)}`));
  }, 60_000);
});
