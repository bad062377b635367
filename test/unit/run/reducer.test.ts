import { COMMANDS_KEPT, rehostState } from '../../../src/run/state.js';
import { next } from '../../../src/run/next.js';
import { change, gate, phase, plan, step, unit } from '../../workflows/plans.js';
import { DrivenRun, FAILED } from './run-driver.js';

const gated = (more: Parameters<typeof gate>[1] = {}): DrivenRun =>
  new DrivenRun(
    plan(phase('look', [step('probe')]), phase('work', [change('copy')], gate('begin', more))),
  ).go();

describe('a gate', () => {
  it('opens with the last vote that is needed, whoever of the voters casts it', () => {
    const run = gated();
    run.command('approve', 'cleo', { gate: 'begin', revision: 1 });
    expect(rehostState(run.plan, run.state)).toBe('gate');
    run.command('approve', 'ann', { gate: 'begin', revision: 1 });
    expect(run.state.gates['begin']).toMatchObject({ status: 'open', revision: 1 });
    expect(run.calls).toEqual(['act.probe', 'act.copy']);
    expect(rehostState(run.plan, run.state)).toBe('done');
  });

  it('needs an answer to each question once, from any of its votes', () => {
    const questions = [{ id: 'told', text: 'Were users told?', expect: 'yes', requirements: [] }] as const;
    const run = gated({ questions });
    run.command('approve', 'ann', { gate: 'begin', revision: 1, answers: { told: ' Yes ' } });
    run.command('approve', 'bob', { gate: 'begin', revision: 1 });
    expect(run.state.gates['begin']?.status).toBe('open');
  });

  it('is reopened by a retry with a higher revision, and forgets the votes before', () => {
    const run = gated();
    run.command('approve', 'ann', { gate: 'begin', revision: 1 });
    run.command('reject', 'bob', { gate: 'begin', revision: 1, reason: 'wait for Monday' });
    expect(rehostState(run.plan, run.state)).toBe('parked');
    run.command('retry', 'olaf', { gate: 'begin', revision: 1 });
    expect(run.state.gates['begin']).toMatchObject({ status: 'waiting', revision: 2 });
    run.command('approve', 'ann', { gate: 'begin', revision: 2 });
    expect(run.state.gates['begin']?.status).toBe('waiting');
    run.command('approve', 'bob', { gate: 'begin', revision: 2 });
    expect(run.state.gates['begin']?.status).toBe('open');
    expect(run.state.gates['begin']?.votes).toHaveLength(3);
  });

  it('counts a vote by Signal like one by Update and notes how it came', () => {
    const run = gated({ votes: 1 });
    run.command('approve', 'ann', { gate: 'begin', revision: 1, via: 'signal' });
    expect(run.state.gates['begin']?.votes[0]).toMatchObject({ actor: 'ann', via: 'signal' });
  });

  it('refuses claimed votes where the plan wants signed ones', () => {
    const run = gated({ proof: 'signed' });
    expect(run.try('approve', 'ann', { gate: 'begin', revision: 1 })).toContain('takes signed votes only');
  });
});

describe('keeping a copy warm', () => {
  const warm = (): DrivenRun => {
    const meanwhile = { step: unit('keep'), everySeconds: 60 };
    return new DrivenRun(
      plan(phase('work', [change('fence')], gate('stop-source', { meanwhile, evidence: ['keep'] }))),
    ).go();
  };

  it('runs a pass one interval after the gate was reached, then one interval after each pass', () => {
    const run = warm();
    expect(run.calls).toEqual([]);
    run.wait(59).go();
    expect(run.calls).toEqual(['act.keep']);
    run.wait(30).go();
    expect(run.calls).toHaveLength(1);
    run.wait(31).go();
    expect(run.calls).toEqual(['act.keep', 'act.keep']);
    expect(run.state.steps['keep']).toMatchObject({ generation: 2, passes: 2 });
  });

  it('raises the evidence revision when the outcome differs, not when it is the same', () => {
    const run = warm().on('act.keep', { values: { bytes: 1 } });
    run.command('approve', 'ann', { gate: 'stop-source', revision: 1 });
    run.wait(60).go();
    expect(run.state.gates['stop-source']?.revision).toBe(2);
    run.command('approve', 'ann', { gate: 'stop-source', revision: 2 });
    run.wait(61).go();
    expect(run.state.gates['stop-source']?.revision).toBe(2);
    run
      .on('act.keep', { values: { bytes: 2 } })
      .wait(61)
      .go();
    expect(run.state.gates['stop-source']?.revision).toBe(3);
    expect(run.try('approve', 'bob', { gate: 'stop-source', revision: 2 })).toContain('now at revision 3');
  });

  it('lets the pass that runs end before the phase begins', () => {
    const run = warm().on('act.keep', 'open').wait(60).go();
    run.command('approve', 'ann', { gate: 'stop-source', revision: 1 });
    run.command('approve', 'bob', { gate: 'stop-source', revision: 1 });
    expect(run.calls).toEqual(['act.keep']);
    run.finish('keep', { bytes: 5 });
    expect(run.calls).toEqual(['act.keep', 'act.fence']);
  });

  it('is left out when the gate opens before the first pass, and left behind when it failed', () => {
    const early = warm();
    early.command('approve', 'ann', { gate: 'stop-source', revision: 1 });
    early.command('approve', 'bob', { gate: 'stop-source', revision: 1 });
    expect(early.state.steps['keep']?.status).toBe('not-needed');
    const failing = warm().on('act.keep', { failure: FAILED }).wait(60).go();
    expect(rehostState(failing.plan, failing.state)).toBe('gate');
    failing.command('approve', 'ann', { gate: 'stop-source', revision: 1 });
    failing.command('approve', 'bob', { gate: 'stop-source', revision: 1 });
    expect(failing.state.steps['keep']).toMatchObject({
      status: 'skipped',
      by: 'rehost',
      reason: 'the gate opened',
    });
    expect(rehostState(failing.plan, failing.state)).toBe('done');
  });
});

describe('an undo', () => {
  it('stands on the stack before its step acts, with its input resolved, and once only', () => {
    const undo = {
      kind: 'calls',
      calls: [
        {
          order: 'clean-up',
          action: 'a@1',
          host: 'h',
          input: { path: { $step: 'find', $path: 'path' } },
          title: 'T',
          timeouts: 'short',
        },
      ],
    } as const;
    const run = new DrivenRun(plan(phase('work', [step('find'), change('copy', 'clean-up', { undo })])));
    run
      .on('act.find', { values: { path: '/data' } })
      .on('act.copy', 'open')
      .go();
    expect(run.state.undo).toMatchObject([{ key: 'copy/0', input: { path: '/data' }, status: 'waiting' }]);
    run.event({ kind: 'step-failed', step: 'copy', failure: FAILED, stopped: false, at: run.now });
    run.command('retry', 'olaf', { step: 'copy', generation: 1 });
    expect(run.state.undo).toHaveLength(1);
  });

  it('of a step that never started is not run', () => {
    const run = new DrivenRun(plan(phase('work', [change('first'), change('second')])))
      .on('act.first', { failure: FAILED })
      .go();
    run.command('rollback', 'olaf', { reason: 'enough' });
    expect(run.calls).toEqual(['act.first', 'undo.first']);
    expect(rehostState(run.plan, run.state)).toBe('rolled-back');
  });

  it('of a step that failed is run, because its effect is unknown', () => {
    const run = new DrivenRun(plan(phase('work', [change('copy')]))).on('act.copy', { failure: FAILED }).go();
    run.command('rollback', 'olaf', { reason: 'enough' });
    expect(run.calls).toContain('undo.copy');
  });

  it('notes since when the source serves: after the last restore, before the first clean-up', () => {
    const nodes = [
      change('fence', 'restore-service', { downtime: 'starts' }),
      change('copy'),
      change('last'),
    ];
    const run = new DrivenRun(plan(phase('work', nodes)))
      .on('act.last', { failure: FAILED })
      .on('undo.copy', { failure: FAILED })
      .go();
    run.command('rollback', 'olaf', { reason: 'enough' });
    expect(run.calls.slice(3)).toEqual(['undo.fence', 'undo.last', 'undo.copy']);
    const { rollback, downtime } = run.state;
    expect(rollback?.servingAt).toBeDefined();
    expect(downtime.endedAt).toBe(rollback?.servingAt);
    expect(rehostState(run.plan, run.state)).toBe('rolling-back');
  });
});

describe('stopping', () => {
  it('parks a step between two passes at once and starts nothing new', () => {
    const run = new DrivenRun(plan(phase('work', [unit('warm', { repeat: { max: 9 } })])))
      .on('act.warm', 'open')
      .go();
    run.command('stop', 'olaf');
    expect(rehostState(run.plan, run.state)).toBe('stopping');
    run.finish('warm', {}, { again: true });
    expect(run.state.steps['warm']).toMatchObject({ status: 'parked', reason: 'stopped', passes: 1 });
    expect(rehostState(run.plan, run.state)).toBe('parked');
    run.command('retry', 'olaf');
    expect(run.calls).toEqual(['act.warm', 'act.warm']);
  });

  it('keeps a step that failed by itself parked when the run is retried', () => {
    const branches = [[change('left')], [unit('right')]];
    const run = new DrivenRun(plan(phase('work', [{ kind: 'parallel', id: 'p', branches }])))
      .on('act.left', { failure: FAILED })
      .on('act.right', 'open')
      .go();
    run.command('stop', 'olaf');
    run.event({ kind: 'step-failed', step: 'right', failure: FAILED, stopped: true, at: run.now });
    run.on('act.right', {}).command('retry', 'olaf');
    expect(run.state.steps['left']?.status).toBe('parked');
    expect(run.state.steps['right']?.status).toBe('done');
  });

  it('of a rollback holds it, and a retry goes on with the same call', () => {
    const run = new DrivenRun(plan(phase('work', [change('copy'), change('last')])))
      .on('act.last', { failure: FAILED })
      .on('undo.last', 'open')
      .go();
    run.command('rollback', 'olaf', { reason: 'enough' });
    run.command('stop', 'olaf');
    const stopped = { type: 'UnitStopped', message: 'stopped', hint: '' };
    run.event({ kind: 'undo-failed', key: 'last/0', failure: stopped, at: run.now });
    run.go();
    expect(run.calls).toEqual(['act.copy', 'act.last', 'undo.last']);
    run.on('undo.last', {}).command('retry', 'olaf');
    expect(run.calls.slice(3)).toEqual(['undo.last', 'undo.copy']);
    expect(run.state.ended?.state).toBe('rolled-back');
  });

  it('by a cancellation ends the run when nothing changed, and only then', () => {
    const clean = new DrivenRun(
      plan(phase('look', [step('probe')]), phase('work', [change('copy')], gate('begin'))),
    )
      .on('act.probe', { changed: false })
      .go();
    clean.event({ kind: 'cancel-requested', at: clean.now });
    expect(clean.go().state.ended?.state).toBe('cancelled');
    const dirty = new DrivenRun(
      plan(phase('work', [change('copy')]), phase('end', [step('x')], gate('begin'))),
    ).go();
    dirty.event({ kind: 'cancel-requested', at: dirty.now });
    expect(dirty.go().state.ended).toBeUndefined();
    expect(rehostState(dirty.plan, dirty.state)).toBe('parked');
  });
});

describe('a command id', () => {
  it('answers a repeat as the first time, also when the thing is long over', () => {
    const run = gated({ votes: 1 });
    const first = run.command('approve', 'ann', { id: 'one', gate: 'begin', revision: 1 });
    expect(run.state.ended?.state).toBe('done');
    expect(run.try('approve', 'ann', { id: 'one', gate: 'begin', revision: 1 })).toEqual({
      ...first,
      repeated: true,
    });
  });

  it.each([
    ['another person', 'bob', 'approve'],
    ['another command', 'ann', 'reject'],
  ] as const)('is refused from %s', (_title, actor, name) => {
    const run = gated();
    run.command('approve', 'ann', { id: 'one', gate: 'begin', revision: 1 });
    const reason = name === 'reject' ? { reason: 'x' } : {};
    expect(run.try(name, actor, { id: 'one', gate: 'begin', revision: 1, ...reason })).toContain(
      'was already used by ann',
    );
  });

  it('is kept for the last commands only, and the others are counted', () => {
    const run = gated();
    for (let round = 1; round <= COMMANDS_KEPT; round++) {
      run.command('reject', 'ann', { gate: 'begin', revision: round, reason: 'again' });
      run.command('retry', 'olaf', { gate: 'begin', revision: round });
    }
    expect(run.state.commands).toHaveLength(COMMANDS_KEPT);
    expect(run.state.commandsForgotten).toBe(COMMANDS_KEPT);
  });
});

describe('next', () => {
  it('gives the same moves for a state that went through JSON', () => {
    const run = new DrivenRun(plan(phase('work', [change('a'), unit('b', { repeat: { max: 3 } })])))
      .on('act.b', 'open')
      .go();
    const copy = JSON.parse(JSON.stringify(run.state)) as typeof run.state;
    expect(copy).toEqual(run.state);
    expect(next(run.plan, copy, run.now)).toEqual(next(run.plan, run.state, run.now));
  });
});
