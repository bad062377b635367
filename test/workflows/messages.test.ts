import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { CommandName } from '../../src/run/commands.js';
import { broken, Fakes } from './fakes.js';
import { change, DIGEST, gate, phase, plan, step } from './plans.js';
import { until, World, type Run } from './world.js';

describe('commands', () => {
  const fakes = new Fakes();
  let world: World;
  beforeAll(async () => {
    world = await World.start(fakes);
  });
  beforeEach(() => fakes.reset());
  afterAll(() => world.close());

  const questions = [
    { id: 'accepted', text: 'Is phase 1 accepted?', expect: 'yes', requirements: [] },
    { id: 'reference', text: 'Which ticket?', expect: 'text', requirements: [] },
  ] as const;
  const atGate = async (): Promise<Run> => {
    const run = await world.apply(
      plan(
        phase('look', [step('probe')]),
        phase('work', [step('after')], gate('begin', { questions })),
        phase('end', [step('end')], gate('hand-over')),
      ),
    );
    await run.reaches('gate');
    return run;
  };
  const answers = { accepted: 'yes', reference: 'T-1' };

  it('takes a Signal as it takes an Update', async () => {
    const run = await atGate();
    await run.handle.signal('approve', run.payload('ann', { gate: 'begin', revision: 1, answers }));
    await until('the vote is in', async () => (await run.state()).gates['begin']?.votes.length === 1);
    const state = await run.state();
    expect(state.gates['begin']?.votes[0]).toMatchObject({ actor: 'ann', via: 'signal', answers });
    await run.send('approve', 'bob', { gate: 'begin', revision: 1 });
    await until('the second gate waits', async () => (await run.status()).open[0]?.id === 'hand-over');
    await run.handle.signal('stop', run.payload('olaf'));
    await run.reaches('parked');
    await run.handle.terminate();
  });

  it('shows a refused Signal in status and details, whatever it carried', async () => {
    const run = await atGate();
    await run.handle.signal('approve', run.payload('mallory', { gate: 'begin', revision: 1, answers }));
    await until('the refusal is shown', async () => (await run.status()).lastRefused !== undefined);
    expect((await run.status()).lastRefused).toMatchObject({
      name: 'approve',
      actor: 'mallory',
      message: expect.stringContaining(
        'mallory is not a voter of gate begin; its voters are: ann, bob, cleo',
      ) as string,
    });
    await run.handle.signal('rollback', null);
    await until(
      'the next refusal is shown',
      async () => (await run.status()).lastRefused?.name === 'rollback',
    );
    await run.handle.signal('aprove', {});
    await until('the wrong name is shown', async () => (await run.status()).lastRefused?.name === 'aprove');
    expect((await run.status()).lastRefused?.message).toContain(
      'there is no Signal "aprove"; there are: approve,',
    );
    expect((await run.status()).state).toBe('gate');
    await run.handle.terminate();
  });

  it('answers a repeated command id as the first time, and refuses it from another person', async () => {
    const run = await atGate();
    const id = randomUUID();
    const first = await run.send('approve', 'ann', { id, gate: 'begin', revision: 1, answers });
    const second = await run.send('approve', 'ann', { id, gate: 'begin', revision: 1, answers });
    expect(second).toEqual({ ...first, repeated: true });
    expect((await run.state()).gates['begin']?.votes).toHaveLength(1);
    expect(await run.refused('approve', 'bob', { id, gate: 'begin', revision: 1 })).toContain(
      `the command id "${id}" was already used by ann for approve of gate begin`,
    );
    await run.handle.terminate();
  });

  // The sentences themselves are in the reducer's table; here: what reaches a sender, and that nothing is recorded.
  const refusals: readonly [CommandName, string, object, string][] = [
    ['approve', 'rita', { gate: 'begin', revision: 1, answers }, 'the requester never counts at a gate'],
    ['approve', 'ann', { gate: 'hand-over', revision: 1 }, 'gate hand-over is not reached yet'],
    ['approve', 'ann', { gate: 'begin', revision: 2, answers }, 'now at revision 1: look again, then vote'],
    ['approve', 'ann', { gate: 'begin', revision: 1 }, 'gate begin needs answers to: accepted, reference'],
    [
      'approve',
      'ann',
      { gate: 'begin', revision: 1, answers: { ...answers, accepted: 'no' } },
      'means: reject',
    ],
    [
      'approve',
      'ann',
      { gate: 'begin', revision: 1, digest: 'e'.repeat(64) },
      'the command is for plan eeeeeeeeeeee',
    ],
    ['approve', 'ann', { gate: 'begin', revision: 'one' }, '"revision" must be a whole number'],
    ['retry', 'olaf', { step: 'probe', generation: 1 }, 'step probe is not parked, it is done'],
    ['skip', 'olaf', { step: 'nothing', generation: 1, reason: 'x' }, 'the plan has no step "nothing"'],
    ['rollback', 'olaf', {}, '"reason" is missing'],
  ];
  it('refuses with one or two sentences that say what is open, and leaves no trace in history', async () => {
    const run = await atGate();
    const before = (await run.handle.fetchHistory()).events?.length;
    for (const [name, actor, members, sentence] of refusals) {
      const refusal = await run.refused(name, actor, members);
      expect(refusal).toContain(sentence);
      expect(refusal).toContain(
        'Open now: gate begin, evidence revision 1, has 0 of 2 votes; may still vote: ann, bob, cleo.',
      );
    }
    expect((await run.handle.fetchHistory()).events?.length).toBe(before);
    await run.handle.terminate();
  });

  it('refuses without a stack and with a hint, because the Temporal UI prints the one and people need the other', async () => {
    const run = await atGate();
    const error: unknown = await run.handle
      .executeUpdate('stop', { args: [{}] })
      .catch((reason: unknown) => reason);
    const cause = (error as WorkflowUpdateFailedError).cause as ApplicationFailure;
    expect(cause).toBeInstanceOf(ApplicationFailure);
    expect(cause.type).toBe('Refused');
    expect(cause.failure?.stackTrace ?? '').toBe('');
    const [text] = (cause.details ?? []) as { detail: string; hint: string }[];
    expect(text?.hint).toContain('rehost status');
    expect(text?.detail).toBe(
      'Open now: gate begin, evidence revision 1, has 0 of 2 votes; may still vote: ann, bob, cleo.',
    );
    expect(cause.message.endsWith(`. ${text?.detail}`)).toBe(true);
    await run.handle.terminate();
  });

  it('takes a vote to skip what only voters may skip, and reports the run UNVERIFIED for ever', async () => {
    fakes.on('act.compare', () => {
      throw broken('VerificationDiffers', '3 files differ');
    });
    const compare = step('compare', { skip: 'voters', verification: true });
    const run = await world.apply(
      plan(phase('work', [change('copy'), compare], gate('begin', { votes: 2 }))),
    );
    await run.reaches('gate');
    await run.send('approve', 'ann', { gate: 'begin', revision: 1 });
    await run.send('approve', 'bob', { gate: 'begin', revision: 1 });
    await run.reaches('parked');
    const members = { step: 'compare', generation: 1, reason: 'known difference' };
    expect(await run.refused('skip', 'rita', members)).toContain('the requester never counts');
    await run.send('skip', 'bob', members);
    expect((await run.status()).state).toBe('parked');
    await run.send('skip', 'cleo', members);
    const result = await run.result();
    expect(result).toMatchObject({
      state: 'done',
      verified: false,
      run: { unverified: [{ step: 'compare', by: 'cleo' }] },
    });
    expect(result.headline).toContain('UNVERIFIED');
  });

  it('keeps the digest of the plan whole or from twelve characters on', async () => {
    const run = await atGate();
    expect(await run.refused('stop', 'olaf', { digest: DIGEST.slice(0, 11) })).toContain('"digest" must be');
    await run.send('stop', 'olaf', { digest: DIGEST });
    await run.handle.terminate();
  });
});
