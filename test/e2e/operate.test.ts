// Commands around a migration: doctor, logs, report, left-overs, and the lab's own verbs. One world; its lab is this
// file's own, since the last test takes it down.
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labDown, type Lab, type LabHostName } from '../../lab/lab.js';
import type { RunSummary } from '../../src/client.js';
import type { Check, HostLeftOvers } from '../../src/cli/doctor-checks.js';
import type { Plan } from '../../src/plan/types.js';
import type { Report } from '../../src/report/report.js';
import type { StatusView } from '../../src/run/status.js';
import { toldBy } from '../told.js';
import { HOSTS, startBench, type Bench } from './fault-bench.js';
import { callRehost, runRehost, type Ended } from './process.js';

jest.setTimeout(600_000);

const LAB = `${process.env['REHOST_LAB'] ?? 'e2e'}-operate`;
const TARGET: LabHostName = 'ppm-target';
const SUDOERS = '/etc/sudoers.d/rehost-rehost';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench(LAB);
});
afterAll(async () => {
  await bench?.world.close();
  await labDown({ name: LAB });
});

/** One command line whose result is JSON; it must end with this code. */
async function json<Value>(code: number, ...argv: string[]): Promise<Value> {
  const answer = await bench.rehost(...argv, '-o', 'json');
  expect({ argv, code: answer.code, err: answer.err }).toMatchObject({ code });
  return JSON.parse(answer.out) as Value;
}

/** Does something while a host is spoiled, and heals it whatever happens. */
async function whileSpoiled(spoil: string, heal: string, act: () => Promise<void>): Promise<void> {
  await bench.on(TARGET, spoil);
  try {
    await act();
  } finally {
    await bench.on(TARGET, heal);
  }
}

describe('doctor', () => {
  const inventory = (): string[] => ['--inventory', bench.world.lab.inventory];
  const doctor = (code: number, ...argv: string[]): Promise<{ settings: object[]; checks: Check[] }> =>
    json(code, 'doctor', ...argv);
  const faults = (checks: readonly Check[]): Check[] => checks.filter((check) => check.failure !== undefined);
  const SPOILED_SUDO = 'mv /etc/sudoers.d/rehost /root/sudoers-kept';
  const HEALED_SUDO = `mv /root/sudoers-kept /etc/sudoers.d/rehost; rm -f ${SUDOERS}`;

  it('finds everything well on a healthy lab, and tells each setting with its origin', async () => {
    const { settings, checks } = await doctor(0, ...inventory());
    expect(faults(checks)).toEqual([]);
    expect(checks.map(({ title }) => title)).toEqual([
      ...['Temporal', 'search attributes', 'workers of task queue rehost'],
      ...['ppm-source', 'ppm-target'].flatMap((host) => [
        `host ${host}`,
        `root on ${host}`,
        `tools on ${host}`,
      ]),
    ]);
    expect(checks[3]?.found).toMatch(/^Debian GNU\/Linux 12 .*, host key SHA256:/);
    expect(checks[7]?.found).toBe('account rehost; sudoers file: other rules let the account be root');
    expect(settings).toContainEqual({ name: 'address', value: bench.world.server.address, origin: 'flag' });
    expect(settings).toContainEqual({ name: 'actor', value: 'requester', origin: 'environment' });
    const { out } = await bench.rehost('doctor', ...inventory());
    expect(out).toMatch(/^ {6}address: 127\.0\.0\.1:\d+ \(flag\)\n/);
    expect(out.match(/^ok {4}/gm)).toHaveLength(checks.length);
  });

  it('prints a sudoers file where sudo refuses; visudo accepts it, and with it doctor is content', () =>
    whileSpoiled(SPOILED_SUDO, HEALED_SUDO, async () => {
      const { code, out } = await bench.rehost('doctor', TARGET);
      expect(code).toBe(1);
      expect(out).toContain('FAULT root on ppm-target: rehost may not become root on host ppm-target');
      expect(out).toContain('ok    tools on ppm-target');
      const printed = /^ {8}sudoers file (\S+) \(mode 0440\):\n((?: {10}.*\n)+)/m.exec(out);
      expect(printed?.[1]).toBe(SUDOERS);
      // Written as a person copies it from the terminal, indented.
      await bench.on(TARGET, `umask 0337; cat >${SUDOERS} <<'END'\n${printed?.[2] ?? ''}END`);
      expect(await bench.on(TARGET, `visudo -cf ${SUDOERS}`)).toContain('parsed OK');
      expect(faults((await doctor(0, TARGET)).checks)).toEqual([]);
      expect((await doctor(0, TARGET)).checks[4]?.found).toBe(
        'account rehost; sudoers file: installed and valid',
      );
    }));

  it('prints the sudoers file where there is no sudo at all', () =>
    whileSpoiled('mv /usr/bin/sudo /root/sudo-kept', 'mv /root/sudo-kept /usr/bin/sudo', async () => {
      const [fault, ...others] = faults((await doctor(1, TARGET)).checks);
      expect(others).toEqual([]);
      expect(fault).toMatchObject({ title: 'root on ppm-target', failure: { type: 'SudoMissing' } });
      expect(fault?.failure?.detail).toContain('sudo');
      expect(fault?.notes[0]).toBe(`sudoers file ${SUDOERS} (mode 0440):`);
    }));

  it('calls an installed sudoers file that is not valid a fault, with what visudo says and the right one', () =>
    whileSpoiled(`echo 'rehost ALL=(root NOPASSWD: ALL' >${SUDOERS}`, `rm ${SUDOERS}`, async () => {
      const [fault, ...others] = faults((await doctor(1, TARGET)).checks);
      expect(others).toEqual([]);
      expect(fault).toMatchObject({
        title: 'root on ppm-target',
        failure: {
          type: 'SudoMissing',
          message: `${SUDOERS} on host ppm-target is not valid`,
          detail: expect.stringContaining('syntax error') as string,
          hint: `Replace it by the file below, with mode 0440, and check it on the host: "visudo -cf ${SUDOERS}".`,
        },
      });
      expect(fault?.notes).toContain('  rehost ALL=(root) NOPASSWD: ALL');
    }));

  it('names each tool that a host lacks, and how to install it', () =>
    whileSpoiled(
      'mv /usr/bin/getfacl /root/getfacl-kept',
      'mv /root/getfacl-kept /usr/bin/getfacl',
      async () => {
        expect(faults((await doctor(1, TARGET)).checks)).toMatchObject([
          {
            title: 'tools on ppm-target',
            failure: {
              type: 'ToolMissing',
              message: 'ppm-target lacks getfacl',
              hint: expect.stringContaining('apt-get install') as string,
            },
          },
        ]);
      },
    ));

  it('checks no host where no worker polls, and says so', async () => {
    const words = ['doctor', TARGET, '--task-queue', 'nobody-polls'];
    expect(faults((await json<{ checks: Check[] }>(11, ...words)).checks)).toMatchObject([
      { title: 'workers of task queue nobody-polls', failure: { type: 'NoWorker' } },
    ]);
    expect((await bench.rehost(...words)).out).toContain('not checked, because of the above: ppm-target');
  });

  it('says that no host was checked where none is named', async () => {
    const { code, out } = await bench.rehost('doctor');
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringContaining('no host was checked') as string,
    });
    expect(await bench.refused('doctor', '--left-overs')).toMatchObject({
      type: 'UsageInvalid',
      exitCode: 2,
    });
  });
});

describe('a run on its way', () => {
  let run: RunSummary;
  let plan: Plan;
  let warm: string;
  const leftOvers = async (): Promise<Record<string, string[]>> => {
    const found = await json<HostLeftOvers[]>(0, 'doctor', '--left-overs', 'ppm-source', 'ppm-target');
    for (const { migrations } of found) expect(migrations).toEqual([run.migration]);
    return Object.fromEntries(found.map((one) => [one.host, one.leftOvers.map(({ kind }) => kind).sort()]));
  };

  it('is not found before there is one, whether it is named or not', async () => {
    expect(await bench.refused('status', 'ppm-elsewhere')).toMatchObject({
      type: 'RunNotFound',
      exitCode: 2,
      message: 'no run is named "ppm-elsewhere"',
      detail: 'Temporal keeps no run.',
      hint: 'Name a target, a Workflow id or a migration id; "rehost list --all" shows them.',
    });
    expect(await bench.refused('logs')).toMatchObject({
      type: 'RunNotFound',
      message: 'no run is active',
      hint: expect.stringContaining('rehost apply PLAN') as string,
    });
  });

  it('gives the log of a long step, of the part that is asked for', async () => {
    plan = await bench.world.plan();
    run = await bench.world.apply(plan);
    const view = await bench.world.approveUntil(run, plan, 'stop-source');
    expect(view.state).toBe('gate');
    const steps = view.phases.flatMap((phase) => phase.steps);
    warm = steps.find((step) => step.action === 'files.copy@1' && step.status === 'done')?.id ?? '';
    const first = ['logs', '--step', warm, '--generation', '1'];
    const log = await json<{ directory: string; progress: string; journal: string }>(0, ...first);
    expect(log).toMatchObject({
      step: warm,
      host: TARGET,
      generation: 1,
      found: true,
      directory: `/var/lib/rehost/${run.migration}/${warm}/g1`,
    });
    expect(log.progress).toMatch(/^Total transferred file size: [1-9]/m);
    expect(log.journal).toContain(warm);
    const { code, out } = await bench.rehost(...first, '--lines', '1');
    expect(code).toBe(0);
    expect(out).toMatch(
      new RegExp(
        `^${warm} on ppm-target: ${log.directory}\n--- progress\n.+\n--- stdout\n\\(empty\\)\n--- stderr\n\\(empty\\)\n--- executions\n.*\n$`,
      ),
    );
  });

  it('has no log on another host or of a short step, and says why', async () => {
    const elsewhere = await bench.rehost('logs', '--step', warm, '--host', 'ppm-source');
    expect(elsewhere.code).toBe(0);
    expect(elsewhere.out).toContain(`${warm} on ppm-source: `);
    expect(elsewhere.out).toContain('no unit of this step has run there');
    expect((await bench.rehost('logs', '--step', 'admit')).out).toContain('short steps leave no log');
    expect(await bench.refused('logs', '--step', 'warm')).toMatchObject({
      type: 'UsageInvalid',
      message: `${run.migration} has no step "warm"`,
      detail: expect.stringContaining(warm) as string,
    });
  });

  it('lists what lies on the hosts meanwhile, with the lines that remove it', async () => {
    const during = await leftOvers();
    expect(during['ppm-source']).toContain('authorized-keys-line');
    expect(during['ppm-target']?.length).toBeGreaterThan(1);
    const { code, out, err } = await bench.rehost('doctor', '--left-overs', 'ppm-elsewhere', TARGET);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('"ppm-elsewhere"') as string });
    expect(out).toMatch(/^ppm-target: [2-9] left-overs, 1 work directories\n/);
    expect(out).toContain(`  work directory /var/lib/rehost/${run.migration}`);
    expect(out).toMatch(/\n {6}rm /);
  });

  it('gives one JSON value to watch -o json, the status at the end', async () => {
    const view = await json<StatusView>(6, 'watch', '--until', 'attention');
    expect(view).toMatchObject({ migration: run.migration, state: 'gate' });
  });

  it('is rolled back, and the work directories are all that is left', async () => {
    await bench.world.rollback(run, plan);
    expect(await leftOvers()).toEqual({ 'ppm-source': [], 'ppm-target': [] });
  });

  it('has a report in both forms, on stdout and in a file, that tells of the rollback', async () => {
    const out = (name: string): string => join(bench.world.directory, name);
    const printed = await json<Report>(0, 'report', TARGET);
    const asJson = await bench.rehost('report', TARGET, '-f', 'json', '--out', out('report.json'));
    expect(asJson).toEqual({ code: 0, out: '', err: `Wrote ${out('report.json')}.\n` });
    expect(JSON.parse(readFileSync(out('report.json'), 'utf8'))).toEqual(printed);
    expect(printed).toMatchObject({
      migration: run.migration,
      state: 'rolled-back',
      verdict: 'NOT FINISHED',
      digest: plan.digest,
      rollback: { reason: 'the test asks for it' },
    });
    expect(printed.gates.map(({ id, votes }) => [id, votes.length])).toEqual([
      ['begin', 2],
      ...['stop-source', 'replace-target-data', 'hand-over'].map((id) => [id, 0]),
    ]);
    const markdown = await bench.rehost(
      'report',
      run.migration,
      '--format',
      'markdown',
      '--out',
      out('report.md'),
    );
    expect(markdown).toMatchObject({ code: 0, out: '' });
    const text = readFileSync(out('report.md'), 'utf8');
    expect(text).toBe((await bench.rehost('report', TARGET)).out);
    expect(text).toMatch(
      new RegExp(`^# Migration ${run.migration}\n\n- Verification: \\*\\*NOT FINISHED\\*\\*\n`),
    );
    expect(text).toContain('## Rollback');
  });
});

describe('lab', () => {
  const verb = async <Value = unknown>(...argv: string[]): Promise<Value> => {
    const { code, out, err } = await callRehost(['lab', ...argv, '--lab', LAB, '-o', 'json']);
    expect({ argv, code, err }).toMatchObject({ argv, code: 0 });
    return (out === '' ? undefined : JSON.parse(out)) as Value;
  };
  const ssh = (...words: string[]): Promise<Ended> =>
    runRehost(['lab', 'ssh', '--lab', LAB, ...words], { cwd: bench.world.directory });

  it('shows its hosts, and stays as it is when it is brought up again', async () => {
    const { lab } = bench.world;
    expect(await verb('status')).toMatchObject({
      name: LAB,
      lab: { inventory: lab.inventory },
      hosts: HOSTS.map((name) => ({ name, state: 'running', port: lab.hosts[name].port })),
    });
    const started = await bench.on(TARGET, 'stat -c %Y /proc/1');
    expect(await verb<Lab>('up')).toEqual(lab);
    expect(await bench.on(TARGET, 'stat -c %Y /proc/1')).toBe(started);
    const { out } = await callRehost(['lab', 'status', '--lab', LAB]);
    expect(out).toMatch(/^HOST +STATE +SSH +CONTAINER\nppm-source +running +127\.0\.0\.1:\d+ /);
  });

  it('runs a command on a host as rehost logs in, and ends with its status', async () => {
    expect(await ssh(TARGET, 'id -un; sudo -n id -un; exit 7')).toMatchObject({
      code: 7,
      out: 'rehost\nroot\n',
    });
    const unknown = await callRehost(['lab', 'ssh', '--lab', LAB, '-o', 'json', 'ppm-elsewhere']);
    expect(toldBy(unknown)).toMatchObject({
      type: 'UsageInvalid',
      message: `lab ${LAB} has no host "ppm-elsewhere"; it has ppm-source and ppm-target`,
    });
  });

  it('is as it was seeded after a reset, under the same ports and host keys', async () => {
    const { lab } = bench.world;
    await bench.on(TARGET, 'touch /root/planted; rm -rf /srv/ppm');
    const anew = await verb<Lab>('reset');
    expect(await bench.on(TARGET, 'ls /root; ls -d /srv/ppm/data')).toBe('/srv/ppm/data');
    for (const host of HOSTS) {
      const { port, hostKey, machineId } = lab.hosts[host];
      expect(anew.hosts[host]).toMatchObject({ port, hostKey, machineId });
    }
  });

  it('is gone after down, which may be repeated', async () => {
    await bench.world.close();
    expect(await verb('down')).toBeUndefined();
    expect(await verb('down')).toBeUndefined();
    expect(await verb('status')).toEqual({ name: LAB, hosts: [] });
    const { out } = await callRehost(['lab', 'status', '--lab', LAB]);
    expect(out).toBe(`lab ${LAB} is not up\n`);
    const ssh = await callRehost(['lab', 'ssh', '--lab', LAB, '-o', 'json', TARGET]);
    expect(toldBy(ssh)).toMatchObject({
      type: 'UsageInvalid',
      message: `lab ${LAB} is not up`,
      hint: `Run "rehost lab up --lab ${LAB}" first.`,
    });
  });

  it('says what to do where there is no container engine', async () => {
    const words = ['lab', 'down', '--lab', LAB, '-o', 'json'];
    const ended = await runRehost(words, { cwd: tmpdir(), env: { PATH: '/nonexistent' } });
    expect(toldBy({ ...ended, code: ended.code ?? -1 })).toMatchObject({
      type: 'ToolMissing',
      exitCode: 1,
      message: 'no container engine answers',
      detail: 'spawn docker ENOENT',
      hint: 'Run "npm run setup"; it starts the engine or says what to install.',
    });
  });
});
