/*
 * One migration during which everything that can be away is away once: Temporal, the worker, both hosts.
 */
import { labRestart } from '../../lab/lab.js';
import type { RunSummary } from '../../src/client.js';
import { incomingPath, journalPath, stepDir, unitName } from '../../src/contracts/paths.js';
import type { DevServer } from '../../src/dev-server.js';
import type { Plan } from '../../src/plan/types.js';
import type { StatusView, StepView } from '../../src/run/status.js';
import { compare, compareMigration, printDifferences, snapshot, type Snapshot } from '../oracle/index.js';
import {
  eventually,
  patiently,
  rehost,
  restartTemporal,
  startStranger,
  startWorkerProcess,
  type WorkerProcess,
} from './restarts-world.js';
import { expectText, expectTold, toldBy, type Refusal } from '../told.js';
import { keep, REQUESTER, SPEC, startWorld, type World } from './world.js';

jest.setTimeout(900_000);

const DATA = '/srv/ppm/data';
const HOSTS = ['ppm-source', 'ppm-target'] as const;
const NAME = process.env['REHOST_LAB'] ?? 'restarts';
/** Copies are slowed down to be met in the middle: the warm one takes about 35 s, the final one about 75 s. */
const LIMIT_MIB = 2;
const WARM_MIB = 64;
// Longer than the heartbeat timeout of a unit, 60 s: the new worker meets a unit that still runs.
const FINAL_MIB = 150;

describe('a migration while everything is restarted once', () => {
  let world: World;
  let server: DevServer;
  let worker: WorkerProcess;
  let plan: Plan;
  let strangersPlan: string;
  let run: RunSummary;
  let sourceBefore: Snapshot;
  let targetBefore: Snapshot;

  beforeAll(async () => {
    world = await startWorld({ name: NAME });
    server = world.server;
    await world.worker.stop();
    worker = await startWorkerProcess(world);
    await ballast('warm', WARM_MIB);
    const spec = keep(world, 'migration.yaml', `${SPEC}transfer: { limit: ${LIMIT_MIB}MiB/s }\n`);
    strangersPlan = `${spec}.json`;
    const stranger = await startStranger(world);
    try {
      expect(
        await rehost(stranger.address, 'stranger', ['plan', spec, '--out', strangersPlan]),
      ).toMatchObject({
        code: 0,
      });
    } finally {
      await stranger.close();
    }
    plan = await world.plan(`${SPEC}transfer: { limit: ${LIMIT_MIB}MiB/s }\n`);
    targetBefore = await snapshot(world.exec, 'ppm-target');
    run = await world.apply(plan);
    await world.approve(run, plan);
  });
  afterAll(async () => {
    await worker?.kill();
    await world?.close();
    await server?.stop();
  });

  it('goes on copying in the same unit when Temporal is killed in the middle of a copy, and says so with exit 11', async () => {
    await copied('warm-copy-data', 4);
    server = await restartTemporal(world, server, { by: 'kill', meanwhile: unreachable });
    expect(await unitState('warm-copy-data', 1)).toBe('active');
    const after = await landed();
    await copied('warm-copy-data', after + 4);
    const step = await stepOf('warm-copy-data');
    expect([step.status, step.generation]).toEqual(['running', 1]);
    expect(await executions('warm-copy-data')).toEqual(['g1']);
  });

  it('parks with HostRestarted when the target restarts in the middle of a copy, and goes on after a retry', async () => {
    expect(await unitState('warm-copy-data', 1)).toBe('active');
    const whole = Number(await sh('ppm-source', `du -sm --exclude=cache ${DATA} | cut -f1`));
    const before = await landed();
    const live = await liveOnTarget();
    await labRestart('ppm-target', { name: NAME });
    const parked = await until('parked');
    const step = await stepOf('warm-copy-data');
    expectText(step.failure ?? { type: 'none', message: '', hint: '' }, {
      type: 'HostRestarted',
      message: `host ppm-target was restarted while ${unitName(run.migration, 'warm-copy-data', 1)}.service was running`,
      detail: 'The boot identity differs from the one the unit was started under',
      hint: 'then run "rehost retry": the step starts anew under a new generation',
    });
    expect(await cli('operator', 'watch', run.migration, '--until', 'attention')).toMatchObject({ code: 13 });
    expect(await liveOnTarget()).toBe(live);
    expect(parked.open[0]?.offers[0]?.line).toBe(`rehost retry ${run.migration} --step warm-copy-data`);
    const retried = await cli('operator', 'retry', run.migration);
    expect([retried.code, retried.err]).toEqual([0, '']);
    await until('gate');
    // What had landed before the restart was not sent again.
    expect(await received('warm-copy-data', 2)).toBeLessThan(whole - before + 4);
  });

  it('refuses an apply from another Temporal with exit 8, naming the claim, and changes nothing', async () => {
    await quiet();
    const before = await Promise.all(HOSTS.map((host) => snapshot(world.exec, host)));
    const stranger = await startStranger(world);
    try {
      const words = ['apply', strangersPlan, '-o', 'json'];
      expectTold(toldBy(await rehost(stranger.address, 'stranger', words)), {
        code: 8,
        type: 'ClaimForeign',
        message: [' is claimed by migration ', run.migration],
        detail: [
          `Workflow ${run.workflowId}, requested by ${REQUESTER}, since 20`,
          '; the claim is /var/lib/rehost/claim on the host.',
        ],
        hint: [
          `Run "rehost status ${run.migration}" and finish or roll it back.`,
          `follow /var/lib/rehost/${run.migration}/UNDO.md on the host and remove /var/lib/rehost/claim last`,
        ],
      });
      expect((await rehost(stranger.address, 'stranger', ['list', '--all'])).out).not.toContain(
        'ppm-target-',
      );
    } finally {
      await stranger.close();
    }
    const after = await Promise.all(HOSTS.map((host) => snapshot(world.exec, host)));
    for (const [at] of HOSTS.entries()) {
      expect(printDifferences(compare(before[at]!, after[at]!))).toBe('0 differences');
    }
  });

  it('exits 11 without a worker and takes the same vote as a Signal, which counts once a worker is there', async () => {
    await worker.stop();
    const words = ['--answer', 'users-told=Ada', '--answer', 'meanwhile-plan=they wait'];
    const refused = toldBy(await cli('dba', 'approve', run.migration, ...words, '-o', 'json'));
    expectTold(refused, noWorker('Waiting for a person: gate stop-source, '));
    const twin =
      / (--gate stop-source) .*(--revision \d+) (--signal)$/m.exec(refused.detail ?? '')?.slice(1) ?? [];
    const bound = twin.join(' ').split(' ');
    const sent = await cli('dba', 'approve', run.migration, ...words, ...bound);
    expect([sent.code, sent.err]).toEqual([0, '']);
    worker = await startWorkerProcess(world);
    const view = await patiently(() => world.status(run));
    expect(gateOf(view).votes.map((vote) => vote.actor)).toEqual(['dba']);
  });

  it('finishes the final copy in one execution when the worker is killed in the middle of it', async () => {
    await ballast('final', FINAL_MIB);
    sourceBefore = await snapshot(world.exec, 'ppm-source');
    const voted = await cli('lead', 'approve', run.migration);
    expect([voted.code, voted.err]).toEqual([0, '']);
    const before = await copied('final-copy-data', WARM_MIB + 8);
    await worker.kill();
    expectTold(
      toldBy(await cli('operator', 'status', run.migration, '-o', 'json')),
      noWorker('Final copy under the fence'),
    );
    expect(await unitState('final-copy-data', 1)).toBe('active');
    expect(await landed()).toBeGreaterThan(before);
    worker = await startWorkerProcess(world);
    await until('gate');
    expect(await executions('final-copy-data')).toEqual(['g1']);
    const step = await stepOf('final-copy-data');
    expect([step.status, step.generation]).toEqual(['done', 1]);
  });

  it('keeps fence and gate while Temporal is killed and the worker and both hosts restart, and goes on to the end', async () => {
    expect(gateOf(await world.status(run)).id).toBe('replace-target-data');
    server = await restartTemporal(world, server, { by: 'kill', meanwhile: unreachable });
    await worker.stop();
    worker = await startWorkerProcess(world);
    for (const host of HOSTS) await labRestart(host, { name: NAME });
    const start = await world.exec('ppm-source', ['systemctl', 'start', 'rstudio-pm.service']);
    expect([start.status === 0, await serves('ppm-source')]).toEqual([false, false]);
    const done = await patiently(() => world.approveUntil(run, plan));
    expect(done.state).toBe('done');
    const [source, target] = await Promise.all(HOSTS.map((host) => snapshot(world.exec, host)));
    const found = compareMigration(source!, target!, {
      trees: [{ source: DATA, target: DATA }],
      launcherDirectories: HOSTS.map((host) => `launcher-${host}`),
      sourceBefore,
      targetBefore,
    });
    expect(printDifferences(found)).toBe('0 differences');
  });

  const cli = (actor: string, ...argv: string[]): ReturnType<typeof rehost> =>
    rehost(server.address, actor, argv);
  const until = (...states: string[]): Promise<StatusView> => patiently(() => world.until(run, ...states));

  /** What a command says while no worker is there: what the run published last. */
  const noWorker = (lastKnown: string): Refusal => ({
    code: 11,
    type: 'NoWorker',
    message: 'Temporal answers, but no worker took the task up in time',
    detail: ['Last known at 20', lastKnown],
    hint: 'Start a worker with "rehost worker" (or "rehost up"), then run the command again.',
  });

  /** What a command says while no Temporal is there. */
  const unreachable = async (): Promise<void> =>
    expectTold(toldBy(await cli('operator', 'status', run.migration, '-o', 'json')), {
      code: 11,
      type: 'TemporalUnreachable',
      message: `no Temporal answers at ${server.address}`,
      detail: 'Failed to connect before the deadline',
      hint: 'Start one with "rehost up", or name yours with --address or TEMPORAL_ADDRESS.',
    });

  /** Digest of what the target has in place, without what its product writes by itself. */
  const liveOnTarget = (): Promise<string> =>
    sh(
      'ppm-target',
      `find /etc/rstudio-pm ${DATA}/packages ${DATA}/persistent -printf '%p %y %m %U:%G %s %T@ %l\\n' -type f -exec sha256sum {} + | LC_ALL=C sort | sha256sum`,
    );

  async function sh(host: string, script: string): Promise<string> {
    const { status, stdout, stderr } = await world.exec(host, ['sh', '-c', script]);
    if (status !== 0) throw new Error(`${script} ended with ${status} on ${host}: ${stderr}`);
    return stdout.trim();
  }

  /** Data as the service would have written it, in files of one MiB: a copy that ended loses at most one. */
  const ballast = (name: string, mib: number): Promise<string> =>
    sh(
      'ppm-source',
      `cd ${DATA}/persistent; head -c ${mib}M /dev/urandom | split -b 1M - ballast-${name}-; chmod 0600 ballast-*; chown --reference=. ballast-*`,
    );

  /** MiB of the incoming copy, unfinished files included. */
  async function landed(): Promise<number> {
    const incoming = incomingPath(DATA, run.migration);
    return Number(await sh('ppm-target', `du -sm ${incoming} 2>/dev/null | cut -f1 || true`));
  }

  /** Waits until so many MiB of the running copy have landed. */
  async function copied(step: string, mib: number): Promise<number> {
    let found = 0;
    await eventually(`${step} has copied ${mib} MiB`, 240_000, async () => {
      found = await landed();
      return found >= mib;
    });
    return found;
  }

  const unitState = (step: string, generation: number): Promise<string> =>
    sh(
      'ppm-target',
      `systemctl show -p ActiveState --value ${unitName(run.migration, step, generation)}.service`,
    );

  /** Generations of a step that were really executed, from the journal of the host. */
  async function executions(step: string): Promise<readonly string[]> {
    const journal = await sh('ppm-target', `cat ${journalPath(run.migration)}`);
    return [...journal.matchAll(new RegExp(`-${step}-(g\\d+)\\b`, 'g'))].map((found) => found[1] ?? '');
  }

  /** MiB that one pass of a step received, from its record on the host. */
  async function received(step: string, generation: number): Promise<number> {
    const passes = await sh('ppm-target', `cat ${stepDir(run.migration, step)}/passes`);
    const bytes = new RegExp(`^pass ${generation} (\\d+)$`, 'm').exec(passes)?.[1];
    return Number(bytes ?? 'NaN') / 1024 / 1024;
  }

  async function stepOf(id: string): Promise<StepView> {
    const view = await patiently(() => world.status(run));
    const step = view.phases.flatMap((phase) => phase.steps).find((one) => one.id === id);
    if (step === undefined) throw new Error(`no step ${id}`);
    return step;
  }

  /** Waits until no step works any more: at a gate the copy is kept warm once. */
  const quiet = (): Promise<void> =>
    eventually('nothing runs', 120_000, async () => {
      const view = await patiently(() => world.status(run));
      return view.phases.every((phase) => phase.steps.every((step) => step.status !== 'running'));
    });

  const gateOf = (view: StatusView) => {
    const gate = view.phases.find((phase) => phase.status === 'at-gate')?.gate;
    if (gate === undefined) throw new Error(`no gate is open: ${view.headline}`);
    return gate;
  };

  async function serves(host: string): Promise<boolean> {
    const { status } = await world.exec(host, ['curl', '-fsS', 'http://127.0.0.1:4242/__ping__']);
    return status === 0;
  }
});
