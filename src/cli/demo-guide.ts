import type { Question } from '../plan/types.js';
import type { GateId } from '../spec/spec-schema.js';

/** What the demo tells a person at each gate before the gate's own words. */
export const GATE_STORIES: Readonly<Record<GateId, string>> = {
  begin: `Nothing has been changed so far. The plan, the preflight and the questions below are all there is to judge.
Two of three named people must vote; whoever requested the run never counts, however often they vote.`,
  'stop-source': `The source still serves. Its data lies on the target already, in a directory of its own beside the
target's data, and passes were repeated until hardly anything changed. Only what changes from now on will be
copied while production is down.`,
  'replace-target-data': `The source is fenced: stopped, disabled, and unable to start, even after a reboot. The copy on the target was
compared with it, entry by entry: names, owners, modes, times, contents, database integrity, encryption key.
Nothing on the target was replaced yet. From here on a rollback needs these voters too.`,
  'hand-over': `The target runs on the moved data and gave the same answer to every address that was recorded on the source.
This is the last moment at which a rollback loses nothing: after it, users work on the target.`,
};

const ANSWERS: Readonly<Record<string, string>> = {
  'users-consulted': 'the data science guild',
  'why-move': 'dated addresses in lock files must go on working',
  'users-told': 'the operations desk, two days ago, for one hour',
  'meanwhile-plan': 'publications wait until the target serves',
  traffic: 'the network team, as soon as this gate opens',
};

/** The demo's own answer to a question: what the question expects, or a sentence. */
export function demoAnswer(question: Pick<Question, 'id' | 'expect'>): string {
  return question.expect === 'text' ? (ANSWERS[question.id] ?? 'answered by the demo') : question.expect;
}
