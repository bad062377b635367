/* The line that "rehost watch" prints, as a pure function of the status, and how a run is followed with it. */
import type { RunSummary } from '../../../src/client.js';
import type { CommandContext } from '../../../src/cli/context.js';
import { follow } from '../../../src/cli/follow.js';
import type { Io } from '../../../src/cli/io.js';
import { progressText, watchLine } from '../../../src/cli/status-lines.js';
import { failure } from '../../../src/failures.js';
import type { Progress } from '../../../src/plan/call.js';
import type { Plan } from '../../../src/plan/types.js';
import { describeRun, type StatusView } from '../../../src/run/status.js';
import { change, gate, phase, plan, step } from '../../workflows/plans.js';
import { DrivenRun, FAILED } from '../run/run-driver.js';

const MIB = 1024 * 1024;
const progress = (more: Partial<Progress>): Progress => ({
  step: 'copy',
  bytesDone: 0,
  pollFailures: 0,
  ...more,
});

describe('progressText', () => {
  it.each<[string, Partial<Progress>, string]>([
    [
      'everything that a copy tells',
      {
        bytesDone: 512 * MIB,
        bytesTotal: 2048 * MIB,
        filesDone: 12_345,
        bytesPerSecond: 80 * MIB,
        etaMs: 19_000,
      },
      '512 MiB of 2 GiB, 12 345 files, 80 MiB/s, 19 s left',
    ],
    ['bytes without a known total', { bytesDone: 3 * MIB }, '3 MiB'],
    ['a copy that has just begun', { bytesTotal: 2 * MIB }, '0 B of 2 MiB'],
    ['a unit that moves no bytes', { filesDone: 7, note: 'hashing' }, '7 files, hashing'],
    ['nothing yet', {}, ''],
    [
      'a host that does not answer',
      { bytesDone: MIB, pollFailures: 3 },
      '1 MiB, host has not answered 3 times',
    ],
    ['an end that is here', { bytesDone: MIB, bytesTotal: MIB, etaMs: 0 }, '1 MiB of 1 MiB, 0 s left'],
  ])('shows %s', (_what, told, text) => {
    expect(progressText(progress(told))).toBe(text);
  });
});

/** A run of two phases in which the second step takes the source out of service. */
const moving = (): Plan =>
  plan(
    phase('warm', [step('look')]),
    phase('final', [
      change('fence', 'restore-service', { downtime: 'starts' }),
      change('copy'),
      change('start', 'clean-up', { downtime: 'ends' }),
    ]),
  );
const viewOf = (run: DrivenRun, told: Record<string, Progress> = {}): StatusView =>
  describeRun(run.plan, run.state, { now: run.now, progress: told });
const lineOf = (run: DrivenRun, told: Record<string, Progress> = {}): string =>
  watchLine(viewOf(run, told), new Date('2026-11-20T07:08:09.999Z'));

describe('watchLine', () => {
  const half = progress({
    bytesDone: 50 * MIB,
    bytesTotal: 100 * MIB,
    bytesPerSecond: 10 * MIB,
    etaMs: 5000,
  });
  it.each<[string, () => string, string]>([
    [
      'a step that tells no progress by its name alone',
      () => lineOf(new DrivenRun(moving()).on('act.look', 'open').go()),
      '07:08:09 running 1/2 warm: look',
    ],
    [
      'bytes, rate, time left and the downtime so far',
      () => lineOf(new DrivenRun(moving()).on('act.copy', 'open').go().wait(598), { copy: half }),
      '07:08:09 running 2/2 final: copy (50 MiB of 100 MiB, 10 MiB/s, 5 s left), downtime 10 min 1 s so far',
    ],
    [
      'the downtime in all once the target serves',
      () => lineOf(new DrivenRun(moving()).go()),
      '07:08:09 done, downtime 4 s',
    ],
    [
      'several running steps, each with its own progress',
      () => {
        const branches = {
          kind: 'parallel',
          id: 'both',
          branches: [[change('copy')], [change('other')]],
        } as const;
        const run = new DrivenRun(plan(phase('warm', [branches])));
        return lineOf(run.on('act.copy', 'open').on('act.other', 'open').go(), { copy: half });
      },
      '07:08:09 running 1/1 warm: copy (50 MiB of 100 MiB, 10 MiB/s, 5 s left), other',
    ],
    [
      'a gate with its phase and no step',
      () => lineOf(new DrivenRun(plan(phase('prepare', [step('look')], gate('begin')))).go()),
      '07:08:09 gate 1/1 prepare',
    ],
    [
      'a parked run',
      () => lineOf(new DrivenRun(moving()).on('act.copy', { failure: FAILED }).go()),
      '07:08:09 parked 2/2 final, downtime 4 s so far',
    ],
    [
      'the step that is being undone',
      () => {
        const run = new DrivenRun(moving()).on('act.copy', { failure: FAILED }).on('undo.copy', 'open').go();
        run.command('rollback', run.state.requester, { reason: 'enough' });
        return lineOf(run).replace(/, downtime.*/, '');
      },
      '07:08:09 rolling-back 2/2 final: copy',
    ],
  ])('shows %s', (_what, line, wanted) => {
    expect(line()).toBe(wanted);
  });
});

describe('follow', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  /** Follows a run whose status answers these one after the other, the last one for ever. */
  async function following(
    answers: readonly (StatusView | Error)[],
    options: { until?: 'attention' | 'end'; forMs?: number; mode?: 'table' | 'jsonl'; leaveAt?: number } = {},
  ): Promise<{ code: number; said: string[]; out: string[]; asked: number }> {
    const { until = 'end', forMs, mode = 'table', leaveAt } = options;
    const said: string[] = [];
    const out: string[] = [];
    const controller = new AbortController();
    let asked = 0;
    const status = (): Promise<StatusView> => {
      const answer = answers[Math.min(asked, answers.length - 1)];
      asked += 1;
      if (asked === leaveAt) controller.abort();
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer!);
    };
    const context = {
      io: { out: (text: string) => void out.push(text), interrupted: controller.signal } as unknown as Io,
      mode,
      say: (text: string) => void said.push(text),
      client: () => Promise.resolve({ status }),
    };
    const ended = follow(context as unknown as CommandContext, { migration: 'm-1' } as RunSummary, {
      until,
      ...(forMs === undefined ? {} : { forMs }),
    });
    // Whether it throws is what the caller looks at; until then it must not count as unhandled.
    ended.catch(() => undefined);
    await jest.advanceTimersByTimeAsync(100_000);
    return { code: await ended, said, out, asked };
  }

  const running = (): StatusView => viewOf(new DrivenRun(moving()).on('act.copy', 'open').go());
  const later = (): StatusView => viewOf(new DrivenRun(moving()).on('act.copy', 'open').go().wait(7));
  const done = (): StatusView => viewOf(new DrivenRun(moving()).go());
  const away = failure('NoWorker', { message: 'no worker took the task up', hint: '' });

  it('prints one line per change, and none for the clock or the downtime alone', async () => {
    const { code, said } = await following([running(), later(), running(), done()]);
    expect(code).toBe(0);
    expect(said.filter((line) => line.includes('running 2/2 final: copy'))).toHaveLength(1);
    expect(said.at(-1)).toBe(done().headline);
  });

  it('prints an unchanged line again after half a minute, as a sign of life', async () => {
    const { said } = await following([running()], { forMs: 70_000 });
    expect(said.filter((line) => line.includes('running 2/2 final: copy'))).toHaveLength(3);
  });

  it('prints the whole status per change with jsonl, and no line for people', async () => {
    const { out } = await following([running(), later(), done()], { mode: 'jsonl' });
    expect(out.map((line) => (JSON.parse(line) as StatusView).state)).toEqual(['running', 'done']);
  });

  it('ends with 7 when its time is over, and says that the run goes on', async () => {
    const { code, said } = await following([running()], { forMs: 5000 });
    expect(code).toBe(7);
    expect(said.at(-1)).toBe('Stopped watching; the run goes on. Follow it: rehost watch m-1');
  });

  it('ends with 130 on Ctrl-C, and says that the run goes on', async () => {
    const { code, said } = await following([running()], { leaveAt: 2 });
    expect(code).toBe(130);
    expect(said.at(-1)).toBe('Detached; the run goes on. Follow it: rehost watch m-1');
  });

  it.each([
    ['a gate', 6, plan(phase('prepare', [step('look')], gate('begin')))],
    ['a parked step', 13, moving()],
  ])('until attention ends at %s with %i, with what is open', async (_what, code, made) => {
    const view = viewOf(new DrivenRun(made).on('act.copy', { failure: FAILED }).go());
    const heard = await following([view], { until: 'attention' });
    expect(heard.code).toBe(code);
    expect(heard.said.join('\n')).toMatch(/^OPEN: (.*\n)* {2}next: rehost /m);
  });

  it('until the end goes on past a gate', async () => {
    const waiting = viewOf(new DrivenRun(plan(phase('prepare', [step('look')], gate('begin')))).go());
    expect((await following([waiting, waiting, done()])).code).toBe(0);
  });

  it('asks again for a minute when no worker answers, and tells it once', async () => {
    const { code, said } = await following([away, away, away, done()]);
    expect(code).toBe(0);
    expect(said.filter((line) => line.includes('asking again for a minute'))).toHaveLength(1);
  });

  it('gives up after a minute without a worker', async () => {
    await expect(following([away])).rejects.toMatchObject({ type: 'NoWorker' });
  });
});
