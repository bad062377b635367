/* The command line while no Worker is there: what each command says, and that it changes nothing. */
import { expectTold, toldBy, type Answer, type Refusal } from '../told.js';
import { CommandLine, type Saved } from './command-line.js';
import { Fakes } from './fakes.js';
import { phase, plan, step } from './plans.js';
import { until, World } from './world.js';

jest.setTimeout(90_000);

let world: World;
let run: Saved;
let other: Saved;
let admitted: Saved;
let before: readonly unknown[];
let asked: Readonly<Record<'status' | 'approve' | 'stop' | 'plan' | 'apply', Answer>>;
const line = new CommandLine(() => world);
const rehost = (...argv: string[]): Promise<Answer> => line.run(...argv);

beforeAll(async () => {
  world = await World.start(new Fakes());
  [run, other] = [line.gated(), line.gated()];
  await rehost('apply', run.file);
  await rehost('apply', other.file);
  await world.stopWorker();
  admitted = line.saved(() => plan(phase('admit', [step('admit', { action: 'plan.admit@1' })])));
  before = await everything();
  asked = await askAll();
});
afterAll(async () => {
  line.close();
  await world.close();
});

/** Every command waits some seconds for a worker: all at the same time. */
async function askAll(): Promise<typeof asked> {
  const ends = `source: source-1\ntarget: ${line.newTarget()}\n`;
  const approvals = 'approvals: { voters: [ann, bob], votes: 2 }\n';
  const spec = line.file('migration.yaml', `kind: package-manager-server\n${ends}${approvals}`);
  const ask = (...argv: string[]): Promise<Answer> => rehost(...argv, '-o', 'json');
  const [status, approve, stop, made, applied] = await Promise.all([
    ask('status', run.target),
    ask('approve', run.target, '--actor', 'ann', '--answer', 'told=Ada'),
    ask('stop', other.target, '--actor', 'rita', '--reason', 'window closed'),
    ask('plan', spec),
    ask('apply', admitted.file),
  ]);
  return { status, approve, stop, plan: made, apply: applied };
}

/** Workflows of this file that have not ended, and how far the run to vote for is. */
async function everything(): Promise<readonly unknown[]> {
  const query = `TaskQueue = '${world.taskQueue}' AND ExecutionStatus = 'Running'`;
  const ids: string[] = [];
  for await (const { workflowId } of world.client.workflow.list({ query })) ids.push(workflowId);
  return [ids.sort(), await line.traceOf(run.target)];
}

describe('without a worker', () => {
  const noWorker = (...detail: string[]): Refusal => ({
    code: 11,
    type: 'NoWorker',
    message: 'Temporal answers, but no worker took the task up in time',
    detail,
    hint: 'Start a worker with "rehost worker" (or "rehost up"), then run the command again.',
  });
  const LAST_KNOWN = ['Last known at 20', ': Waiting for a person: gate begin, '];

  it('status exits 11 and gives what the run published last', () =>
    expectTold(toldBy(asked.status), noWorker(...LAST_KNOWN, 'Next: rehost approve ')));

  it('a vote exits 11 and gives the same vote as a Signal', () =>
    expectTold(
      toldBy(asked.approve),
      noWorker(...LAST_KNOWN, 'Sent durably it waits for a worker: rehost approve '),
    ));

  it('an Update exits 11 and gives the whole command as a Signal', () => {
    const told = toldBy(asked.stop);
    expectTold(
      told,
      noWorker(
        'A worker that comes soon may still do it. Sent durably it waits for a worker, and counts once: rehost stop ',
      ),
    );
    expect(told.detail).toMatch(
      /rehost stop \S+ --id [0-9a-f]{16} --actor rita --reason 'window closed' --signal$/,
    );
  });

  it.each(['plan', 'apply'] as const)('%s exits 11 and prints no result', (verb) => {
    expectTold(toldBy(asked[verb]), noWorker(`Nobody polls the task queue "${world.taskQueue}".`));
    expect(asked[verb].out).toBe('');
  });

  it('nothing of it changes a run, starts one, or is left for a worker that comes later', async () => {
    await until('what nobody took up is ended', async () => {
      return JSON.stringify(await everything()) === JSON.stringify(before);
    });
    expect(await rehost('status', admitted.target)).toMatchObject({ code: 2 });
  });

  it('a Signal that names gate and revision waits for a worker and opens the gate', async () => {
    const unbound = await rehost('approve', run.target, '--actor', 'ann', '--signal');
    expect(unbound).toMatchObject({ code: 2 });
    const words = ['--gate', 'begin', '--revision', '1', '--answer', 'told=Ada', '--signal'];
    const sent = await rehost('approve', run.target, '--actor', 'ann', ...words);
    expect(sent).toMatchObject({ code: 0, err: '' });
    await world.startWorker();
    expect((await rehost('watch', run.target, '--for', '20')).code).toBe(0);
  });

  it('an Update that was told as undelivered counts once when it is sent as the Signal that was offered', async () => {
    const [, id = ''] = / --id ([0-9a-f]{16}) /.exec(toldBy(asked.stop).detail ?? '') ?? [];
    const words = ['--id', id, '--actor', 'rita', '--reason', 'window closed'];
    expect(await rehost('stop', other.target, ...words, '--signal')).toMatchObject({ code: 0 });
    // Whichever came first did it: the other one is answered as a repeat.
    expect(await rehost('stop', other.target, ...words)).toMatchObject({ code: 0 });
    const state = await line.stateOf(other.target);
    expect(state.commands.map((command) => command.id)).toEqual([id]);
    expect(state).toMatchObject({ halted: { by: 'rita' } });
    expect(state.lastRefused).toBeUndefined();
  });
});
