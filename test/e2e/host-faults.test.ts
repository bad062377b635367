/*
 * One run that people and hosts make trouble for: votes that do not count, a fact that drifts while a gate waits, and
 * a service that is started by hand under the fence. In the end it is rolled back, and nothing is left of it.
 */
import { readFileSync } from 'node:fs';
import type { RunSummary } from '../../src/client.js';
import type { Plan } from '../../src/plan/types.js';
import type { StatusView } from '../../src/run/status.js';
import { compare, printDifferences, snapshot, type Snapshot } from '../oracle/index.js';
import { HOSTS, startBench, type Bench, type Told } from './fault-bench.js';
import { SPEC, type Wrap } from './world.js';

jest.setTimeout(600_000);

const GCFG = '/etc/rstudio-pm/rstudio-pm.gcfg';
const BY_HAND =
  'setsid /opt/rstudio-pm/bin/rstudio-pm --config /etc/rstudio-pm/rstudio-pm.gcfg >/dev/null 2>&1 </dev/null & echo $! >/root/by-hand; sleep 2; kill -0 "$(cat /root/by-hand)"';
const END_BY_HAND =
  'kill "$(cat /root/by-hand)"; while kill -0 "$(cat /root/by-hand)" 2>/dev/null; do sleep 0.1; done; rm /root/by-hand';

let bench: Bench;
let plan: Plan;
let run: RunSummary;
let before: readonly Snapshot[];

const look = (): Promise<readonly Snapshot[]> =>
  Promise.all(HOSTS.map((host) => snapshot(bench.world.exec, host)));

beforeAll(async () => {
  bench = await startBench(process.env['REHOST_LAB'] ?? 'host-faults');
  before = await look();
  const file = bench.file('plan.json', '');
  const made = await bench.rehost('plan', bench.file('migration.yaml', SPEC), '--out', file, '--brief');
  expect(made).toMatchObject({ code: 0 });
  plan = JSON.parse(readFileSync(file, 'utf8')) as Plan;
  expect(await bench.rehost('apply', file)).toMatchObject({ code: 6 });
  run = await bench.world.client.find();
});
afterAll(() => bench?.world.close());

/** Flags that answer every question of a gate as it wants to be answered. */
function answers(gate: string): string[] {
  const questions = plan.phases.find((phase) => phase.gate?.id === gate)?.gate?.questions ?? [];
  return questions.flatMap(({ id, expect: wanted }) => [
    '--answer',
    `${id}=${wanted === 'text' ? 'the test says so' : wanted}`,
  ]);
}
const vote = (actor: string, gate: string, ...flags: string[]): string[] => [
  `actor=${actor}`,
  ...['approve', run.migration, '--gate', gate, ...answers(gate), ...flags],
];
const parkedSteps = (view: StatusView) =>
  view.phases.flatMap((phase) => phase.steps.filter((step) => step.status === 'parked'));
const status = async (): Promise<StatusView> =>
  JSON.parse((await bench.rehost('status', run.migration, '-o', 'json')).out) as StatusView;

/** Opens a gate with two votes and follows the run until it needs a person; answers the exit code of `watch`. */
async function pass(gate: string): Promise<number> {
  for (const actor of ['dba', 'lead'])
    expect(await bench.rehost(...vote(actor, gate))).toMatchObject({ code: 0 });
  return attention();
}

async function attention(): Promise<number> {
  for (;;) {
    const { code } = await bench.rehost('watch', run.migration, '--until', 'attention');
    // A phase begins a moment after its gate opened: until then the run still shows nothing to wait for.
    if (code !== 7) return code;
  }
}

describe('a vote', () => {
  it.each<[string, () => string[], string]>([
    ['by the requester', () => vote('requester', 'begin'), 'the requester never counts at a gate'],
    ['by somebody who is no voter', () => vote('mallory', 'begin'), 'its voters are: dba, lead, owner'],
    [
      'for evidence that is no longer the present one',
      () => vote('dba', 'begin', '--revision', '7'),
      'the vote is for evidence revision 7 of gate begin, which is now at revision 1',
    ],
    ['for a gate that is not reached', () => vote('dba', 'hand-over'), 'Open now: gate begin'],
    [
      'with an answer that means no',
      () => [...vote('dba', 'begin'), '--answer', 'phase-1-accepted=no'],
      'means: reject',
    ],
  ])('is refused with exit 4 and changes nothing: %s', async (_what, words, message) => {
    const picture = await bench.picture();
    const told = await bench.refused(...words());
    expect(told).toMatchObject({ type: 'Refused', exitCode: 4 });
    expect(told.message).toContain(message);
    expect(told.hint).toContain('rehost status');
    expect((await status()).phases[1]?.gate?.votes).toEqual([]);
    expect(await bench.picture()).toBe(picture);
  });

  it('is refused with exit 4 for another plan than the one that runs', async () => {
    const request = {
      ...{ id: 'stale-plan', actor: 'dba', proof: { kind: 'claimed' as const }, gate: 'begin', revision: 1 },
      digest: 'f'.repeat(64),
    };
    await expect(
      bench.world.client.command({
        workflowId: run.workflowId,
        name: 'approve',
        request,
        signalHint: '',
      }),
    ).rejects.toMatchObject({ type: 'Refused', exitCode: 4, message: expect.stringContaining('plan') });
  });

  it('is refused with exit 4 when the same person has voted', async () => {
    expect(await bench.rehost(...vote('dba', 'begin'))).toMatchObject({ code: 0 });
    const told = await bench.refused(...vote('dba', 'begin'));
    expect(told).toMatchObject({ type: 'Refused', exitCode: 4 });
    expect(told.message).toContain('dba has already voted at gate begin, and one person has one vote');
  });
});

describe('a pinned fact that drifted while the gate waited', () => {
  it('parks the run before anything is changed, is named, and a retry goes on once it is put back', async () => {
    await bench.on('ppm-source', `cp -p ${GCFG} /root/gcfg-kept; echo '; changed' >>${GCFG}`);
    const picture = await bench.picture();
    expect(await bench.rehost(...vote('lead', 'begin'))).toMatchObject({ code: 0 });
    expect(await attention()).toBe(13);
    const [step, ...others] = parkedSteps(await status());
    expect(others).toEqual([]);
    expect(step).toMatchObject({ id: 'recheck-begin', failure: { type: 'PlanStale' } });
    expect(step?.failure).toMatchObject({
      message: '1 pinned fact is not as when the plan was made',
      detail: expect.stringContaining('ppm-source: configDigest was '),
      hint: expect.stringContaining('rehost retry'),
    });
    expect(await bench.picture()).toBe(picture);

    const late = await bench.refused(...vote('owner', 'begin'));
    expect(late).toMatchObject({ type: 'Refused', exitCode: 4 });
    await bench.on('ppm-source', `cp -p /root/gcfg-kept ${GCFG}; rm /root/gcfg-kept`);
    expect(await bench.rehost('actor=dba', 'retry', run.migration)).toMatchObject({ code: 0 });
    expect(await attention()).toBe(6);
  });
});

describe('the service of the source, started by hand under the fence', () => {
  // Right after the fence was raised, so that both artefacts that are made under it meet the process.
  const startedBehindTheFence = (): Wrap => (activities) =>
    Object.fromEntries(
      Object.entries(activities).map(([name, act]) => [
        name,
        async (call) => {
          const outcome = await act(call);
          if (call.step === 'fence-source' && call.mode === 'act') await bench.on('ppm-source', BY_HAND);
          return outcome;
        },
      ]),
    );

  const brokenFence = async (wanted: readonly string[]): Promise<void> => {
    // The first parked step ends the waiting; the branch beside it may still be looking at the fence.
    let view = await status();
    while (view.phases.some((phase) => phase.steps.some((step) => step.status === 'running'))) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      view = await status();
    }
    const parked = parkedSteps(view);
    expect(parked.map((step) => step.id).sort()).toEqual(wanted);
    for (const step of parked) {
      const told = step.failure as unknown as Told;
      expect(told).toMatchObject({ type: 'FenceBroken' });
      expect(told.message).toContain(
        'the fence of rstudio-pm.service on host ppm-source is broken: process ',
      );
      expect(told.detail).toMatch(
        /process \d+ runs the service: .*\/opt\/rstudio-pm\/bin\/rstudio-pm --config/,
      );
      expect(told.hint).toContain('rehost rollback');
    }
  };

  it('parks both artefacts when it is the bare program, and names its process', async () => {
    await bench.world.restartWorker(startedBehindTheFence());
    expect(await pass('stop-source')).toBe(13);
    await brokenFence(['final-copy-data', 'manifest-source-data']);
    await bench.on('ppm-source', END_BY_HAND);
    await bench.world.restartWorker();
  });

  it('goes on after a retry when nothing was written', async () => {
    for (const step of ['final-copy-data', 'manifest-source-data'])
      expect(await bench.rehost('actor=dba', 'retry', run.migration, '--step', step)).toMatchObject({
        code: 0,
      });
    expect(await attention()).toBe(6);
    expect((await status()).phases.find((phase) => phase.status === 'at-gate')?.gate?.id).toBe(
      'replace-target-data',
    );
  });

  it('does not start by systemctl, loudly, and the fence holds', async () => {
    const { status: code, stderr } = await bench.world.exec('ppm-source', [
      'systemctl',
      'start',
      'rstudio-pm',
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toContain('Assertion failed');
    expect(await bench.on('ppm-source', 'systemctl is-active rstudio-pm || true')).toBe('inactive');
  });

  it('parks the run before the data of the target is touched when it was started while the gate waited', async () => {
    await bench.on('ppm-source', BY_HAND);
    const target = await snapshot(bench.world.exec, 'ppm-target');
    expect(await pass('replace-target-data')).toBe(13);
    await brokenFence(['recheck-replace-target-data']);
    expect(printDifferences(compare(target, await snapshot(bench.world.exec, 'ppm-target')))).toBe(
      '0 differences',
    );
    await bench.on('ppm-source', END_BY_HAND);
  });

  it('leaves nothing behind on either host once the run is rolled back', async () => {
    const words = ['rollback', run.migration, '--reason', 'the fence was broken', '--confirm', 'ppm-target'];
    expect(await bench.rehost('actor=dba', ...words)).toMatchObject({ code: 9 });
    const after = await look();
    const differences = before.flatMap((one, at) =>
      compare(one, after[at]!, { migrations: [run.migration] }),
    );
    expect(printDifferences(differences)).toBe('0 differences');
  });
});
