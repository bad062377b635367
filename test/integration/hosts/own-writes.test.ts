import { labExec, labExecuted, type Lab } from '../../../lab/lab.js';
import { CLAIM_PATH } from '../../../src/contracts/paths.js';
import { ownEffects } from '../../../src/contracts/own-writes.js';
import { fenceEffects, unfenceEffects, unfenceLines } from '../../../src/contracts/service-shell.js';
import {
  addLeftOver,
  claimHost,
  fenceState,
  raiseFence,
  readIdentity,
  recordUndo,
  releaseClaim,
  removeLeftOver,
  removeUndo,
  startUnit,
  stopUnit,
  watchUnit,
  type Host,
  type Hosts,
} from '../../../src/hosts/index.js';
import { changingCommands, printCommands, unexplained } from '../../oracle/index.js';
import { cleanUp, connect, newMigration, unitOf, up } from './lab-hosts.js';

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

const silent = { signal: new AbortController().signal, onPoll: () => undefined, pollMs: 200 };
const place = { sequence: 1, step: 'copy', order: 'clean-up' } as const;

/** Everything that rehost writes for itself, once. */
async function keepBooks(migration: string): Promise<void> {
  await readIdentity(target);
  await claimHost(target, { migration, workflowId: 'kind/target', requester: 'alice', since: 'now' });
  await recordUndo(target, migration, {
    ...place,
    title: 'Copy',
    shell: ['true'],
    otherHosts: ['ppm-source'],
  });
  await addLeftOver(target, migration, { id: 'a', kind: 'tree', what: '/srv/a', step: 'copy' });
  await watchUnit(target, unitOf(migration, 'true', { files: [{ name: 'list', content: 'a' }] }), silent);
  await watchUnit(target, unitOf(migration, 'exit 3', { step: 'other' }), { ...silent, accept: [3] });
  const slow = unitOf(migration, 'exec sleep 600', { step: 'slow' });
  await startUnit(target, slow);
  await startUnit(target, { ...slow, generation: 2 });
  await stopUnit(target, { ...slow, generation: 2 });
  await target.writeFile(`/var/lib/rehost/${migration}/copy/list`, 'text', { mode: '0600' });
  await target.writeFile(`/var/lib/rehost/${migration}/copy/list`, 'other', { mode: '0600' });
  await removeLeftOver(target, migration, 'a');
  await removeUndo(target, migration, place);
  await releaseClaim(target, migration);
}

describe('what rehost writes for itself', () => {
  beforeEach(() => labExec('ppm-target', ['rm', '-f', CLAIM_PATH]));

  it('is all named by its preview, in the words of the host’s own record of executed programs', async () => {
    const before = (await labExecuted('ppm-target')).length;
    await keepBooks(newMigration());
    const log = (await labExecuted('ppm-target')).slice(before);
    expect(changingCommands(log).length).toBeGreaterThan(20);
    const left = unexplained(changingCommands(log), ownEffects('ppm-target', '<migration>'), 'ppm-target');
    expect(printCommands(left)).toBe('');
  });

  it('leaves nothing on the host but the directory of the migration', async () => {
    const migration = newMigration();
    // A mark of our own tells what is new: the hosts may have booted seconds ago, and a clock says nothing then.
    await labExec('ppm-target', ['touch', '/root/.mark']);
    await keepBooks(migration);
    const { stdout } = await labExec('ppm-target', [
      'sh',
      '-c',
      `find / -xdev -newer /root/.mark -not -path '/proc/*' -not -path '/var/log/*' -not -path '/var/lib/rehost/test-*' -path '*rehost*' -type f; systemctl list-units --all --plain --no-legend 'rehost-${migration}*'; ls -A /var/lib/rehost | grep -v '^test-'`,
    ]);
    expect(stdout).toBe('');
  });
});

describe('the fence and its undo', () => {
  it('execute on a host only what their previews name', async () => {
    const unit = 'rehost-test-idle.service';
    const text = '[Service]\\nExecStart=/usr/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n';
    await labExec('ppm-target', [
      'sh',
      '-c',
      `printf '${text}' >/etc/systemd/system/${unit}; systemctl daemon-reload; systemctl enable --now ${unit}`,
    ]);
    const fenced = { unit, migration: newMigration() };
    const before = (await labExecuted('ppm-target')).length;
    const mark = await raiseFence(target, fenced);
    await fenceState(target, mark, { dataDirectories: ['/srv'] });
    const former = { ...fenced, enabled: true, active: true };
    await target.script(unfenceLines(former).join('\n'));
    const log = (await labExecuted('ppm-target')).slice(before);
    await labExec('ppm-target', [
      'sh',
      '-c',
      `systemctl disable --now ${unit}; rm /etc/systemd/system/${unit}; systemctl daemon-reload`,
    ]);
    const effects = [...fenceEffects('ppm-target', fenced), ...unfenceEffects('ppm-target', former)];
    expect(changingCommands(log).length).toBeGreaterThan(6);
    expect(printCommands(unexplained(changingCommands(log), effects, 'ppm-target'))).toBe('');
  });
});
