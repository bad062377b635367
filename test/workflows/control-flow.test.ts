import { broken, Fakes, Latch, outcome } from './fakes.js';
import { change, gate, phase, plan, REQUESTER, step, unit } from './plans.js';
import { World } from './world.js';

describe('control flow', () => {
  const fakes = new Fakes();
  let world: World;
  beforeAll(async () => {
    world = await World.start(fakes);
  });
  beforeEach(() => fakes.reset());
  afterAll(() => world.close());

  it('parks two branches at once while the third goes on, and joins after each was decided', async () => {
    const held = new Latch();
    for (const id of ['left-1', 'middle-1'])
      fakes.on(`act.${id}`, (call) => {
        if (call.generation === 1) throw broken('CommandFailed', `${id} broke`);
        return outcome();
      });
    fakes.on('act.right-1', async () => {
      await held.wait();
      return outcome();
    });
    const branches = [
      [change('left-1'), change('left-2')],
      [change('middle-1'), change('middle-2')],
      [unit('right-1'), change('right-2')],
    ];
    const run = await world.apply(
      plan(phase('work', [{ kind: 'parallel', id: 'both', branches }, step('after')])),
    );
    await run.stepReaches('left-1', 'parked');
    await run.stepReaches('middle-1', 'parked');
    const both = await run.status();
    expect(both.open.map((item) => item.id)).toEqual(['left-1', 'middle-1']);
    expect((await run.state()).steps['right-1']?.status).toBe('running');
    held.open();
    await run.stepReaches('right-2', 'done');
    expect((await run.state()).steps['after']?.status).toBe('not-started');

    await run.send('retry', 'olaf', { step: 'middle-1', generation: 1 });
    await run.stepReaches('middle-2', 'done');
    expect((await run.state()).steps['left-1']?.status).toBe('parked');
    await run.send('retry', 'olaf', { step: 'left-1', generation: 1 });
    expect((await run.result()).state).toBe('done');
    expect(fakes.log.at(-1)).toBe('act.after#1');
  });

  it('repeats a step with a new generation each, until it wants no other pass', async () => {
    fakes.on('act.warm', (call) => outcome({ pass: call.generation }, { again: call.generation < 3 }));
    const run = await world.apply(plan(phase('work', [unit('warm', { repeat: { max: 5 } })])));
    const result = await run.result();
    expect(fakes.log).toEqual(['act.warm#1', 'act.warm#2', 'act.warm#3']);
    expect(result.run.steps['warm']).toMatchObject({ status: 'done', passes: 3, values: { pass: 3 } });
  });

  it('repeats at most as often as the plan allows', async () => {
    fakes.on('act.warm', () => outcome({}, { again: true }));
    const run = await world.apply(plan(phase('work', [unit('warm', { repeat: { max: 2 } })])));
    await run.result();
    expect(fakes.log).toEqual(['act.warm#1', 'act.warm#2']);
  });

  it('fills references from outcomes, plan and run, and passes only the undo entries that exist', async () => {
    fakes.on('act.find', () => outcome({ path: '/data', deep: { size: 3 } }, { changed: false }));
    const copy = change('copy', 'clean-up', {
      input: {
        path: { $step: 'find', $path: 'path' },
        list: [{ $step: 'find', $path: 'deep.size' }],
        digest: { $plan: 'digest' },
        who: { $run: 'requester' },
      },
      undo: {
        kind: 'calls',
        calls: [
          {
            order: 'clean-up',
            action: 'fake.change@1',
            host: 'target-1',
            input: { remove: { $step: 'find', $path: 'path' } },
            title: 'Remove the copy',
            timeouts: 'short',
          },
        ],
      },
    });
    const { digest } = plan();
    const run = await world.apply(plan(phase('work', [step('find'), copy])));
    await run.result();
    expect(fakes.calls[0]?.undo).toEqual([]);
    expect(fakes.calls[1]).toMatchObject({
      sequence: 1,
      input: { path: '/data', list: [3], digest, who: REQUESTER },
      undo: [{ step: 'copy', order: 'clean-up', host: 'target-1', input: { remove: '/data' } }],
    });
  });

  it('leaves out a step whose condition does not hold, and parks a step that refers to it', async () => {
    fakes.on('act.find', () => outcome({ needed: false }));
    const maybe = change('maybe', 'clean-up', { when: { step: 'find', field: 'needed', equals: true } });
    const reader = step('reader', { input: { from: { $step: 'maybe', $path: 'ran' } }, skip: 'operator' });
    const run = await world.apply(plan(phase('work', [step('find'), maybe, reader])));
    const parked = await run.reaches('parked');
    expect(parked.open[0]?.failure).toMatchObject({
      type: 'ReferenceMissing',
      message: 'step "reader" needs the outcome of step "maybe", which was not needed',
    });
    expect(fakes.log).toEqual(['act.find#1']);
    await run.send('skip', 'olaf', { step: 'reader', generation: 1, reason: 'nothing to read' });
    expect((await run.result()).steps).toEqual({ find: 'done', maybe: 'not-needed', reader: 'skipped' });
  });

  it('parks a step whose outcome is larger than history should keep', async () => {
    fakes.on('act.big', () => outcome({ text: 'x'.repeat(5000) }));
    const run = await world.apply(plan(phase('work', [step('big', { skip: 'operator' })])));
    const parked = await run.reaches('parked');
    expect(parked.open[0]?.failure?.type).toBe('ContractViolated');
    await run.send('skip', 'olaf', { step: 'big', generation: 1, reason: 'seen' });
    await run.result();
  });

  it('proves a step under its fence: the call carries the fence, an undo does not', async () => {
    fakes.on('act.fence', () => outcome({ id: 'f1' }));
    fakes.on('act.stuck', () => {
      throw broken();
    });
    const nodes = [
      change('fence', 'restore-service', { input: { unit: 'x' } }),
      change('copy', 'clean-up', { fence: 'fence' }),
      change('stuck'),
    ];
    const run = await world.apply(plan(phase('work', nodes)));
    await run.reaches('parked');
    await run.send('rollback', 'olaf', { reason: 'enough' });
    await run.result();
    const copy = fakes.calls.filter((call) => call.step === 'copy');
    expect(copy.map((call) => [call.mode, call.fence])).toEqual([
      ['act', { host: 'source-1', input: { unit: 'x' }, values: { id: 'f1' } }],
      ['undo', undefined],
    ]);
    expect(copy[1]).toMatchObject({ acted: 1, generation: 2, order: 'clean-up' });
    expect(fakes.calls.find((call) => call.step === 'fence' && call.mode === 'undo')?.order).toBe(
      'restore-service',
    );
  });

  it('keeps the copy warm while its gate waits, raises the evidence revision, and goes on once it opened', async () => {
    let bytes = 0;
    fakes.on('act.keep-warm', () => outcome({ bytes: (bytes += 1) }));
    const meanwhile = { step: unit('keep-warm'), everySeconds: 1 };
    const gated = gate('stop-source', { meanwhile, evidence: ['keep-warm'] });
    const run = await world.apply(plan(phase('work', [step('after')], gated)));
    await run.stepReaches('keep-warm', 'done');
    const waiting = await run.reaches('gate');
    const revision = waiting.open[0]?.revision ?? 0;
    expect(revision).toBeGreaterThan(1);
    expect(await run.refused('approve', 'ann', { gate: 'stop-source', revision: 1 })).toContain(
      `the vote is for evidence revision 1 of gate stop-source, which is now at revision ${revision}`,
    );
    // From here the copy finds nothing new, so that the evidence stands still.
    fakes.on('act.keep-warm', () => outcome({ bytes }));
    const passes = fakes.log.length;
    while (fakes.log.length < passes + 2) await new Promise((resolve) => setTimeout(resolve, 50));
    const stable = (await run.status()).open[0]?.revision;
    await run.send('approve', 'ann', { gate: 'stop-source', revision: stable });
    await run.send('approve', 'bob', { gate: 'stop-source', revision: stable });
    expect((await run.result()).steps).toMatchObject({ 'keep-warm': 'done', after: 'done' });
  });

  it('lets a gate open although its keep-warm step fails', async () => {
    fakes.on('act.keep-warm', () => {
      throw broken('SshUnreachable', 'target-1 does not answer');
    });
    const meanwhile = { step: unit('keep-warm'), everySeconds: 1 };
    const run = await world.apply(plan(phase('work', [step('after')], gate('stop-source', { meanwhile }))));
    await run.stepReaches('keep-warm', 'parked');
    expect((await run.status()).state).toBe('gate');
    await run.stepReaches('keep-warm', 'parked');
    await run.send('approve', 'ann', { gate: 'stop-source', revision: 1 });
    await run.send('approve', 'cleo', { gate: 'stop-source', revision: 1 });
    expect((await run.result()).steps).toMatchObject({ after: 'done' });
  });
});
