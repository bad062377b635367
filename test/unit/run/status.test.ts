import { renderDetails } from '../../../src/run/details.js';
import { memoOf, resultOf, searchAttributesOf } from '../../../src/run/publication.js';
import { describeRun } from '../../../src/run/status.js';
import { previewRollback } from '../../../src/run/undo.js';
import { change, gate, phase, plan, step, undoCall } from '../../workflows/plans.js';
import { DrivenRun, FAILED } from './run-driver.js';

const detailsOf = (run: DrivenRun): string =>
  renderDetails(describeRun(run.plan, run.state, { now: run.now }));
const parked = (): DrivenRun =>
  new DrivenRun(plan(phase('work', [change('copy', 'clean-up', { skip: 'operator' }), step('after')])))
    .on('act.copy', { failure: FAILED })
    .go();

describe('the details', () => {
  it('of a parked step hold failure, evidence, hint, next command and the whole Signal', () => {
    const details = detailsOf(parked());
    expect(details).toContain('# Parked: needs a person');
    expect(details).toContain('**CommandFailed**: it broke');
    expect(details).toContain('```\nexit status 1\n```');
    expect(details).toContain('Mend it.');
    expect(details).toContain('```sh\nrehost retry m-1 --step copy\n```');
    const signal: unknown = JSON.parse(/```json\n([^`]*)\n```/.exec(details)?.[1] ?? '');
    expect(signal).toEqual({
      id: 'retry-copy-1-by-YOUR-NAME',
      actor: 'YOUR-NAME',
      proof: { kind: 'claimed' },
      digest: 'd1d1d1d1d1d1',
      step: 'copy',
      generation: 1,
    });
    expect(details).toContain('rehost skip m-1 --step copy --reason WHY\nrehost rollback m-1 --reason WHY');
  });

  it('use no nested list and no table', () => {
    const lines = detailsOf(parked()).split('\n');
    expect(lines.filter((line) => /^\s+[-*]/.test(line) || line.startsWith('|'))).toEqual([]);
  });

  it('never offer the expected answer of a question', () => {
    const questions = [{ id: 'told', text: 'Were users told?', expect: 'yes', requirements: [] }] as const;
    const run = new DrivenRun(plan(phase('work', [step('x')], gate('begin', { questions })))).go();
    expect(detailsOf(run)).toContain('--answer told=YES-OR-NO');
    expect(detailsOf(run)).not.toContain('"yes"');
  });

  it('keep what other people wrote from ending a fence or a code span', () => {
    const run = parked();
    run.event({ kind: 'signal-refused', name: 'stop', actor: '`x`', message: 'a\n```\n# b', at: run.now });
    const details = detailsOf(run);
    expect(details).toContain("`'x'`");
    expect(details).not.toContain('\n# b');
    const nasty = new DrivenRun(plan(phase('work', [change('copy')])));
    nasty.on('act.copy', { failure: { ...FAILED, detail: 'x\n```\n# c' } }).go();
    expect(detailsOf(nasty)).toContain("```\nx\n'''\n# c\n```");
  });

  it('stay below what Temporal keeps, for a plan of many steps', () => {
    const steps = Array.from({ length: 400 }, (_, index) => step(`step-number-${index}`));
    const run = new DrivenRun(plan(phase('work', steps, gate('begin')))).go();
    expect(detailsOf(run).length).toBeLessThan(17_000);
    expect(detailsOf(run)).toContain('(cut: run "rehost status m-1")');
  });
});

describe('the status', () => {
  it('counts downtime from the start of the step that begins it to the start of the one that ends it', () => {
    const nodes = [step('fence', { downtime: 'starts' }), step('copy'), step('start', { downtime: 'ends' })];
    const run = new DrivenRun(plan(phase('work', nodes))).on('act.copy', 'open').go();
    run.wait(600);
    expect(describeRun(run.plan, run.state, { now: run.now }).downtime).toMatchObject({ ms: 603_000 });
    run.finish('copy').wait(10_000);
    expect(describeRun(run.plan, run.state, { now: run.now }).downtime).toMatchObject({ ms: 604_000 });
  });

  it('puts progress to the running step only', () => {
    const run = new DrivenRun(plan(phase('work', [step('a'), step('b')]))).on('act.b', 'open').go();
    const progress = { step: 'b', bytesDone: 5, pollFailures: 0 };
    const view = describeRun(run.plan, run.state, { now: run.now, progress: { a: progress, b: progress } });
    expect(view.phases[0]?.steps.map((one) => one.progress)).toEqual([undefined, progress]);
  });

  it('has a memo under two kilobytes and five short search attributes', () => {
    const run = parked();
    const memo = memoOf(run.plan, run.state, run.now);
    expect(JSON.stringify(memo).length).toBeLessThan(2000);
    expect(memo.signal).toBe('rehost retry m-1 --step copy --generation 1 --signal');
    expect(searchAttributesOf(run.plan, run.state)).toEqual({
      RehostState: 'parked',
      RehostPhase: 'work',
      RehostSource: 'source-1',
      RehostTarget: 'target-1',
      RehostMigration: 'm-1',
    });
  });

  it('ends as a result that a report needs nothing else for', () => {
    const run = new DrivenRun(plan(phase('work', [step('a')]))).go();
    expect(resultOf(run.plan, run.state, run.state.ended!)).toMatchObject({
      state: 'done',
      verified: true,
      steps: { a: 'done' },
      run: { migration: 'm-1' },
    });
  });
});

describe('the preview of a rollback', () => {
  it('lists the three orders, what is lost and what stays', () => {
    const evict = step('evict', { undo: { kind: 'none', because: 'keeps' } });
    const swap = change('swap', 'restore-service', {
      undo: {
        kind: 'calls',
        calls: [undoCall('swap', 'restore-service', { loses: 'what testers wrote to the target' })],
      },
    });
    const run = new DrivenRun(
      plan(phase('work', [evict, change('key'), swap, change('start', 'isolate-target'), change('later')])),
    );
    run.on('act.later', 'open').go();
    const preview = previewRollback(run.plan, run.state);
    expect(preview.orders.map(({ order, lines }) => [order, lines.map((line) => line.step)])).toEqual([
      ['isolate-target', ['start']],
      ['restore-service', ['swap']],
      ['clean-up', ['later', 'key']],
    ]);
    expect(preview.losses).toEqual(['what testers wrote to the target']);
    expect(preview.stays).toEqual([{ step: 'evict', title: 'Title of evict', because: 'keeps' }]);
    expect(preview.votersOfGate).toBeUndefined();
  });

  it('names the gate of the first step that replaced the target, from its start on', () => {
    const replace = phase(
      'replace',
      [change('swap', 'restore-service', { replacesTarget: true })],
      gate('replace-target-data', { votes: 1 }),
    );
    const run = new DrivenRun(plan(phase('look', [step('a')], gate('begin', { votes: 1 })), replace))
      .on('act.swap', 'open')
      .go();
    run.command('approve', 'ann', { gate: 'begin', revision: 1 });
    expect(previewRollback(run.plan, run.state).votersOfGate).toBeUndefined();
    run.command('approve', 'ann', { gate: 'replace-target-data', revision: 1 });
    expect(previewRollback(run.plan, run.state).votersOfGate).toBe('replace-target-data');
  });
});
