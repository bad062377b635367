import { randomUUID } from 'node:crypto';
import { Fakes, outcome } from './fakes.js';
import { change, DIGEST, gate, phase, plan, step, unit } from './plans.js';
import { World, type Run } from './world.js';

describe('Continue-As-New', () => {
  const fakes = new Fakes();
  let world: World;
  beforeAll(async () => {
    world = await World.start(fakes, { small: true });
  });
  beforeEach(() => fakes.reset());
  afterAll(() => world.close());

  const runIds = async (run: Run): Promise<number> => {
    const ids = new Set<string>();
    const query = `WorkflowId = "${run.handle.workflowId}"`;
    for await (const info of world.client.workflow.list({ query })) ids.add(info.runId);
    return ids.size;
  };

  it('calls every step exactly once over several runs, with outcomes and undo kept', async () => {
    const steps = Array.from({ length: 24 }, (_, index) => change(`step-${index}`));
    const reader = step('reader', { input: { first: { $step: 'step-0', $path: 'ran' } } });
    const phases = [0, 8, 16].map((from) => phase(`phase-${from}`, steps.slice(from, from + 8)));
    const run = await world.apply(plan(...phases, phase('end', [reader])));
    const result = await run.result();
    expect(result.state).toBe('done');
    expect(fakes.log).toEqual([...steps.map((one) => `act.${one.id}#1`), 'act.reader#1']);
    expect(fakes.calls.at(-1)?.input).toEqual({ first: 'step-0' });
    expect(fakes.calls[20]?.undo.map((entry) => entry.step)).toEqual(['step-20']);
    expect(result.run.undo).toHaveLength(24);
    expect(await runIds(run)).toBeGreaterThan(2);
  });

  it('goes on between the passes of a repeated step', async () => {
    fakes.on('act.warm', (call) => outcome({ pass: call.generation }, { again: call.generation < 20 }));
    const run = await world.apply(plan(phase('work', [unit('warm', { repeat: { max: 30 } })])));
    const result = await run.result();
    expect(fakes.log).toEqual(Array.from({ length: 20 }, (_, index) => `act.warm#${index + 1}`));
    expect(result.run.steps['warm']).toMatchObject({ passes: 20 });
    expect(await runIds(run)).toBeGreaterThan(1);
  });

  // Each command is sent twice with one command id, half of them by Signal, while the run continues as new again and
  // again: a vote is one of 60 people's, so a lost one keeps the gate shut and a doubled one would open it too early.
  it('loses no command and applies none twice when commands arrive at that moment', async () => {
    const voters = Array.from({ length: 60 }, (_, index) => `voter-${index}`);
    const run = await world.apply(plan(phase('work', [step('after')], gate('begin', { voters, votes: 60 }))));
    await run.reaches('gate');
    const base = { proof: { kind: 'claimed' }, digest: DIGEST, gate: 'begin', revision: 1 };
    const vote = async (actor: string, index: number): Promise<void> => {
      const payload = { ...base, id: `vote-${actor}`, actor };
      if (index % 2 === 0) {
        await run.handle.signal('approve', payload);
        await run.handle.signal('approve', payload);
        return;
      }
      for (const updateId of [randomUUID(), randomUUID()])
        await sendUntilAnswered(run, { updateId, payload });
    };
    const queue = voters.slice(0, 59).map((actor, index) => ({ actor, index }));
    const senders = Array.from({ length: 4 }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift())
        await vote(next.actor, next.index);
    });
    await Promise.all(senders);

    const state = await run.state();
    expect(state.gates['begin']?.votes).toHaveLength(59);
    expect(new Set(state.gates['begin']?.votes.map((one) => one.actor)).size).toBe(59);
    expect(state.commands).toHaveLength(59);
    expect(state.lastRefused).toBeUndefined();
    expect(await runIds(run)).toBeGreaterThan(2);
    await run.send('approve', 'voter-59', { gate: 'begin', revision: 1 });
    expect((await run.result()).state).toBe('done');
  }, 180_000);

  it('stays parked over it, shows its details at once, and a retry still works', async () => {
    const run = await world.apply(plan(phase('work', [step('after')], gate('begin', { votes: 1 }))));
    await run.reaches('gate');
    for (let round = 0; round < 12; round++) {
      await run.send('reject', 'ann', { gate: 'begin', revision: round + 1, reason: 'again' });
      expect((await run.status()).state).toBe('parked');
      await run.send('retry', 'olaf', { gate: 'begin', revision: round + 1 });
    }
    expect(await runIds(run)).toBeGreaterThan(1);
    await run.send('approve', 'bob', { gate: 'begin', revision: 13 });
    expect((await run.result()).state).toBe('done');
  });
});

// What the typed client does: the same Update id again after an answer that was lost with the old run.
async function sendUntilAnswered(run: Run, sending: { updateId: string; payload: object }): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await run.handle.executeUpdate('approve', { updateId: sending.updateId, args: [sending.payload] });
      return;
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}
