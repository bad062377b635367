import { labExec, labRestart, type Lab } from '../../../lab/lab.js';
import { journalPath, unitDir } from '../../../src/contracts/paths.js';
import {
  pollUnit,
  startUnit,
  stopUnit,
  unitPlace,
  watchUnit,
  type Host,
  type Hosts,
} from '../../../src/hosts/index.js';
import { cleanUp, connect, failureOf, newMigration, unitOf, until, up } from './lab-hosts.js';

jest.setTimeout(120_000);

let lab: Lab;
let hosts: Hosts;
let target: Host;
const silent = { signal: new AbortController().signal, onPoll: () => undefined, pollMs: 200 };

beforeAll(async () => {
  lab = await up();
  hosts = connect(lab);
  target = hosts.get('ppm-target');
});
afterAll(async () => {
  await hosts.close();
  await cleanUp();
});

const journalOf = async (migration: string): Promise<string[]> =>
  ((await target.readFile(journalPath(migration))) ?? '').split('\n').filter((line) => line !== '');
const shellOf = (script: string): Promise<{ status: number; stdout: string }> =>
  labExec('ppm-target', ['sh', '-c', script]);

describe('units', () => {
  it('run once when 20 callers on 20 connections start one at the same time', async () => {
    const migration = newMigration();
    const spec = unitOf(migration, 'sleep 1');
    const many = Array.from({ length: 20 }, () => connect(lab));
    // One after the other: sshd drops connections above MaxStartups (10) that have not logged in yet.
    for (const each of many) await each.get('ppm-target').hostKey();
    const answers = await Promise.all(many.map((each) => startUnit(each.get('ppm-target'), spec)));
    await Promise.all(many.map((each) => each.close()));
    expect(answers.filter((answer) => answer === 'started')).toHaveLength(1);
    await watchUnit(target, spec, silent);
    expect(await journalOf(migration)).toHaveLength(1);
  });

  it('give the same result to every later watcher without running again', async () => {
    const migration = newMigration();
    const spec = unitOf(migration, 'echo "$REHOST_DIR"; cat inputs/secret >&2; printf "half" > progress', {
      files: [{ name: 'secret', content: 'first\nlast\n' }],
    });
    const first = await watchUnit(target, spec, silent);
    const second = await watchUnit(target, spec, silent);
    expect(first).toMatchObject({ exitStatus: 0, progress: 'half', stderr: 'first\nlast' });
    expect(second).toEqual(first);
    expect(await startUnit(target, spec)).toBe('finished');
    expect(await journalOf(migration)).toHaveLength(1);
    const { stdout } = await shellOf(`stat -c %a ${unitDir(migration, 'copy', 1)}/inputs/secret`);
    expect(stdout.trim()).toBe('600');
  });

  it('are forgotten by systemd once their record is read, also when they failed', async () => {
    const spec = unitOf(newMigration(), 'echo reason >&2; exit 3');
    const failed = await failureOf(watchUnit(target, spec, silent));
    expect(failed).toMatchObject({ type: 'UnitFailed', detail: 'reason' });
    expect(failed.message).toContain('status 3');
    const { stdout } = await shellOf(`systemctl show -p LoadState --value ${unitPlace(spec).unit}`);
    expect(stdout.trim()).toBe('not-found');
    expect(await watchUnit(target, spec, { ...silent, accept: [0, 3] })).toMatchObject({ exitStatus: 3 });
  });

  it('are found again after the connection was cut while they run', async () => {
    const migration = newMigration();
    const spec = unitOf(migration, 'sleep 3; echo done > progress');
    const reports: number[] = [];
    const watching = watchUnit(target, spec, {
      ...silent,
      onPoll: (report) => reports.push(report.pollFailures),
    });
    await until('one good poll', () => Promise.resolve(reports.length > 0));
    await shellOf('pkill -KILL -u rehost sshd');
    expect(await watching).toMatchObject({ exitStatus: 0, progress: 'done\n' });
    expect(await journalOf(migration)).toHaveLength(1);
  });

  it('are told as HostRestarted when the host is restarted under them', async () => {
    const migration = newMigration();
    const spec = unitOf(migration, 'sleep 600');
    await startUnit(target, spec);
    await until('the unit runs', async () => (await pollUnit(target, spec)).status.kind === 'running');
    // Looks close together: for some 100 ms systemd has ended the unit and answers, itself ending, almost nothing.
    const close = { ...silent, pollMs: 20 };
    const watching = Promise.all(Array.from({ length: 6 }, () => failureOf(watchUnit(target, spec, close))));
    await labRestart('ppm-target');
    for (const failed of await watching) expect(failed).toMatchObject({ type: 'HostRestarted' });
    expect(await journalOf(migration)).toHaveLength(1);
    const again = unitOf(migration, 'echo again', { generation: 2 });
    expect(await watchUnit(target, again, silent)).toMatchObject({ exitStatus: 0 });
  });

  it('leave no process behind when they are stopped, setsid and double forks included', async () => {
    const spec = unitOf(
      newMigration(),
      '(setsid sleep 4711 & ) ; setsid sh -c "trap : TERM; sleep 4712; sleep 4712" & sleep 4713',
    );
    await startUnit(target, spec);
    await until(
      'the children run',
      async () => (await shellOf('pgrep -fc "sleep 471[123]"')).stdout.trim() >= '3',
    );
    await stopUnit(target, spec);
    expect((await shellOf('pgrep -f "sleep 471[1]|sleep 471[2]|sleep 471[3]"')).stdout).toBe('');
    expect((await pollUnit(target, spec)).status).toEqual({ kind: 'stopped' });
    expect(await failureOf(startUnit(target, spec))).toMatchObject({ type: 'UnitStopped' });
    await stopUnit(target, spec);
  });

  it('are told as UnitLost when somebody kills them by hand', async () => {
    const spec = unitOf(newMigration(), 'sleep 600');
    await startUnit(target, spec);
    await until('the unit runs', async () => (await pollUnit(target, spec)).status.kind === 'running');
    await shellOf(`systemctl stop ${unitPlace(spec).unit}`);
    expect(await failureOf(watchUnit(target, spec, silent))).toMatchObject({ type: 'UnitLost' });
  });

  it('are told as ended by the system when their program is killed', async () => {
    const spec = unitOf(newMigration(), 'sleep 600');
    await startUnit(target, spec);
    await until('the unit runs', async () => (await pollUnit(target, spec)).status.kind === 'running');
    await shellOf(`systemctl kill -s KILL ${unitPlace(spec).unit}`);
    const failed = await failureOf(watchUnit(target, spec, silent));
    expect(failed.type).toBe('UnitFailed');
    expect(failed.message).toContain('signal');
  });

  it('end by themselves when their longest run is over', async () => {
    const spec = unitOf(newMigration(), 'sleep 600', { runtimeMaxSeconds: 1 });
    const failed = await failureOf(watchUnit(target, spec, silent));
    expect(failed.message).toContain('timeout');
  });

  it('conflict when other content is started under the same name', async () => {
    const migration = newMigration();
    await watchUnit(target, unitOf(migration, 'true'), silent);
    expect(await failureOf(startUnit(target, unitOf(migration, 'false')))).toMatchObject({
      type: 'UnitConflict',
    });
  });

  it('stop the former generation before the next starts, and refuse an older one afterwards', async () => {
    const migration = newMigration();
    const first = unitOf(migration, '(setsid sleep 4721 &); sleep 4722');
    await startUnit(target, first);
    await until(
      'the first runs',
      async () => (await shellOf('pgrep -fc "sleep 472[12]"')).stdout.trim() >= '2',
    );
    const second = unitOf(
      migration,
      'pgrep -f "sleep 472[1]|sleep 472[2]" > progress || echo alone > progress',
      { generation: 2 },
    );
    expect(await watchUnit(target, second, silent)).toMatchObject({ progress: 'alone\n' });
    expect(await failureOf(startUnit(target, first))).toMatchObject({ type: 'UnitConflict' });
    expect(await journalOf(migration)).toHaveLength(2);
  });

  it.each([
    ['finished', 'true'],
    ['was killed', 'kill -9 $PPID; sleep 600'],
  ])('do not run again when a late attempt starts the name of one that %s', async (_title, script) => {
    const migration = newMigration();
    const spec = unitOf(migration, script);
    await watchUnit(target, spec, silent).catch(() => undefined);
    const { directory, hash, unit } = unitPlace(spec);
    expect((await shellOf(`systemctl show -p LoadState --value ${unit}`)).stdout.trim()).toBe('not-found');
    // What a launcher does that was paused between its check and its start.
    await shellOf(
      `systemd-run --quiet --wait --unit=${unit} /bin/sh ${directory}/program ${directory} ${hash} ${journalPath(migration)} ${unit}`,
    );
    expect(await journalOf(migration)).toHaveLength(1);
  });

  it('stop being watched at once when the signal is aborted, and go on', async () => {
    const spec = unitOf(newMigration(), 'sleep 600');
    const controller = new AbortController();
    const watching = watchUnit(target, spec, {
      ...silent,
      pollMs: 60_000,
      signal: controller.signal,
      onPoll: () => controller.abort(new Error('shutdown')),
    });
    await expect(watching).rejects.toThrow('shutdown');
    expect((await pollUnit(target, spec)).status.kind).toBe('running');
    await stopUnit(target, spec);
  });

  it('end with HostAway when the host stays away, and heartbeat meanwhile', async () => {
    const away = connect(lab, { port: 1 });
    const reports: number[] = [];
    const options = {
      ...silent,
      unreachableAfterMs: 1_000,
      onPoll: (report: { pollFailures: number }) => reports.push(report.pollFailures),
    };
    expect(
      await failureOf(watchUnit(away.get('ppm-target'), unitOf(newMigration(), 'true'), options)),
    ).toMatchObject({ type: 'HostAway' });
    expect(reports.slice(0, 3)).toEqual([1, 2, 3]);
    await away.close();
  });
});
