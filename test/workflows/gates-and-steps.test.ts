import { broken, Fakes, outcome } from './fakes.js';
import { change, gate, phase, plan, step } from './plans.js';
import { World } from './world.js';

describe('a run', () => {
  const fakes = new Fakes();
  let world: World;
  beforeAll(async () => {
    world = await World.start(fakes);
  });
  beforeEach(() => fakes.reset());
  afterAll(() => world.close());

  it('waits at its gate until enough different voters approved, then finishes', async () => {
    const run = await world.apply(
      plan(phase('look', [step('probe')]), phase('work', [change('copy')], gate('begin'))),
    );
    const waiting = await run.reaches('gate');
    expect(waiting.open.map((item) => [item.kind, item.id, item.who])).toEqual([
      ['gate', 'begin', ['ann', 'bob', 'cleo']],
    ]);
    expect(fakes.log).toEqual(['act.probe#1']);

    const first = await run.send('approve', 'ann', { gate: 'begin', revision: 1 });
    expect(first.message).toBe('gate begin has 1 of 2 votes; may still vote: bob, cleo');
    expect(fakes.log).toEqual(['act.probe#1']);
    await run.send('approve', 'bob', { gate: 'begin', revision: 1 });

    const result = await run.result();
    expect(result).toMatchObject({ state: 'done', verified: true, steps: { probe: 'done', copy: 'done' } });
    expect(fakes.log).toEqual(['act.probe#1', 'act.copy#1']);
  });

  it('parks a failed step with its message, detail and hint, and finishes after a retry', async () => {
    let failures = 1;
    fakes.on('act.copy', () => {
      if (failures-- > 0) throw broken('DiskFull', 'target-1 has 1 GiB free, 2 GiB are needed');
      return outcome();
    });
    const run = await world.apply(plan(phase('work', [change('copy'), step('after')])));
    const parked = await run.reaches('parked');
    expect(parked.open[0]).toMatchObject({
      kind: 'parked-step',
      id: 'copy',
      generation: 1,
      failure: {
        type: 'DiskFull',
        message: 'target-1 has 1 GiB free, 2 GiB are needed',
        detail: 'exit status 1',
        hint: 'Mend it.',
      },
    });

    await run.send('retry', 'olaf', { step: 'copy', generation: 1 });
    expect((await run.result()).state).toBe('done');
    expect(fakes.log).toEqual(['act.copy#1', 'act.copy#2', 'act.after#1']);
  });

  it('goes on without a parked step that an operator may skip', async () => {
    fakes.on('act.notes', () => {
      throw broken();
    });
    const run = await world.apply(plan(phase('work', [step('notes', { skip: 'operator' }), step('after')])));
    await run.reaches('parked');
    await run.send('skip', 'olaf', { step: 'notes', generation: 1, reason: 'not wanted here' });
    const result = await run.result();
    expect(result).toMatchObject({
      state: 'done',
      verified: true,
      steps: { notes: 'skipped', after: 'done' },
    });
  });

  it('rolls back in three orders, newest first in each', async () => {
    fakes.on('act.last', () => {
      throw broken();
    });
    const nodes = [
      change('key', 'clean-up'),
      change('fence', 'restore-service'),
      change('copy', 'clean-up'),
      change('start', 'isolate-target'),
      change('swap', 'restore-service'),
      change('last', 'clean-up'),
      change('never', 'clean-up'),
    ];
    const run = await world.apply(plan(phase('work', nodes)));
    await run.reaches('parked');
    await run.send('rollback', 'olaf', { reason: 'enough' });
    const result = await run.result();
    expect(result.state).toBe('rolled-back');
    expect(fakes.log.filter((entry) => entry.startsWith('undo'))).toEqual([
      'undo.start#2',
      'undo.swap#2',
      'undo.fence#2',
      'undo.last#2',
      'undo.copy#2',
      'undo.key#2',
    ]);
    expect(result.steps).toMatchObject({ never: 'not-started', key: 'undone', last: 'undone' });
  });
});
