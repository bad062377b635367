/* The demo's dialogue at a gate: typed lines on one side, the real plan and the real reducer on the other. */
import type { RunSummary } from '../../../src/client.js';
import type { CommandContext } from '../../../src/cli/context.js';
import { demoAnswer } from '../../../src/cli/demo-guide.js';
import { passGate, type Choice } from '../../../src/cli/demo-gate.js';
import { sealPlan } from '../../../src/digest.js';
import { failure } from '../../../src/failures.js';
import { planSteps } from '../../../src/plan/types.js';
import { describeRun, type GateView, type StatusView } from '../../../src/run/status.js';
import type { Sending } from '../../../src/client/commands.js';
import type { CommandName } from '../../../src/run/commands.js';
import { compiled, SPEC } from '../procedures/discovered.js';
import { DrivenRun } from '../run/run-driver.js';
import { REQUESTER } from '../../workflows/plans.js';
import { FOUND } from '../../found.js';

const SUMMARY = { workflowId: 'kind/target-1', migration: 'm-1' } as RunSummary;
const VOTERS = ['ada', 'grace', 'edsger'];

interface Table {
  readonly run: DrivenRun;
  readonly asked: string[];
  readonly said: () => string;
  /** Goes to the table with these lines to type; then the input ends. */
  pass(...lines: string[]): Promise<Choice>;
  passAutomatically(): Promise<Choice>;
  view(): StatusView;
  gate(id: string): GateView;
}

/** A run of the lab's plan that waits at its first gate, and the demo's terminal. */
function table(voters = VOTERS): Table {
  const spec = SPEC.replace('[dba, lead, owner]', `[${voters.join(', ')}]`);
  const run = new DrivenRun(sealPlan(compiled({ spec, requester: REQUESTER })));
  for (const { id } of planSteps(run.plan)) run.on(`act.${id}`, { values: FOUND });
  run.go();
  const view = (): StatusView => describeRun(run.plan, run.state, { now: run.now });
  const asked: string[] = [];
  const said: string[] = [];
  const command = <Name extends CommandName>({ name, request }: Sending<Name>): Promise<unknown> => {
    const answer = run.try(name, request.actor, { ...request });
    if (typeof answer === 'string') return Promise.reject(failure('Refused', { message: answer, hint: '' }));
    run.go();
    return Promise.resolve(answer);
  };
  const client = { status: () => Promise.resolve(view()), command };
  const pass = (automatic: boolean, lines: string[]): Promise<Choice> => {
    const ask = (text: string): Promise<string | undefined> => {
      asked.push(text);
      return Promise.resolve(lines.shift());
    };
    const context = {
      io: { ask, colour: false },
      configuration: { actor: REQUESTER },
      client: () => Promise.resolve(client),
      say: (text: string) => void said.push(text),
    };
    return passGate(context as unknown as CommandContext, SUMMARY, automatic);
  };
  return {
    run,
    asked,
    said: () => said.join('\n'),
    pass: (...lines) => pass(false, lines),
    passAutomatically: () => pass(true, []),
    view,
    gate: (id) => {
      const found = view().phases.find((phase) => phase.gate?.id === id)?.gate;
      if (found === undefined) throw new Error(`no gate ${id}`);
      return found;
    },
  };
}

const enters = (gate: GateView): string[] => gate.questions.map(() => '');

describe('the gate dialogue of the demo', () => {
  it('explains the gate before it asks anything', async () => {
    const demo = table();
    await demo.pass('q');
    expect(demo.said()).toContain('Nothing has been changed so far.');
    for (const question of demo.gate('begin').questions) expect(demo.said()).toContain(question.text);
    expect(demo.asked[0]).toContain('[a]pprove as ada and grace');
  });

  it('approves with the suggested answers on Enter, as two voters and never as the requester', async () => {
    const demo = table();
    const { questions } = demo.gate('begin');
    expect(questions.length).toBeGreaterThan(1);
    expect(await demo.pass('a', ...enters(demo.gate('begin')))).toBe('on');
    const gate = demo.gate('begin');
    expect(gate.status).toBe('open');
    expect(gate.votes.map((vote) => vote.actor)).toEqual(['ada', 'grace']);
    expect(gate.questions.map(({ answer }) => answer)).toEqual(questions.map((one) => demoAnswer(one)));
    expect(demo.view().phase?.id).not.toBe('prepare');
  });

  it('leaves out a voter who is the requester', async () => {
    const demo = table([REQUESTER, 'ada', 'grace']);
    expect(await demo.pass('a', ...enters(demo.gate('begin')))).toBe('on');
    expect(demo.gate('begin').votes.map((vote) => vote.actor)).toEqual(['ada', 'grace']);
  });

  it('shows the whole status and asks again', async () => {
    const demo = table();
    expect(await demo.pass('s', 'q')).toBe('leave');
    expect(demo.asked).toHaveLength(2);
    expect(demo.said()).toContain('OPEN: gate begin');
    expect(demo.said()).toContain('not-started');
  });

  it.each([
    ['q is typed', ['q']],
    ['the input ends', []],
    ['the input ends in the middle of the questions', ['a', 'yes']],
  ])('leaves the run waiting, without a vote, when %s', async (_what, lines) => {
    const demo = table();
    expect(await demo.pass(...lines)).toBe('leave');
    expect(demo.gate('begin')).toMatchObject({ status: 'waiting', votes: [] });
    expect(demo.view().commands).toEqual([]);
    expect(demo.said()).not.toContain('Refused');
  });

  it('tells what may be typed and asks again when something else is', async () => {
    const demo = table();
    expect(await demo.pass('x', '', ' Q ')).toBe('leave');
    expect(demo.said().match(/Type a, s, r or q\./g)).toHaveLength(2);
  });

  it('tells why a "no" opens no gate, and takes the next answers', async () => {
    const demo = table();
    const { questions } = demo.gate('begin');
    const at = questions.findIndex((question) => question.expect === 'yes');
    expect(at).toBeGreaterThanOrEqual(0);
    const withNo = enters(demo.gate('begin')).map((line, index) => (index === at ? 'no' : line));
    expect(await demo.pass('a', ...withNo, 'q')).toBe('leave');
    expect(demo.said()).toMatch(/ {2}Refused: .*"?no"?/);
    expect(demo.gate('begin')).toMatchObject({ status: 'waiting', votes: [] });
    expect(await demo.pass('a', ...withNo, 'a', ...enters(demo.gate('begin')))).toBe('on');
    expect(demo.gate('begin').status).toBe('open');
  });

  it('rolls back as the requester alone as long as nothing was replaced', async () => {
    const demo = table();
    await demo.passAutomatically();
    expect(demo.view().state).toBe('gate');
    expect(await demo.pass('r')).toBe('on');
    expect(demo.view().state).toBe('rolled-back');
    expect(demo.view().rollback).toMatchObject({ by: REQUESTER, reason: 'chosen in the demo' });
  });

  it('rolls back with two voters of the gate, without the requester, once the data was replaced', async () => {
    const demo = table([REQUESTER, 'grace', 'edsger']);
    for (let gate = 0; gate < 3; gate += 1) await demo.passAutomatically();
    expect(demo.gate('hand-over').status).toBe('waiting');
    expect(await demo.pass('r')).toBe('on');
    const rollbacks = demo.view().commands.filter((command) => command.kind === 'rollback');
    expect(rollbacks.map((command) => command.actor)).toEqual(['grace', 'edsger']);
    expect(demo.view().state).toBe('rolled-back');
  });

  it('answers and votes by itself through all four gates to the end when nobody is asked', async () => {
    const demo = table();
    for (const gate of ['begin', 'stop-source', 'replace-target-data', 'hand-over']) {
      expect(demo.gate(gate).status).toBe('waiting');
      expect(await demo.passAutomatically()).toBe('on');
    }
    expect(demo.asked).toEqual([]);
    expect(demo.view().state).toBe('done');
  });
});
