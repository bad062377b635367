/*
 * One run that people and hosts make trouble for: votes that do not count, a fact that drifts while a gate waits, and
 * a service that is started by hand under the fence. In the end it is rolled back, and nothing is left of it.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RunSummary } from '../../src/client.js';
import type { Plan } from '../../src/plan/types.js';
import type { CommandRequests } from '../../src/run/commands.js';
import type { StatusView } from '../../src/run/status.js';
import { compare, printDifferences, snapshot, type Snapshot } from '../oracle/index.js';
import { expectText, expectTold, toldWhen, type Refusal, type Told } from '../told.js';
import { HOSTS, startBench, type Bench } from './fault-bench.js';
import { SPEC, type Wrap } from './world.js';

jest.setTimeout(600_000);

const GCFG = '/etc/rstudio-pm/rstudio-pm.gcfg';
const BY_HAND =
  'setsid /opt/rstudio-pm/bin/rstudio-pm --config /etc/rstudio-pm/rstudio-pm.gcfg >/dev/null 2>&1 </dev/null & echo $! >/root/by-hand; sleep 2; kill -0 "$(cat /root/by-hand)"';
const NOTHING_TOLD = { type: 'none', message: '', hint: '' };
const END_BY_HAND =
  'kill "$(cat /root/by-hand)"; while kill -0 "$(cat /root/by-hand)" 2>/dev/null; do sleep 0.1; done; rm /root/by-hand';

let bench: Bench;
let plan: Plan;
let run: RunSummary;
let planFile: string;
let before: readonly Snapshot[];

const look = (): Promise<readonly Snapshot[]> =>
  Promise.all(HOSTS.map((host) => snapshot(bench.world.exec, host)));

beforeAll(async () => {
  bench = await startBench(process.env['REHOST_LAB'] ?? 'host-faults');
  before = await look();
  planFile = bench.file('plan.json', '');
  const made = await bench.rehost('plan', bench.file('migration.yaml', SPEC), '--out', planFile, '--brief');
  expect(made).toMatchObject({ code: 0 });
  plan = JSON.parse(readFileSync(planFile, 'utf8')) as Plan;
  expect(await bench.rehost('apply', planFile)).toMatchObject({ code: 6 });
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

/** Both hosts, the runs that Temporal knows, and the whole state of this run. */
async function everything(): Promise<string> {
  const { client } = bench.world;
  const { state } = await client.record(await client.find(run.migration));
  return `${await bench.picture()}\n${JSON.stringify(state, undefined, 1)}`;
}

/** Asks for something that must be refused, and compares everything before and after. */
async function expectRefused(ask: () => Promise<Told>, wanted: Refusal): Promise<void> {
  const picture = await everything();
  expectTold(await ask(), wanted);
  expect(await everything()).toBe(picture);
}

/** A vote past the command line, which would not send what it knows to be in vain: the run itself must refuse it. */
const direct = (gate: string, more: Partial<CommandRequests['approve']> = {}): Promise<Told> =>
  toldWhen(
    bench.world.client.command({
      workflowId: run.workflowId,
      name: 'approve',
      request: {
        ...{ id: `direct-${randomUUID()}`, actor: 'dba', proof: { kind: 'claimed' }, digest: plan.digest },
        ...{ gate, revision: 1, ...more },
      },
      signalHint: '',
    }),
  );

/** A command that the run refuses. */
const refusedVote = (message: string, open: string): Refusal => ({
  code: 4,
  type: 'Refused',
  message,
  detail: `Open now: ${open}`,
  hint: `Run "rehost status ${run.workflowId}" to see what is open.`,
});

describe('a second apply on the same target', () => {
  it('is refused with exit 8, names the run that is active and changes nothing', () =>
    expectRefused(() => bench.refused('apply', planFile), {
      code: 8,
      type: 'RunActive',
      message: [
        `a run on target ppm-target is active: ${run.migration} (gate) since ${run.startedAt}`,
        ', requested by requester',
      ],
      detail: 'Waiting for a person: gate begin, evidence revision 1, has 0 of 2 votes',
      hint: `Follow it with "rehost watch ${run.migration}"; a new run may start when it has ended.`,
    }));
});

describe('a vote', () => {
  const NO_VOTES = 'gate begin, evidence revision 1, has 0 of 2 votes; may still vote: dba, lead, owner.';
  const ask = (...words: string[]): Promise<Told> => bench.refused(...words);

  it.each<[string, () => Promise<Told>, () => string]>([
    [
      'by the requester',
      () => ask(...vote('requester', 'begin')),
      () => 'requester asked for this migration, and the requester never counts at a gate',
    ],
    [
      'by somebody who is no voter',
      () => ask(...vote('mallory', 'begin')),
      () => 'mallory is not a voter of gate begin; its voters are: dba, lead, owner',
    ],
    [
      'for evidence that is no longer the present one',
      () => ask(...vote('dba', 'begin', '--revision', '7')),
      () =>
        'the vote is for evidence revision 7 of gate begin, which is now at revision 1: look again, then vote',
    ],
    [
      'for another plan than the one that runs',
      () => direct('begin', { digest: 'f'.repeat(64) }),
      () => `the command is for plan ffffffffffff, but this run carries out plan ${plan.digest.slice(0, 12)}`,
    ],
    [
      'for a gate that is not reached, sent past the command line',
      () => direct('hand-over'),
      () => 'gate hand-over is not reached yet',
    ],
    [
      'with an answer that means no',
      () => ask(...vote('dba', 'begin'), '--answer', 'phase-1-accepted=no'),
      () => ' means: reject (gate begin opens only with "yes")',
    ],
  ])('is refused with exit 4 and changes nothing: %s', (_what, send, message) =>
    expectRefused(send, refusedVote(message(), NO_VOTES)),
  );

  it('is refused with exit 4 and changes nothing: for a gate that the command line knows is not reached', () =>
    expectRefused(() => ask(...vote('dba', 'hand-over')), {
      ...refusedVote('"hand-over" is not open: nothing of this kind waits for a person now', NO_VOTES),
      hint: `Run "rehost status ${run.migration}" to see what is open.`,
    }));

  it('is refused with exit 4 and changes nothing: by a person who has voted', async () => {
    expect(await bench.rehost(...vote('dba', 'begin'))).toMatchObject({ code: 0 });
    await expectRefused(
      () => ask(...vote('dba', 'begin')),
      refusedVote(
        'dba has already voted at gate begin, and one person has one vote',
        'gate begin, evidence revision 1, has 1 of 2 votes; may still vote: lead, owner.',
      ),
    );
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
    expect(step?.id).toBe('recheck-begin');
    expectText(step?.failure ?? NOTHING_TOLD, {
      type: 'PlanStale',
      message: '1 pinned fact is not as when the plan was made',
      detail: 'ppm-source: configDigest was ',
      hint: 'run "rehost retry"',
    });
    expect(await bench.picture()).toBe(picture);

    const closed = 'step recheck-begin is parked (generation 1).';
    await expectRefused(
      () => direct('begin', { actor: 'owner' }),
      refusedVote('gate begin is already open, with 2 of 2 votes', closed),
    );
    await expectRefused(() => bench.refused(...vote('owner', 'begin')), {
      ...refusedVote('"begin" is not open: nothing of this kind waits for a person now', closed),
      hint: `Run "rehost status ${run.migration}" to see what is open.`,
    });
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
      expectText(step.failure ?? NOTHING_TOLD, {
        type: 'FenceBroken',
        message: 'the fence of rstudio-pm.service on host ppm-source is broken: process ',
        detail: [' runs the service: ', '/opt/rstudio-pm/bin/rstudio-pm --config'],
        hint: 'rehost rollback',
      });
      expect(step.failure?.detail).toMatch(/process \d+ runs the service/);
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

  it('does not start by systemctl, loudly, and nothing is changed: the fence holds', async () => {
    const picture = await everything();
    const { status: code, stderr } = await bench.world.exec('ppm-source', [
      'systemctl',
      'start',
      'rstudio-pm',
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toContain('Assertion failed');
    expect(await bench.on('ppm-source', 'systemctl is-active rstudio-pm || true')).toBe('inactive');
    expect(await everything()).toBe(picture);
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

  it('takes no vote any more once the run has ended, and says how it ended', () =>
    expectRefused(() => direct('begin', { actor: 'owner' }), {
      code: 4,
      type: 'Refused',
      message: `approve comes too late: the run ${run.workflowId} has ended`,
      detail: `Migration ${run.migration} is rolled-back since 20`,
      hint: `Run "rehost report ${run.workflowId}" to see how it ended.`,
    }));
});
