import { rehostState } from '../../../src/run/state.js';
import { change, gate, phase, plan, step, undoCall } from '../../workflows/plans.js';
import { DrivenRun, FAILED } from './run-driver.js';

const opened = (run: DrivenRun, id: string): DrivenRun => {
  run.go();
  run.command('approve', 'ann', { gate: id, revision: 1 });
  run.command('approve', 'bob', { gate: id, revision: 1 });
  return run;
};

describe('skipping', () => {
  const compare = step('compare', { skip: 'voters', verification: true });
  const parked = (): DrivenRun => {
    const run = new DrivenRun(plan(phase('work', [change('copy'), compare, step('after')], gate('begin'))));
    return opened(run.on('act.compare', { failure: FAILED }), 'begin');
  };
  const skip = { step: 'compare', generation: 1, reason: 'known' };

  it('what only voters may skip takes as many of them as their gate, and marks the run UNVERIFIED', () => {
    const run = parked();
    expect(run.command('skip', 'ann', skip).message).toBe(
      'skipping step compare has 1 of 2 votes; may still vote: bob, cleo',
    );
    expect(run.state.steps['compare']?.status).toBe('parked');
    run.command('skip', 'cleo', skip);
    expect(run.state.steps['compare']).toMatchObject({ status: 'skipped', by: 'cleo' });
    expect(run.state.unverified).toMatchObject([{ step: 'compare', by: 'cleo' }]);
  });

  it.each([
    ['the requester', 'rita', 'the requester never counts in a vote'],
    ['somebody else', 'olaf', 'olaf is not one of them'],
  ])('is refused from %s where voters decide', (_title, actor, sentence) => {
    expect(parked().try('skip', actor, skip)).toContain(sentence);
  });

  it('forgets votes for an earlier generation', () => {
    const run = parked();
    run.command('skip', 'ann', skip);
    run.command('retry', 'olaf', { step: 'compare', generation: 1 });
    run.command('skip', 'bob', { ...skip, generation: 2 });
    expect(run.state.steps['compare']?.status).toBe('parked');
  });

  it('by an operator leaves the run verified, unless it is a verification', () => {
    const nodes = [
      step('notes', { skip: 'operator' }),
      step('check', { skip: 'operator', verification: true }),
    ];
    const run = new DrivenRun(plan(phase('work', nodes)))
      .on('act.notes', { failure: FAILED })
      .on('act.check', { failure: FAILED })
      .go();
    run.command('skip', 'olaf', { step: 'notes', generation: 1, reason: 'x' });
    expect(run.state.unverified).toEqual([]);
    run.command('skip', 'olaf', { step: 'check', generation: 1, reason: 'x' });
    expect(run.state.unverified).toHaveLength(1);
  });
});

describe('rolling back', () => {
  const replacing = (): DrivenRun => {
    const swap = change('swap', 'restore-service', { replacesTarget: true });
    const run = new DrivenRun(plan(phase('replace', [swap, change('last')], gate('replace-target-data'))));
    return opened(run.on('act.last', { failure: FAILED }), 'replace-target-data');
  };

  it('takes one word before the target is replaced, also from the requester', () => {
    const run = new DrivenRun(plan(phase('work', [change('copy')]))).on('act.copy', { failure: FAILED }).go();
    run.command('rollback', 'rita', { reason: 'enough' });
    expect(run.state.ended?.state).toBe('rolled-back');
  });

  it('takes the votes of the replace gate afterwards', () => {
    const run = replacing();
    expect(run.try('rollback', 'rita', { reason: 'x' })).toContain('the requester never counts in a vote');
    run.command('rollback', 'ann', { reason: 'x' });
    expect(run.state.direction).toBe('forward');
    expect(run.try('rollback', 'ANN', { reason: 'x' })).toContain('has already voted');
    run.command('rollback', 'bob', { reason: 'x' });
    expect(run.state.ended?.state).toBe('rolled-back');
  });

  it('forgets votes for a shorter list of what would be undone', () => {
    const swap = change('swap', 'restore-service', { replacesTarget: true });
    const nodes = [swap, change('one'), change('two')];
    const run = opened(
      new DrivenRun(plan(phase('replace', nodes, gate('replace-target-data'))))
        .on('act.one', { failure: FAILED })
        .on('act.two', { failure: FAILED }),
      'replace-target-data',
    );
    run.command('rollback', 'ann', { reason: 'x' });
    run.on('act.one', {}).command('retry', 'olaf', { step: 'one', generation: 1 });
    run.command('rollback', 'bob', { reason: 'x' });
    expect(run.state.direction).toBe('forward');
    run.command('rollback', 'ann', { reason: 'x' });
    expect(run.state.ended?.state).toBe('rolled-back');
  });

  it('that loses something is refused until the loss is accepted in so many words', () => {
    const calls = [undoCall('copy', 'clean-up', { loses: 'the cleared caches' })];
    const nodes = [change('copy', 'clean-up', { undo: { kind: 'calls', calls } })];
    const run = new DrivenRun(plan(phase('work', nodes))).on('act.copy', { failure: FAILED }).go();
    expect(run.try('rollback', 'olaf', { reason: 'x' })).toContain(
      'a rollback now loses: the cleared caches',
    );
    expect(run.try('rollback', 'olaf', { reason: 'x', acceptLoss: false })).toContain('a rollback now loses');
    run.command('rollback', 'olaf', { reason: 'x', acceptLoss: true });
    expect(run.state.ended?.state).toBe('rolled-back');
  });

  it.each(['isolate-target', 'restore-service'] as const)(
    'holds at a failure in %s, whatever else could be undone',
    (order) => {
      const nodes = [change('early', order), change('late', order), change('copy'), change('last')];
      const run = new DrivenRun(plan(phase('work', nodes)))
        .on('act.last', { failure: FAILED })
        .on('undo.late', { failure: FAILED })
        .go();
      run.command('rollback', 'olaf', { reason: 'x' });
      expect(run.calls.slice(4)).toEqual(['undo.late']);
      expect(rehostState(run.plan, run.state)).toBe('rolling-back');
    },
  );

  it('leaves a clean-up behind on one word, an isolation or restore only with votes', () => {
    const work = phase('work', [change('fence', 'restore-service'), change('last')], gate('begin'));
    const run = opened(new DrivenRun(plan(work)).on('act.last', { failure: FAILED }), 'begin');
    run.on('undo.fence', { failure: FAILED }).on('undo.last', { failure: FAILED });
    run.command('rollback', 'olaf', { reason: 'x' });
    const skip = { step: 'fence', generation: 2, reason: 'done by hand' };
    expect(run.try('skip', 'olaf', skip)).toContain('needs the voters of gate begin');
    run.command('skip', 'ann', skip);
    run.command('skip', 'bob', skip);
    run.command('skip', 'olaf', { step: 'last', generation: 2, reason: 'left' });
    expect(run.state.ended?.state).toBe('rolled-back');
    expect(run.state.undo.map((item) => [item.step, item.status, item.skippedBy])).toEqual([
      ['fence', 'skipped', 'bob'],
      ['last', 'skipped', 'olaf'],
    ]);
  });
});

describe('a cancellation', () => {
  it('parks a run whose first change failed, because its effect is unknown', () => {
    const run = new DrivenRun(plan(phase('work', [change('copy')]))).on('act.copy', { failure: FAILED }).go();
    run.event({ kind: 'cancel-requested', at: run.now });
    expect(run.go().state.ended).toBeUndefined();
  });
});

describe('a generation', () => {
  it('is raised by each pass, retry and undo, and the last that acted is remembered', () => {
    const run = new DrivenRun(plan(phase('work', [change('copy')]))).on('act.copy', { failure: FAILED }).go();
    run.command('retry', 'olaf', { step: 'copy', generation: 1 });
    run.on('undo.copy', { failure: FAILED }).command('rollback', 'olaf', { reason: 'x' });
    expect(run.state.steps['copy']).toMatchObject({ status: 'undo-parked', generation: 3, acted: 2 });
    run.command('retry', 'olaf', { step: 'copy', generation: 3 });
    expect(run.state.steps['copy']).toMatchObject({ generation: 4, acted: 2 });
  });
});
