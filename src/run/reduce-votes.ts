import type { Gate, Plan } from '../plan/types.js';
import { countingVoters, sameActor } from '../plan/voters.js';
import type { ApproveRequest, RejectRequest } from './commands.js';
import { accepted, refused, type Decision } from './decision.js';
import { settleKeepWarm, withGate } from './reduce-events.js';
import type { GateRecord, RunState, Via, Vote } from './state.js';
import { countedVotes, findGate, missingVoters, unansweredQuestions } from './voting.js';

interface OpenGate {
  readonly gate: Gate;
  readonly record: GateRecord;
}

type Found =
  { readonly ok: true; readonly open: OpenGate } | { readonly ok: false; readonly message: string };

/** One person's vote for a gate; the last one that is needed opens it. */
export function approve(
  plan: Plan,
  state: RunState,
  request: { command: ApproveRequest; via: Via; at: string },
): Decision {
  const { command, via, at } = request;
  const found = votable(plan, state, command);
  if (!found.ok) return refused(found.message);
  const { gate, record } = found.open;
  const problem = answersProblem(gate, record, command.answers ?? {});
  if (problem !== undefined) return refused(problem);
  const vote: Vote = {
    actor: command.actor.trim(),
    at,
    revision: record.revision,
    answers: command.answers ?? {},
    command: command.id,
    via,
    ...(command.reason === undefined ? {} : { reason: command.reason }),
  };
  const voted: GateRecord = { ...record, votes: [...record.votes, vote] };
  const votes = countedVotes(voted).length;
  if (votes < gate.votes) {
    const missing = missingVoters(gate, voted, state.requester).join(', ');
    return accepted(
      withGate(state, gate.id, voted),
      `gate ${gate.id} has ${votes} of ${gate.votes} votes; may still vote: ${missing}`,
    );
  }
  const opened = withGate(state, gate.id, { ...voted, status: 'open', openedAt: at });
  return accepted(
    settleKeepWarm(plan, opened, at),
    `gate ${gate.id} is open with ${votes} of ${gate.votes} votes`,
  );
}

/** One voter's no: the gate parks until somebody retries it. */
export function reject(
  plan: Plan,
  state: RunState,
  request: { command: RejectRequest; at: string },
): Decision {
  const { command, at } = request;
  const found = votable(plan, state, command);
  if (!found.ok) return refused(found.message);
  const { gate, record } = found.open;
  const rejection = { actor: command.actor.trim(), at, reason: command.reason, revision: record.revision };
  const rejected: GateRecord = {
    ...record,
    status: 'rejected',
    rejections: [...record.rejections, rejection],
  };
  return accepted(
    withGate(state, gate.id, rejected),
    `gate ${gate.id} is rejected and parked until it is retried`,
  );
}

function votable(plan: Plan, state: RunState, command: ApproveRequest | RejectRequest): Found {
  const gate = findGate(plan, command.gate);
  const no = (message: string): Found => ({ ok: false, message });
  if (gate === undefined) {
    const names = plan.phases.flatMap((phase) => phase.gate?.id ?? []).join(', ');
    return no(`the plan has no gate "${command.gate}"; its gates are: ${names}`);
  }
  if (state.direction === 'rollback') return no(`gate ${gate.id} is closed: the run is rolling back`);
  if (state.halted !== undefined) return no(`gate ${gate.id} takes no votes while the run is stopped`);
  const record = state.gates[gate.id];
  if (record === undefined) return no(`gate ${gate.id} is not reached yet`);
  if (record.status === 'open')
    return no(`gate ${gate.id} is already open, with ${gate.votes} of ${gate.votes} votes`);
  if (record.status === 'rejected')
    return no(`gate ${gate.id} was rejected and takes no votes until it is retried`);
  if (command.revision !== record.revision)
    return no(
      `the vote is for evidence revision ${command.revision} of gate ${gate.id}, which is now at revision ${record.revision}: look again, then vote`,
    );
  const person = voterProblem(gate, record, { actor: command.actor, requester: state.requester });
  return person === undefined ? { ok: true, open: { gate, record } } : no(person);
}

function voterProblem(
  gate: Gate,
  record: GateRecord,
  person: { actor: string; requester: string },
): string | undefined {
  const { actor, requester } = person;
  if (sameActor(actor, requester))
    return `${actor} asked for this migration, and the requester never counts at a gate`;
  const voters = countingVoters(gate, requester);
  if (!voters.some((voter) => sameActor(voter, actor)))
    return `${actor} is not a voter of gate ${gate.id}; its voters are: ${voters.join(', ')}`;
  if (countedVotes(record).some((vote) => sameActor(vote.actor, actor)))
    return `${actor} has already voted at gate ${gate.id}, and one person has one vote`;
  return gate.proof === 'signed'
    ? `gate ${gate.id} takes signed votes only, which this release cannot check`
    : undefined;
}

function answersProblem(
  gate: Gate,
  record: GateRecord,
  answers: { readonly [question: string]: string },
): string | undefined {
  const unknown = Object.keys(answers).find((id) => !gate.questions.some((question) => question.id === id));
  if (unknown !== undefined)
    return `gate ${gate.id} has no question "${unknown}"; its questions are: ${gate.questions.map((question) => question.id).join(', ') || 'none'}`;
  for (const question of gate.questions) {
    const answer = answers[question.id];
    if (answer === undefined || question.expect === 'text') continue;
    if (answer.trim().toLowerCase() !== question.expect)
      return `the answer "${answer}" to "${question.text}" means: reject (gate ${gate.id} opens only with "${question.expect}")`;
  }
  const missing = unansweredQuestions(gate, record).filter((id) => answers[id] === undefined);
  if (missing.length === 0) return undefined;
  return `gate ${gate.id} needs answers to: ${missing.join(', ')}`;
}
