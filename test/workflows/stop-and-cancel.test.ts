import { WorkflowFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { Fakes, Latch, outcome } from './fakes.js';
import { change, gate, phase, plan, step, unit } from './plans.js';
import { until, World } from './world.js';

describe('stop and cancel', () => {
  const fakes = new Fakes();
  let world: World;
  let held: Latch;
  beforeAll(async () => {
    world = await World.start(fakes);
  });
  beforeEach(() => {
    fakes.reset();
    held = new Latch();
    fakes.on('act.copy', async (call) => {
      if (call.generation === 1) await held.wait();
      return outcome();
    });
  });
  afterAll(() => world.close());
  const called = (entry: string): Promise<void> =>
    until(`${entry} is called`, () => fakes.log.includes(entry));

  it('stops the running unit, parks it, undoes nothing, and goes on with a retry of the run', async () => {
    const run = await world.apply(plan(phase('work', [change('key'), unit('copy'), step('after')])));
    await called('act.copy#1');
    const answer = await run.send('stop', 'olaf', { reason: 'look first' });
    expect(answer.message).toBe('running units are being stopped; nothing is undone');
    const parked = await run.reaches('parked');
    expect(fakes.cancelled).toEqual(['act.copy']);
    expect(parked.open[0]).toMatchObject({ kind: 'stopped', text: 'the run was stopped by olaf' });
    expect((await run.state()).steps['copy']).toMatchObject({ status: 'parked', reason: 'stopped' });
    expect(fakes.log).toEqual(['act.key#1', 'act.copy#1']);

    expect(await run.refused('stop', 'olaf')).toContain('the run was already stopped by olaf');
    await run.send('retry', 'olaf');
    expect((await run.result()).state).toBe('done');
    expect(fakes.log).toEqual(['act.key#1', 'act.copy#1', 'act.copy#2', 'act.after#1']);
  });

  it('stops a run at a gate: no votes until it is retried', async () => {
    const run = await world.apply(plan(phase('work', [step('after')], gate('begin', { votes: 1 }))));
    await run.reaches('gate');
    await run.send('stop', 'olaf');
    await run.reaches('parked');
    expect(await run.refused('approve', 'ann', { gate: 'begin', revision: 1 })).toContain(
      'gate begin takes no votes while the run is stopped',
    );
    await run.send('retry', 'olaf');
    await run.reaches('gate');
    await run.send('approve', 'ann', { gate: 'begin', revision: 1 });
    expect((await run.result()).state).toBe('done');
  });

  it('ends as cancelled when a client cancels before anything changed', async () => {
    const run = await world.apply(plan(phase('work', [change('copy')], gate('begin'))));
    await run.reaches('gate');
    await run.handle.cancel();
    const error: unknown = await run.result().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure);
    expect((await run.handle.describe()).status.name).toBe('CANCELLED');
    expect((await run.handle.describe()).memo).toMatchObject({ rehost: { state: 'cancelled' } });
    expect(fakes.log).toEqual([]);
  });

  it('parks when a client cancels after something changed, and still takes a rollback', async () => {
    const run = await world.apply(plan(phase('work', [change('key'), unit('copy')])));
    await called('act.copy#1');
    await run.handle.cancel();
    const parked = await run.reaches('parked');
    expect(parked.open[0]?.text).toBe('the run was stopped by a Temporal cancellation');
    expect(fakes.cancelled).toEqual(['act.copy']);
    expect(fakes.log.filter((entry) => entry.startsWith('undo'))).toEqual([]);
    await run.send('rollback', 'olaf', { reason: 'cancelled' });
    expect((await run.result()).state).toBe('rolled-back');
    expect(fakes.log.slice(2)).toEqual(['undo.copy#2', 'undo.key#2']);
  });

  it('goes on with a retry after a client cancelled it', async () => {
    const run = await world.apply(plan(phase('work', [change('key'), unit('copy'), step('after')])));
    await called('act.copy#1');
    await run.handle.cancel();
    await run.reaches('parked');
    await run.send('retry', 'olaf');
    expect((await run.result()).state).toBe('done');
  });
});
