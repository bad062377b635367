import { planSteps, type Gate, type Plan } from '../plan/types.js';
import { countingVoters, sameActor } from '../plan/voters.js';
import type { RetryRequest, RollbackRequest, SkipRequest, StopRequest } from './commands.js';
import { accepted, refused, type Decision } from './decision.js';
import { halt, keptOf, parkDue, sourceServes, withGate, withStep, withUndo } from './reduce-events.js';
import { hasOpenCall, recordOf, type Ballot, type RunState, type StepRecord } from './state.js';
import { previewRollback } from './undo.js';
import { findGate, lastPassedGate } from './voting.js';

interface Timed<Command> {
  readonly command: Command;
  readonly at: string;
}

/** Lets a parked step, a rejected gate or a stopped run go on. */
export function retry(plan: Plan, state: RunState, request: Timed<RetryRequest>): Decision {
  const { step, generation, gate, revision } = request.command;
  if (hasOpenCall(state) && state.halted !== undefined)
    return refused('the run is still stopping: wait until its units have ended');
  if (step !== undefined && generation !== undefined) return retryStep(plan, state, { step, generation });
  if (gate !== undefined && revision !== undefined) return retryGate(plan, state, { gate, revision });
  if (state.halted === undefined) return refused('the run is not stopped, so there is nothing to go on with');
  return accepted(resume(state), 'the run goes on');
}

const unhalted = (state: RunState): RunState => ({ ...state, halted: undefined });

function due(record: StepRecord): StepRecord {
  return { ...keptOf(record), status: 'running', due: true, changed: 'changed' in record && record.changed };
}

function resume(state: RunState): RunState {
  const steps = Object.entries(state.steps).map(([id, record]): [string, StepRecord] =>
    record.status === 'parked' && record.reason === 'stopped' && state.direction === 'forward'
      ? [id, due(record)]
      : [id, record],
  );
  const woken = { ...unhalted(state), steps: Object.fromEntries(steps) };
  if (state.direction === 'forward') return woken;
  return state.undo
    .filter((item) => item.status === 'parked' && item.failure?.type === 'UnitStopped')
    .reduce((next, item) => withUndo(next, { ...item, status: 'waiting' }, ''), woken);
}

function retryStep(plan: Plan, state: RunState, target: { step: string; generation: number }): Decision {
  const { step } = target;
  const problem = stepProblem(plan, state, target);
  if (problem !== undefined) return refused(problem);
  const record = recordOf(state, step);
  if (state.direction === 'rollback') {
    const parked = state.undo.filter((item) => item.step === step && item.status === 'parked');
    const next = parked.reduce(
      (woken, item) => withUndo(woken, { ...item, status: 'waiting' }, ''),
      unhalted(state),
    );
    return accepted(next, `the undo of step ${step} runs again`);
  }
  return accepted(
    withStep(unhalted(state), step, due(record)),
    `step ${step} runs again as generation ${record.generation + 1}`,
  );
}

function retryGate(plan: Plan, state: RunState, target: { gate: string; revision: number }): Decision {
  const record = state.gates[target.gate];
  if (findGate(plan, target.gate) === undefined) return refused(`the plan has no gate "${target.gate}"`);
  if (state.direction === 'rollback')
    return refused(`gate ${target.gate} is closed: the run is rolling back`);
  if (record?.status !== 'rejected') return refused(`gate ${target.gate} was not rejected`);
  if (record.revision !== target.revision)
    return refused(`gate ${target.gate} is at evidence revision ${record.revision}, not ${target.revision}`);
  const revision = record.revision + 1;
  const reopened = withGate(unhalted(state), target.gate, { ...record, status: 'waiting', revision });
  return accepted(reopened, `gate ${target.gate} takes votes again, on evidence revision ${revision}`);
}

function stepProblem(
  plan: Plan,
  state: RunState,
  target: { step: string; generation: number },
): string | undefined {
  const { step, generation } = target;
  if (!planSteps(plan).some((one) => one.id === step)) return `the plan has no step "${step}"`;
  const record = recordOf(state, step);
  const wanted = state.direction === 'rollback' ? 'undo-parked' : 'parked';
  if (record.status !== wanted) return `step ${step} is not parked, it is ${record.status}`;
  if (record.generation !== generation)
    return `step ${step} is parked as generation ${record.generation}, not ${generation}: look again before deciding`;
  return undefined;
}

/** Goes on without a parked step, or without a parked undo, where that is allowed. */
export function skip(plan: Plan, state: RunState, request: Timed<SkipRequest>): Decision {
  const { command } = request;
  if (state.halted !== undefined)
    return refused('the run is stopped: retry it first, then decide on single steps');
  const problem = stepProblem(plan, state, command);
  if (problem !== undefined) return refused(problem);
  if (state.direction === 'rollback') return skipUndo(plan, state, request);
  const step = planSteps(plan).find((one) => one.id === command.step);
  if (step === undefined || step.skip === 'never')
    return refused(`step ${command.step} may never be skipped: retry it, or roll back`);
  if (step.skip === 'operator')
    return accepted(skipped(state, request, step.verification === true), `step ${command.step} is skipped`);
  const cast = castVote(state, {
    gate: lastPassedGate(plan, state),
    key: `skip:${command.step}#${command.generation}`,
    what: `skipping step ${command.step}`,
    ...request,
  });
  if (!cast.ok) return refused(cast.message);
  if (!cast.passed) return accepted(cast.state, cast.message);
  return accepted(
    skipped(cast.state, request, true),
    `step ${command.step} is skipped; the run is UNVERIFIED`,
  );
}

function skipped(state: RunState, request: Timed<SkipRequest>, unverified: boolean): RunState {
  const { command, at } = request;
  const by = command.actor.trim();
  const record: StepRecord = {
    ...keptOf(recordOf(state, command.step)),
    status: 'skipped',
    by,
    reason: command.reason,
    endedAt: at,
  };
  const next = withStep(state, command.step, record);
  if (!unverified) return next;
  return {
    ...next,
    unverified: [...state.unverified, { step: command.step, by, reason: command.reason, at }],
  };
}

// A clean-up is left behind on one person's word; that the source serves again, or the target is isolated, is not.
function skipUndo(plan: Plan, state: RunState, request: Timed<SkipRequest>): Decision {
  const { command, at } = request;
  const parked = state.undo.filter((item) => item.step === command.step && item.status === 'parked');
  const skipAll = (from: RunState): RunState =>
    sourceServes(
      parked.reduce(
        (next, item) =>
          withUndo(
            next,
            { ...item, status: 'skipped', skippedBy: command.actor.trim(), reason: command.reason },
            at,
          ),
        from,
      ),
      at,
    );
  const message = `the undo of step ${command.step} is skipped; what it would have removed stays`;
  if (parked.every((item) => item.order === 'clean-up')) return accepted(skipAll(state), message);
  const cast = castVote(state, {
    gate: lastPassedGate(plan, state),
    key: `skip:${command.step}#${command.generation}`,
    what: `skipping the undo of step ${command.step}`,
    ...request,
  });
  if (!cast.ok) return refused(cast.message);
  return cast.passed ? accepted(skipAll(cast.state), message) : accepted(cast.state, cast.message);
}

type Cast =
  | { readonly ok: true; readonly passed: boolean; readonly state: RunState; readonly message: string }
  | { readonly ok: false; readonly message: string };

interface Vote extends Timed<SkipRequest | RollbackRequest> {
  readonly gate: Gate | undefined;
  readonly key: string;
  readonly what: string;
}

function castVote(state: RunState, vote: Vote): Cast {
  const { gate, key, what, command, at } = vote;
  if (gate === undefined)
    return { ok: false, message: `${what} needs the votes of a gate's voters, and no gate was passed yet` };
  const voters = countingVoters(gate, state.requester);
  if (sameActor(command.actor, state.requester))
    return {
      ok: false,
      message: `${command.actor} asked for this migration, and the requester never counts in a vote (${what})`,
    };
  if (!voters.some((voter) => sameActor(voter, command.actor)))
    return {
      ok: false,
      message: `${what} needs the voters of gate ${gate.id}: ${voters.join(', ')}; ${command.actor} is not one of them`,
    };
  const ballot: Ballot = state.ballots.find((one) => one.key === key) ?? { key, gate: gate.id, votes: [] };
  if (ballot.votes.some((one) => sameActor(one.actor, command.actor)))
    return {
      ok: false,
      message: `${command.actor} has already voted for ${what}, and one person has one vote`,
    };
  const votes = [...ballot.votes, { actor: command.actor.trim(), at, reason: command.reason }];
  const passed = votes.length >= gate.votes;
  const next: Ballot = { ...ballot, votes, ...(passed ? { passedAt: at } : {}) };
  const ballots = [...state.ballots.filter((one) => one.key !== key), next];
  const missing = voters.filter((voter) => !votes.some((one) => sameActor(one.actor, voter)));
  return {
    ok: true,
    passed,
    state: { ...state, ballots },
    message: `${what} has ${votes.length} of ${gate.votes} votes; may still vote: ${missing.join(', ')}`,
  };
}

/** Stops what runs and starts nothing new; undoes nothing. */
export function stop(_plan: Plan, state: RunState, request: Timed<StopRequest>): Decision {
  const { command, at } = request;
  if (state.halted !== undefined) return refused(`the run was already stopped by ${state.halted.by}`);
  const by = {
    by: command.actor.trim(),
    at,
    cancel: false,
    ...(command.reason === undefined ? {} : { reason: command.reason }),
  };
  const open = hasOpenCall(state);
  return accepted(
    halt(state, by),
    open ? 'running units are being stopped; nothing is undone' : 'the run is stopped; nothing is undone',
  );
}

/** Turns the run round; with votes once the target's data was replaced, and with `acceptLoss` where something is lost. */
export function rollback(plan: Plan, state: RunState, request: Timed<RollbackRequest>): Decision {
  const { command, at } = request;
  if (state.direction === 'rollback')
    return refused(
      state.halted === undefined
        ? 'the run is already rolling back'
        : 'the run is already rolling back and is stopped: retry it',
    );
  const preview = previewRollback(plan, state);
  if (preview.losses.length > 0 && command.acceptLoss !== true)
    return refused(
      `a rollback now loses: ${preview.losses.join('; ')}. Send it with "acceptLoss": true if that is wanted`,
    );
  if (preview.votersOfGate === undefined) return accepted(turnRound(state, request), 'the run rolls back');
  const cast = castVote(state, {
    gate: findGate(plan, preview.votersOfGate),
    key: `rollback@${state.undo.length}`,
    what: "a rollback after the replacement of the target's data",
    command,
    at,
  });
  if (!cast.ok) return refused(cast.message);
  return cast.passed
    ? accepted(turnRound(cast.state, request), 'the run rolls back')
    : accepted(cast.state, cast.message);
}

function turnRound(state: RunState, request: Timed<RollbackRequest>): RunState {
  const { command, at } = request;
  const turned: RunState = {
    ...unhalted(state),
    direction: 'rollback',
    rollback: { by: command.actor.trim(), at, reason: command.reason },
  };
  return hasOpenCall(state) ? parkDue(turned, at) : sourceServes(parkDue(turned, at), at);
}
