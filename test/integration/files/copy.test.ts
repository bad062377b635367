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
  const manifests = async (generation: number): Promise<Record<string, unknown>> => {
    const make = async (host: 'ppm-source' | 'ppm-target', root: string) => {
      const step = `manifest-${host === 'ppm-source' ? 'source' : 'target'}`;
      const input = { root, label: 'data', excludes: EXCLUDES, owners: 'name' };
      const { values } = await run.act({ action: 'files.manifest@1', host, step, generation, input });
      return { host, path: values['path'], digest: values['digest'] };
    };
    const [source, target] = await Promise.all([make('ppm-source', DATA), make('ppm-target', incoming)]);
    return { tree: 'data', source, target };
  };
  const compare = async (generation: number) =>
    run.act({
      action: 'files.compare@1',
      host: 'ppm-target',
      step: 'compare',
      input: await manifests(generation),
    });

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
});
