import type { Gate, Plan } from '../plan/types.js';
import { countingVoters, sameActor } from '../plan/voters.js';
import type { GateRecord, RunState, Vote } from './state.js';

/** Votes that count now: of the gate's present evidence revision, and none once it was rejected. */
export function countedVotes(record: GateRecord): readonly Vote[] {
  return record.votes.filter((vote) => vote.revision === record.revision);
}

/** Voters who have not voted on the present revision. */
export function missingVoters(gate: Gate, record: GateRecord, requester: string): readonly string[] {
  const votes = countedVotes(record);
  return countingVoters(gate, requester).filter(
    (voter) => !votes.some((vote) => sameActor(vote.actor, voter)),
  );
}

/** Ids of the questions that no counted vote has answered. */
export function unansweredQuestions(gate: Gate, record: GateRecord): readonly string[] {
  const answered = new Set(countedVotes(record).flatMap((vote) => Object.keys(vote.answers)));
  return gate.questions.map((question) => question.id).filter((id) => !answered.has(id));
}

/** The gate of a plan, by id. */
export function findGate(plan: Plan, id: string): Gate | undefined {
  return plan.phases.find((phase) => phase.gate?.id === id)?.gate;
}

/** The gate that was passed last: its voters decide on skips; undefined before the first. */
export function lastPassedGate(plan: Plan, state: RunState): Gate | undefined {
  return plan.phases
    .slice(0, state.phase + 1)
    .flatMap((phase) => phase.gate ?? [])
    .filter((gate) => state.gates[gate.id]?.status === 'open')
    .at(-1);
}
