import { broken, Fakes, Latch, outcome } from './fakes.js';
import { change, gate, phase, plan, step, undoCall, unit } from './plans.js';
import { until, World, type Run } from './world.js';

describe('a rollback', () => {
  const fakes = new Fakes();
  let world: World;
  beforeAll(async () => {
    world = await World.start(fakes);
  });
  beforeEach(() => {
    fakes.reset();
    fakes.on('act.last', () => {
      throw broken();
    });
  });
  afterAll(() => world.close());

  const parkedRun = async (...nodes: Parameters<typeof phase>[1]): Promise<Run> => {
    const run = await world.apply(plan(phase('work', [...nodes, change('last')])));
    await run.reaches('parked');
    return run;
  };
  const undone = (): readonly string[] => fakes.log.filter((entry) => entry.startsWith('undo'));

  it('goes on past a clean-up that fails, with the source serving, and ends once it was retried', async () => {
    fakes.on('undo.copy', (call) => {
      if (call.generation === 2) throw broken('CommandFailed', 'the directory is busy');
      return outcome();
    });
    const run = await parkedRun(change('key'), change('fence', 'restore-service'), change('copy'));
    await run.send('rollback', 'olaf', { reason: 'enough' });
    await run.stepReaches('key', 'undone');
    const held = await run.status();
    expect(held.state).toBe('rolling-back');
    expect(held.rollback?.servingAt).toBeDefined();
    expect(held.open).toHaveLength(1);
    expect(held.open[0]).toMatchObject({
      kind: 'parked-undo',
      id: 'copy',
      failure: { message: 'the directory is busy' },
    });
    expect(undone()).toEqual(['undo.fence#2', 'undo.last#2', 'undo.copy#2', 'undo.key#2']);
    await run.send('retry', 'olaf', { step: 'copy', generation: 2 });
    expect(await run.result()).toMatchObject({
      state: 'rolled-back',
      leftBehind: [],
      steps: { copy: 'undone' },
    });
    expect(undone().at(-1)).toBe('undo.copy#3');
  });

  it('ends without a clean-up that an operator skipped, and names what is left behind', async () => {
    fakes.on('undo.copy', () => {
      throw broken();
    });
    const run = await parkedRun(change('copy'));
    await run.send('rollback', 'olaf', { reason: 'enough' });
    await run.stepReaches('copy', 'undo-parked');
    await run.send('skip', 'olaf', { step: 'copy', generation: 2, reason: 'removed by hand' });
    const result = await run.result();
    expect(result).toMatchObject({ state: 'rolled-back', leftBehind: ['Undo of copy (source-1)'] });
    expect(result.headline).toContain('Left behind: Undo of copy (source-1)');
  });

  it('holds when the source cannot be restored: no clean-up starts before it serves', async () => {
    fakes.on('undo.fence', (call) => {
      if (call.generation === 2) throw broken('ServiceNotStarted', 'the service did not start');
      return outcome();
    });
    const run = await parkedRun(change('copy'), change('fence', 'restore-service'));
    await run.send('rollback', 'olaf', { reason: 'enough' });
    await run.stepReaches('fence', 'undo-parked');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(undone()).toEqual(['undo.fence#2']);
    expect(await run.refused('skip', 'olaf', { step: 'fence', generation: 2, reason: 'by hand' })).toContain(
      "needs the votes of a gate's voters, and no gate was passed yet",
    );
    await run.send('retry', 'olaf', { step: 'fence', generation: 2 });
    await run.result();
    expect(undone()).toEqual(['undo.fence#2', 'undo.fence#3', 'undo.last#2', 'undo.copy#2']);
  });

  it('ends what still runs first, then undoes that step too', async () => {
    const held = new Latch();
    fakes.on('act.copy', async () => {
      await held.wait();
      return outcome();
    });
    const run = await world.apply(plan(phase('work', [change('key'), unit('copy'), step('after')])));
    await until('the copy is called', () => fakes.log.includes('act.copy#1'));
    await run.send('rollback', 'olaf', { reason: 'enough' });
    const result = await run.result();
    expect(fakes.cancelled).toEqual(['act.copy']);
    expect(undone()).toEqual(['undo.copy#2', 'undo.key#2']);
    expect(result.steps).toMatchObject({ after: 'not-started', copy: 'undone' });
  });

  it('carries out several calls of one step, each in its own order', async () => {
    const calls = [
      undoCall('swap', 'restore-service'),
      undoCall('swap', 'clean-up'),
      undoCall('swap', 'isolate-target'),
    ];
    const run = await parkedRun(change('swap', 'clean-up', { undo: { kind: 'calls', calls } }));
    await run.send('rollback', 'olaf', { reason: 'enough' });
    const result = await run.result();
    expect(undone()).toEqual(['undo.swap#2', 'undo.swap#3', 'undo.last#2', 'undo.swap#4']);
    expect(result.steps['swap']).toBe('undone');
  });

  it('needs the votes of the replace gate once the target was replaced, and a word for what is lost', async () => {
    const live = change('go-live', 'restore-service', { goesLive: true });
    const run = await world.apply(
      plan(
        phase(
          'replace',
          [change('swap', 'restore-service', { replacesTarget: true })],
          gate('replace-target-data'),
        ),
        phase('finish', [live, change('last')]),
      ),
    );
    await run.reaches('gate');
    await run.send('approve', 'ann', { gate: 'replace-target-data', revision: 1 });
    await run.send('approve', 'bob', { gate: 'replace-target-data', revision: 1 });
    const parked = await run.reaches('parked');
    expect(parked.rollbackPreview?.votersOfGate).toBe('replace-target-data');
    expect(parked.rollbackPreview?.losses[0]).toMatch(
      /^everything that users wrote to the target since it went live/,
    );

    expect(await run.refused('rollback', 'ann', { reason: 'no' })).toContain('"acceptLoss": true');
    const members = { reason: 'no', acceptLoss: true };
    expect(await run.refused('rollback', 'olaf', members)).toContain('olaf is not one of them');
    expect(await run.refused('rollback', 'rita', members)).toContain('the requester never counts');
    expect((await run.send('rollback', 'ann', members)).message).toContain(
      'has 1 of 2 votes; may still vote: bob, cleo',
    );
    expect(await run.refused('rollback', 'Ann', members)).toContain('has already voted');
    expect(undone()).toEqual([]);
    await run.send('rollback', 'cleo', members);
    expect((await run.result()).state).toBe('rolled-back');
  });
});
