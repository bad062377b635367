/* The command line against a real dev server and a Worker with fake Activities. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io } from '../../src/cli/io.js';
import { runCli } from '../../src/cli/program.js';
import { sealPlan } from '../../src/digest.js';
import type { Plan } from '../../src/plan/types.js';
import type { StatusView } from '../../src/run/status.js';
import { broken, Fakes, outcome } from './fakes.js';
import { change, gate, phase, plan, step } from './plans.js';
import { World } from './world.js';

const fakes = new Fakes();
const directory = mkdtempSync(join(tmpdir(), 'rehost-cli-'));
let world: World;
let number = 0;

beforeAll(async () => {
  world = await World.start(fakes);
});
beforeEach(() => fakes.reset());
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await world.close();
});

interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function rehost(...argv: string[]): Promise<Answer> {
  let out = '';
  let err = '';
  const io: Io = {
    out: (text) => (out += text),
    err: (text) => (err += text),
    env: { REHOST_ACTOR: 'rita' },
    interactive: false,
    colour: false,
    ask: () => Promise.resolve(undefined),
    interrupted: new AbortController().signal,
  };
  const where = ['--address', process.env['REHOST_TEST_TEMPORAL'] ?? '', '--task-queue', world.taskQueue];
  const code = await runCli([...argv, ...where], io);
  return { code, out, err };
}

/** A plan on a target of its own, saved in a file. */
function saved(make: (base: Plan) => Plan): { file: string; target: string } {
  const target = `target-${(number += 1)}-${process.pid}`;
  const file = join(directory, `${target}.json`);
  const made = make(plan(phase('one', [step('look')])));
  writeFileSync(file, JSON.stringify(sealPlan({ ...made, target })));
  return { file, target };
}

const gated = (): { file: string; target: string } =>
  saved(() =>
    plan(
      phase(
        'prepare',
        [change('claim')],
        gate('begin', {
          votes: 1,
          questions: [{ id: 'told', text: 'Who told the users?', expect: 'text', requirements: [] }],
        }),
      ),
    ),
  );

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

  it('exits 8 while a run on the target is active, naming who and the run', async () => {
    const { file } = gated();
    await rehost('apply', file);
    const second = await rehost('apply', file);
    expect(second.code).toBe(8);
    expect(second.err).toMatch(/is active: target-.* requested by rita/);
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
    expect(refused.err).toMatch(/error: .*rita/);
    const voted = await rehost('approve', target, '--answer', 'told=Ada', '--actor', 'ann', '-o', 'json');
    expect(voted.code).toBe(0);
    expect(JSON.parse(voted.out)).toMatchObject({ command: 'approve', repeated: false });
    expect(await rehost('watch', target)).toMatchObject({ code: 0 });
    const late = await rehost('approve', target, '--answer', 'told=Ada', '--actor', 'bob');
    expect(late.code).toBe(4);
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
    const unreachable = await runAt('127.0.0.1:1');
    expect(unreachable.code).toBe(11);
    expect(unreachable.err).toContain('rehost up');
  });
});

jest.setTimeout(60_000);

describe('without a worker', () => {
  let run: { file: string; target: string };
  let other: { file: string; target: string };
  beforeAll(async () => {
    run = gated();
    other = gated();
    await rehost('apply', run.file);
    await rehost('apply', other.file);
    await world.stopWorker();
  });
  afterAll(() => world.startWorker());

  it('status exits 11 and gives what the run published last', async () => {
    const answer = await rehost('status', run.target);
    expect(answer.code).toBe(11);
    expect(answer.err).toContain('no worker took the task up');
    expect(answer.err).toMatch(/Last known at .*: Waiting for a person: gate begin/);
  });

  it('an Update exits 11 and gives the whole command as a Signal', async () => {
    const stop = await rehost('stop', other.target, '--actor', 'rita', '--reason', 'window closed');
    expect(stop.code).toBe(11);
    expect(stop.err).toMatch(
      /rehost stop \S+ --id [0-9a-f]{16} --actor rita --reason 'window closed' --signal/,
    );
  });

  it('a Signal that names gate and revision waits for a worker and opens the gate', async () => {
    const unbound = await rehost('approve', run.target, '--actor', 'ann', '--signal');
    expect(unbound).toMatchObject({ code: 2 });
    const words = ['--gate', 'begin', '--revision', '1', '--answer', 'told=Ada', '--signal'];
    const sent = await rehost('approve', run.target, '--actor', 'ann', ...words);
    expect(sent).toMatchObject({ code: 0, err: '' });
    await world.startWorker();
    expect((await rehost('watch', run.target, '--for', '20')).code).toBe(0);
    await world.stopWorker();
  });
});

async function runAt(address: string): Promise<Answer> {
  let err = '';
  const io: Io = {
    out: () => undefined,
    err: (text) => (err += text),
    env: {},
    interactive: false,
    colour: false,
    ask: () => Promise.resolve(undefined),
    interrupted: new AbortController().signal,
  };
  return { code: await runCli(['list', '--address', address], io), out: '', err };
}

async function gateOpenOf(target: string): Promise<void> {
  await rehost('watch', target, '--until', 'attention');
}
