import type { Contract, Effect } from '../../../src/contracts/contract.js';
import { filesContracts } from '../../../src/contracts/files.js';
import { ownEffects } from '../../../src/contracts/own-writes.js';
import { sqliteContracts } from '../../../src/contracts/sqlite.js';
import { labExecuted, type LabHostName } from '../../../lab/lab.js';
import { changingCommands, printCommands, unexplained } from '../../oracle/index.js';
import { actionRun, type ActionCall, type ActionRun } from './action-run.js';

const ROOT = '/srv/files-previewed';
const MIGRATION = 'previewed-test';
const HOSTS = ['ppm-source', 'ppm-target'] as const;
const contracts: Readonly<Record<string, Contract>> = { ...filesContracts, ...sqliteContracts };

describe.each([
  { title: 'beside its parent', inside: false },
  { title: 'inside a mount point', inside: true },
])('a tree that is moved $title', ({ inside }) => {
  let run: ActionRun;
  const data = `${ROOT}/data`;
  const landing = { targetPath: data, inside };
  const previews: Effect[] = [];
  const preview = ({ action, host, step, input }: ActionCall): void => {
    const contract = contracts[action];
    const context = { migration: MIGRATION, step, generation: '<generation>', host };
    const shown = {
      ...input,
      ...('liveInode' in input
        ? { liveInode: '<facts.liveInode>', incomingInode: '<facts.incomingInode>' }
        : {}),
    };
    previews.push(
      ...(contract?.effects(shown, context) ?? []),
      ...(contract?.undo?.effects(shown, context) ?? []),
    );
  };
  const act = async (call: ActionCall): Promise<Record<string, unknown>> => {
    preview(call);
    return (await run.act(call)).values;
  };

  beforeAll(async () => {
    run = await actionRun(MIGRATION);
    for (const host of HOSTS)
      await run.sh(
        host,
        `umount ${data} 2>/dev/null || true; rm -rf ${ROOT} /var/lib/rehost/${MIGRATION}; mkdir -p ${data}`,
      );
    await run.sh('ppm-source', `cd ${data}; echo 1 > 'a b'; mkdir db; sqlite3 db/x.db 'create table t(x)'`);
    await run.sh(
      'ppm-target',
      `${inside ? `mount -t tmpfs none ${data};` : ''} cd ${data}; echo l > 'the host.lic'; echo x > 'with blank'`,
    );
  }, 120_000);
  afterAll(async () => {
    for (const host of HOSTS)
      await run.sh(host, `umount ${data} 2>/dev/null || true; rm -rf ${ROOT} /var/lib/rehost/${MIGRATION}`);
    await run.close();
  });

  it('is moved and taken back by previewed commands alone', async () => {
    const before = {
      'ppm-source': (await labExecuted('ppm-source')).length,
      'ppm-target': (await labExecuted('ppm-target')).length,
    };
    const call = (
      action: ActionCall['action'],
      input: Record<string, unknown>,
      options: { step?: string; host?: LabHostName } = {},
    ): ActionCall => ({
      action,
      host: options.host ?? 'ppm-target',
      step: options.step ?? action.replace(/^.*\.|@1$/g, '').toLowerCase(),
      input,
    });
    const key = call('files.pullKey@1', {}, { step: 'pull-key' });
    const { publicKey } = await act(key);
    const authorize = call(
      'files.authorize@1',
      { tree: 'data', path: data, publicKey, target: 'ppm-target', keyStep: 'pull-key' },
      { host: 'ppm-source' },
    );
    await act(authorize);
    const rules = { owners: 'name', excludes: ['/*.lic'] };
    const pull = {
      tree: 'data',
      source: 'ppm-source',
      sourcePath: data,
      ...landing,
      ...rules,
      keyStep: 'pull-key',
      alwaysWhole: ['/db'],
    };
    const warm = call('files.copy@1', { ...pull, pass: 'warm' }, { step: 'warm' });
    await act(warm);
    const final = call('files.copy@1', { ...pull, pass: 'final' }, { step: 'final' });
    const { incoming } = await act(final);
    const source = await act(
      call('files.manifest@1', { root: data, label: 'data', ...rules }, { host: 'ppm-source' }),
    );
    const target = await act(call('files.manifest@1', { root: incoming, label: 'data', ...rules }));
    const of = (host: string, { path, digest }: Record<string, unknown>) => ({ host, path, digest });
    await act(
      call('files.compare@1', {
        tree: 'data',
        source: of('ppm-source', source),
        target: of('ppm-target', target),
      }),
    );
    await act(call('sqlite.verify@1', { tree: 'data', ...landing, files: ['db/x.db'] }));
    await act(call('files.space@1', { checks: [{ path: data, bytes: 1, inodes: 1, purpose: 'incoming' }] }));
    await act(call('files.carry@1', { ...landing, patterns: ['/*.lic'] }));
    const facts = await act(call('files.swapFacts@1', landing));
    const swap = call('files.swap@1', {
      ...landing,
      liveInode: facts['liveInode'],
      incomingInode: facts['incomingInode'],
    });
    await act(swap);
    await run.undo(swap);
    await act(call('files.discard@1', { trees: [{ tree: 'data', ...landing }], keySteps: ['pull-key'] }));
    for (const undone of [final, warm, authorize, key]) await run.undo(undone);
    for (const host of HOSTS) {
      const changing = changingCommands((await labExecuted(host)).slice(before[host]));
      expect(changing.length).toBeGreaterThan(10);
      const left = unexplained(changing, [...previews, ...ownEffects(host, MIGRATION)], host);
      expect(printCommands(left)).toBe('');
    }
  }, 240_000);
});
