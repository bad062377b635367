import type { CommandName } from '../../../src/run/commands.js';
import { change, gate, phase, plan, step } from '../../workflows/plans.js';
import { DrivenRun, FAILED } from './run-driver.js';

const questions = [
  { id: 'accepted', text: 'Is phase 1 accepted?', expect: 'yes', requirements: [] },
  { id: 'reference', text: 'Which ticket?', expect: 'text', requirements: [] },
] as const;
const answers = { accepted: 'yes', reference: 'T-1' };
const at = (revision = 1): { gate: string; revision: number } => ({ gate: 'begin', revision });

const atGate = (): DrivenRun =>
  new DrivenRun(
    plan(
      phase('look', [step('probe')]),
      phase('work', [change('copy')], gate('begin', { questions })),
      phase('end', [step('end')], gate('hand-over')),
    ),
  ).go();
const votedOnce = (): DrivenRun => {
  const run = atGate();
  run.command('approve', 'ann', { ...at(), answers });
  return run;
};
const parked = (): DrivenRun =>
  new DrivenRun(plan(phase('work', [change('copy'), step('after')])))
    .on('act.copy', { failure: FAILED })
    .go();
const running = (): DrivenRun =>
  new DrivenRun(plan(phase('work', [change('copy')]))).on('act.copy', 'open').go();
const rejected = (): DrivenRun => {
  const run = atGate();
  run.command('reject', 'ann', { ...at(), reason: 'not today' });
  return run;
};
const stopped = (): DrivenRun => {
  const run = atGate();
  run.command('stop', 'olaf');
  return run;
};
const stopping = (): DrivenRun => {
  const run = running();
  run.command('stop', 'olaf');
  return run;
};
const rollingBack = (): DrivenRun => {
  const run = parked().on('undo.copy', { failure: FAILED });
  run.command('rollback', 'olaf', { reason: 'enough' });
  return run;
};
const opened = (): DrivenRun => {
  const run = votedOnce().on('act.copy', 'open');
  run.command('approve', 'bob', at());
  return run;
};
const gateBehind = (): DrivenRun => {
  const run = opened();
  run.command('rollback', 'olaf', { reason: 'enough' });
  return run;
};
const ended = (): DrivenRun => new DrivenRun(plan(phase('work', [step('probe')]))).go();

type Row = readonly [
  title: string,
  make: () => DrivenRun,
  name: CommandName,
  actor: string,
  members: object,
  sentence: string,
];

const OPEN_GATE =
  'Open now: gate begin, evidence revision 1, has 0 of 2 votes; may still vote: ann, bob, cleo.';
const REFUSALS: readonly Row[] = [
  // who
  [
    'a vote by the requester',
    atGate,
    'approve',
    'rita',
    { ...at(), answers },
    `rita asked for this migration, and the requester never counts at a gate. ${OPEN_GATE}`,
  ],
  [
    'a vote by the requester in other letters',
    atGate,
    'approve',
    ' RITA ',
    { ...at(), answers },
    'the requester never counts',
  ],
  [
    'a rejection by the requester',
    atGate,
    'reject',
    'rita',
    { ...at(), reason: 'x' },
    'the requester never counts',
  ],
  [
    'a vote by somebody else',
    atGate,
    'approve',
    'mallory',
    { ...at(), answers },
    'mallory is not a voter of gate begin; its voters are: ann, bob, cleo',
  ],
  [
    'a second vote by one person',
    votedOnce,
    'approve',
    'ann',
    at(),
    'ann has already voted at gate begin, and one person has one vote',
  ],
  [
    'a second vote by one person in other letters',
    votedOnce,
    'approve',
    'Ann',
    at(),
    'Ann has already voted',
  ],
  // what
  [
    'a vote for a gate of another plan',
    atGate,
    'approve',
    'ann',
    { gate: 'middle', revision: 1 },
    'the plan has no gate "middle"; its gates are: begin, hand-over',
  ],
  [
    'a vote for a gate not reached',
    atGate,
    'approve',
    'ann',
    { gate: 'hand-over', revision: 1 },
    `gate hand-over is not reached yet. ${OPEN_GATE}`,
  ],
  [
    'a vote for a rejected gate',
    rejected,
    'approve',
    'bob',
    at(),
    'gate begin was rejected and takes no votes until it is retried. Open now: gate begin was rejected by ann: not today.',
  ],
  [
    'a vote on stale evidence',
    atGate,
    'approve',
    'ann',
    { ...at(7), answers },
    'the vote is for evidence revision 7 of gate begin, which is now at revision 1',
  ],
  [
    'a vote for another plan',
    atGate,
    'approve',
    'ann',
    { ...at(), answers, digest: 'e'.repeat(12) },
    'the command is for plan eeeeeeeeeeee, but this run carries out plan d1d1d1d1d1d1',
  ],
  [
    'a vote while the run is stopped',
    stopped,
    'approve',
    'ann',
    { ...at(), answers },
    'gate begin takes no votes while the run is stopped. Open now: the run was stopped by olaf.',
  ],
  [
    'a vote for a gate that is open already',
    opened,
    'approve',
    'cleo',
    at(),
    'gate begin is already open, with 2 of 2 votes. Nothing waits for a person now: step copy is running.',
  ],
  [
    'a vote for a gate while rolling back',
    gateBehind,
    'approve',
    'cleo',
    at(),
    'gate begin is closed: the run is rolling back',
  ],
  [
    'a vote in a rollback of a plan without that gate',
    rollingBack,
    'approve',
    'ann',
    at(),
    'the plan has no gate "begin"',
  ],
  // questions
  [
    'a vote without answers',
    atGate,
    'approve',
    'ann',
    at(),
    'gate begin needs answers to: accepted, reference',
  ],
  [
    'a vote with one answer missing',
    atGate,
    'approve',
    'ann',
    { ...at(), answers: { accepted: 'yes' } },
    'gate begin needs answers to: reference',
  ],
  [
    'an answer that means no',
    atGate,
    'approve',
    'ann',
    { ...at(), answers: { ...answers, accepted: 'no' } },
    'the answer "no" to "Is phase 1 accepted?" means: reject',
  ],
  [
    'the placeholder of the printed command',
    atGate,
    'approve',
    'ann',
    { ...at(), answers: { ...answers, accepted: 'YES-OR-NO' } },
    'bad answer to "accepted": it still is the placeholder YES-OR-NO',
  ],
  [
    'an answer to another question',
    atGate,
    'approve',
    'ann',
    { ...at(), answers: { ...answers, mood: 'good' } },
    'gate begin has no question "mood"; its questions are: accepted, reference',
  ],
  [
    'a second voter who answers no',
    votedOnce,
    'approve',
    'bob',
    { ...at(), answers: { accepted: 'no' } },
    'means: reject',
  ],
  // retry
  [
    'a retry of a step that runs',
    running,
    'retry',
    'olaf',
    { step: 'copy', generation: 1 },
    'step copy is not parked, it is running. Nothing waits for a person now: step copy is running.',
  ],
  [
    'a retry of another generation',
    parked,
    'retry',
    'olaf',
    { step: 'copy', generation: 2 },
    'step copy is parked as generation 1, not 2: look again before deciding. Open now: step copy is parked (generation 1).',
  ],
  [
    'a retry of an unknown step',
    parked,
    'retry',
    'olaf',
    { step: 'nothing', generation: 1 },
    'the plan has no step "nothing"',
  ],
  ['a retry of a gate that was not rejected', atGate, 'retry', 'olaf', at(), 'gate begin was not rejected'],
  [
    'a retry of a rejected gate at another revision',
    rejected,
    'retry',
    'olaf',
    at(3),
    'gate begin is at evidence revision 1, not 3',
  ],
  [
    'a retry of a run that is not stopped',
    parked,
    'retry',
    'olaf',
    {},
    'the run is not stopped, so there is nothing to go on with',
  ],
  [
    'a retry while units still end',
    stopping,
    'retry',
    'olaf',
    {},
    'the run is still stopping: wait until its units have ended',
  ],
  // skip
  [
    'a skip of a step that never may be',
    parked,
    'skip',
    'olaf',
    { step: 'copy', generation: 1, reason: 'x' },
    'step copy may never be skipped: retry it, or roll back',
  ],
  [
    'a skip of a step that is not parked',
    parked,
    'skip',
    'olaf',
    { step: 'after', generation: 0, reason: 'x' },
    'step after is not parked, it is not-started',
  ],
  [
    'a skip while stopped',
    stopped,
    'skip',
    'olaf',
    { step: 'copy', generation: 1, reason: 'x' },
    'the run is stopped: retry it first',
  ],
  // stop and rollback
  ['a second stop', stopped, 'stop', 'ann', {}, 'the run was already stopped by olaf'],
  [
    'a second rollback',
    rollingBack,
    'rollback',
    'olaf',
    { reason: 'x' },
    'the run is already rolling back. Open now: the undo of step copy is parked (generation 2).',
  ],
  ['a command after the end', ended, 'stop', 'olaf', {}, 'stop comes too late. The run has ended: done.'],
];

describe('a refusal', () => {
  it.each(REFUSALS)('answers %s and changes nothing', (_title, make, name, actor, members, sentence) => {
    expect(make().try(name, actor, { ...members })).toContain(sentence);
  });
});
