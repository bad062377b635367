/* The command line against a real dev server and a Worker with fake Activities. */
import { writeFileSync } from 'node:fs';
import type { Plan } from '../../src/plan/types.js';
import type { StatusView } from '../../src/run/status.js';
import { expectTold, toldBy, type Answer, type Refusal } from '../told.js';
import { CommandLine, runWords, type Saved } from './command-line.js';
import { broken, Fakes, outcome } from './fakes.js';
import { change, gate, phase, plan, step } from './plans.js';
import { World } from './world.js';

const fakes = new Fakes();
let world: World;
const line = new CommandLine(() => world);

beforeAll(async () => {
  world = await World.start(fakes);
});
beforeEach(() => fakes.reset());
afterAll(async () => {
  line.close();
  await world.close();
});

const rehost = (...argv: string[]): Promise<Answer> => line.run(...argv);
const saved = (make: (base: Plan) => Plan): Saved => line.saved(make);
const gated = (): Saved => line.gated();

describe('apply', () => {
  it('exits 0 when the run is done, and again without starting another run', async () => {
    const { file, target } = saved(() => plan(phase('one', [step('look')])));
    const first = await rehost('apply', file);
    expect(first).toMatchObject({ code: 0 });
    expect(first.out).toMatch(
      new RegExp(`^${target}-\\d{8}-[0-9a-f]{4}  package-manager-server/${target}\n$`),
    );
    const calls = fakes.calls.length;
    const second = await rehost('apply', file);
    expect(second.code).toBe(0);
    expect(second.out).toMatch(`already moved by ${first.out.split(' ')[0] ?? ''} at `);
    expect(fakes.calls).toHaveLength(calls);
  });

  it('exits 6 at a gate and prints the exact next command', async () => {
    const { file } = gated();
    const answer = await rehost('apply', file);
    expect(answer.code).toBe(6);
    expect(answer.err).toContain('--gate begin --answer told=ANSWER');
  });

  it('exits 8 while a run on the target is active, naming who and the run, and leaves that run as it is', async () => {
    const { file, target } = gated();
    const [migration = ''] = (await rehost('apply', file)).out.split(' ');
    const before = await line.traceOf(target);
    expectTold(
      toldBy(await rehost('apply', file, '-o', 'json')),
      activeRun(target, migration, 'Waiting for a person: gate begin, '),
    );
    expect(await line.traceOf(target)).toEqual(before);
  });

  it('starts one run when it is sent twice at once, and exits 8 for the other', async () => {
    const { file, target } = gated();
    const both = await Promise.all(
      ['apply', 'apply'].map((verb) => rehost(verb, file, '--detach', '-o', 'json')),
    );
    const [refused, ...others] = both.filter((answer) => answer.code !== 0);
    expect(others).toEqual([]);
    const { migration } = await world.client.workflow
      .getHandle(`package-manager-server/${target}`)
      .query<StatusView>('status');
    expectTold(toldBy(refused!), activeRun(target, migration, 'Title of prepare, 0 of 1 steps done.'));
    expect(both.map((answer) => answer.code).sort()).toEqual([0, 8]);
  });

  it('exits 13 when a step parks and shows its failure', async () => {
    fakes.on('act.look', () => {
      throw broken('CommandFailed', 'ls ended with status 2');
    });
    const { file } = saved(() => plan(phase('one', [step('look')])));
    const answer = await rehost('apply', file);
    expect(answer.code).toBe(13);
    expect(answer.err).toContain('CommandFailed: ls ended with status 2');
    expect(answer.err).toContain('next: rehost retry');
  });

  it('exits 2 for a plan that was edited by hand and starts nothing', async () => {
    const { file, target } = saved(() => plan(phase('one', [step('look')])));
    const edited = JSON.parse(JSON.stringify(saved(() => plan()))) as object;
    writeFileSync(
      file,
      JSON.stringify({ ...plan(phase('one', [step('other')])), target, ...edited, digest: 'd1'.repeat(32) }),
    );
    const answer = await rehost('apply', file);
    expect(answer.code).toBe(2);
    expect(answer.err).toContain('was changed after it was made');
    expect(fakes.calls).toHaveLength(0);
  });
});

describe('approve', () => {
  it('names the questions that have no answer, and sends nothing', async () => {
    const { file, target } = gated();
    await rehost('apply', file, '--detach');
    await gateOpenOf(target);
    const answer = await rehost('approve', target, '--actor', 'ann');
    expect(answer.code).toBe(2);
    expect(answer.err).toContain('told: Who told the users?');
    expect(answer.err).toContain('--answer told=…');
  });

  it('opens the gate with an answer; the requester is refused with exit 4', async () => {
    const { file, target } = gated();
    await rehost('apply', file);
    const refused = await rehost('approve', target, '--answer', 'told=Ada');
    expect(refused.code).toBe(4);
    expect(refused.err).toBe(`error: rita asked for this migration, and the requester never counts at a gate
  Open now: gate begin, evidence revision 1, has 0 of 1 votes; may still vote: ann, bob, cleo.
hint: Run "rehost status package-manager-server/${target}" to see what is open.
`);
    const voted = await rehost('approve', target, '--answer', 'told=Ada', '--actor', 'ann', '-o', 'json');
    expect(voted.code).toBe(0);
    expect(JSON.parse(voted.out)).toMatchObject({ command: 'approve', repeated: false });
    expect(await rehost('watch', target)).toMatchObject({ code: 0 });
    const late = await rehost('approve', target, '--answer', 'told=Ada', '--actor', 'bob', '-o', 'json');
    expectTold(toldBy(late), {
      code: 4,
      type: 'Refused',
      message: 'nothing of this kind waits for a person now',
      detail: 'Finished: package-manager-server from source-1 to target-',
      hint: `Run "rehost status ${target}-`,
    });
  });

  it('counts once when it is sent twice with the same id', async () => {
    const { file, target } = saved(() => plan(phase('one', [change('claim')], gate('begin', { votes: 2 }))));
    await rehost('apply', file);
    await rehost('approve', target, '--actor', 'ann', '--id', 'vote-1');
    expect((await rehost('approve', target, '--actor', 'ann', '--id', 'vote-1')).code).toBe(0);
    const view = JSON.parse((await rehost('status', target, '-o', 'json')).out) as StatusView;
    expect(view.state).toBe('gate');
    expect(view.phases[0]?.gate?.votes.map((vote) => vote.actor)).toEqual(['ann']);
  });

  it('reaches the run as a Signal', async () => {
    const { file, target } = saved(() => plan(phase('one', [change('claim')], gate('begin', { votes: 1 }))));
    await rehost('apply', file);
    expect((await rehost('approve', target, '--actor', 'ann', '--signal')).code).toBe(0);
    expect((await rehost('watch', target)).code).toBe(0);
  });
});

describe('retry, skip, stop, rollback', () => {
  it('retries the only parked step without being told its name', async () => {
    fakes.on('act.look', () => {
      throw broken();
    });
    const { file, target } = saved(() => plan(phase('one', [step('look')])));
    await rehost('apply', file);
    fakes.on('act.look', () => outcome());
    expect((await rehost('retry', target)).code).toBe(0);
    expect((await rehost('watch', target)).code).toBe(0);
  });

  it('skips with a reason where the plan allows it', async () => {
    fakes.on('act.look', () => {
      throw broken();
    });
    const { file, target } = saved(() => plan(phase('one', [step('look', { skip: 'operator' })])));
    await rehost('apply', file);
    expect((await rehost('skip', target)).code).toBe(2);
    expect((await rehost('skip', target, '--reason', 'not needed here')).code).toBe(0);
    expect((await rehost('watch', target)).code).toBe(0);
  });

  it('rolls back after the name of the target was given, and exits 9', async () => {
    fakes.on('act.second', () => {
      throw broken();
    });
    const { file, target } = saved(() => plan(phase('one', [change('first'), change('second')])));
    await rehost('apply', file);
    const preview = await rehost('rollback', target, '--preview');
    expect(preview.out).toContain('Undo of first');
    expect((await rehost('rollback', target, '--reason', 'enough')).code).toBe(2);
    expect((await rehost('rollback', target, '--reason', 'enough', '--confirm', 'other')).code).toBe(2);
    const answer = await rehost('rollback', target, '--reason', 'enough', '--confirm', target);
    expect(answer.code).toBe(9);
  });
});

describe('status and list', () => {
  it('gives the whole view as JSON', async () => {
    const { file, target } = gated();
    await rehost('apply', file);
    const { out } = await rehost('status', target, '-o', 'json');
    const view = JSON.parse(out) as StatusView;
    expect(view).toMatchObject({ state: 'gate', target, requester: 'rita' });
    expect((await rehost('list')).out).toContain(target);
  });

  it('exits 2 for a run that nobody knows', async () => {
    expect((await rehost('status', 'nowhere')).code).toBe(2);
  });

  it('exits 11 with a hint when nobody listens at the address', async () => {
    expectTold(toldBy(await runWords('list', '--address', '127.0.0.1:1', '-o', 'json')), {
      code: 11,
      type: 'TemporalUnreachable',
      message: 'no Temporal answers at 127.0.0.1:1',
      detail: 'Failed to connect before the deadline',
      hint: 'Start one with "rehost up", or name yours with --address or TEMPORAL_ADDRESS.',
    });
  });
});

/** What refuses an apply beside a run of rita's that waits at its gate. */
const activeRun = (target: string, migration: string, doing: string): Refusal => ({
  code: 8,
  type: 'RunActive',
  message: [`a run on target ${target} is active: ${migration} (`, ') since 20', ', requested by rita'],
  detail: doing,
  hint: `Follow it with "rehost watch ${migration}"; a new run may start when it has ended.`,
});

async function gateOpenOf(target: string): Promise<void> {
  await rehost('watch', target, '--until', 'attention');
}
