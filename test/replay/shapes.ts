/* The shapes of control flow whose histories are recorded: what is applied, and what people do meanwhile. */
import type { Plan } from '../../src/plan/types.js';
import { broken, Fakes, Latch, outcome } from '../workflows/fakes.js';
import { change, gate, phase, plan, step, unit } from '../workflows/plans.js';
import { until, type Run } from '../workflows/world.js';

/** One shape: its plan, what its Activities do, and how people lead it to its end. */
export interface Shape {
  readonly name: string;
  /** Recorded on the server that suggests Continue-As-New early; every run of the chain is kept. */
  readonly small?: boolean;
  readonly plan: Plan;
  prepare?(fakes: Fakes): void;
  lead(run: Run, fakes: Fakes): Promise<void>;
}

const approve = async (run: Run, id: string, voters: readonly string[] = ['ann', 'bob']): Promise<void> => {
  await until(`gate ${id} waits`, async () => (await run.status()).open[0]?.id === id);
  for (const voter of voters)
    await run.send('approve', voter, { gate: id, revision: (await run.status()).open[0]?.revision });
};
const called = (fakes: Fakes, entry: string): Promise<void> =>
  until(`${entry} is called`, () => fakes.log.includes(entry));
const failsOnce = (fakes: Fakes, step: string): void => {
  fakes.on(`act.${step}`, (call) => {
    if (call.generation === 1) throw broken();
    return outcome({ ran: step });
  });
};
const heldOnce = (fakes: Fakes, step: string): void => {
  const held = new Latch();
  fakes.on(`act.${step}`, async (call) => {
    if (call.generation === 1) await held.wait();
    return outcome();
  });
};

const whole = plan(
  phase('look', [step('probe')]),
  phase(
    'copy',
    [
      change('key'),
      unit('warm', { repeat: { max: 3 } }),
      { kind: 'parallel', id: 'both', branches: [[change('left')], [unit('right'), change('right-2')]] },
      change('maybe', 'clean-up', { when: { step: 'probe', field: 'ran', equals: 'something else' } }),
      step('reader', { input: { from: { $step: 'left', $path: 'ran' } } }),
    ],
    gate('begin'),
  ),
  phase('finish', [change('live')], gate('hand-over')),
);

/** Every recorded shape. */
export const SHAPES: readonly Shape[] = [
  {
    name: 'whole-migration',
    plan: whole,
    prepare: (fakes) =>
      fakes.on('act.warm', (call) => outcome({ pass: call.generation }, { again: call.generation < 2 })),
    lead: async (run) => {
      await approve(run, 'begin');
      await approve(run, 'hand-over', ['cleo', 'ann']);
    },
  },
  {
    name: 'signal-twin',
    plan: plan(phase('work', [step('probe')], gate('begin', { votes: 1 }))),
    lead: async (run) => {
      await run.reaches('gate');
      await run.handle.signal('approve', run.payload('mallory', { gate: 'begin', revision: 1 }));
      await run.handle.signal('approve', run.payload('ann', { gate: 'begin', revision: 1 }));
    },
  },
  {
    name: 'rejected-and-reopened-gate',
    plan: plan(phase('work', [step('probe')], gate('begin', { votes: 1 }))),
    lead: async (run) => {
      await run.reaches('gate');
      await run.send('reject', 'bob', { gate: 'begin', revision: 1, reason: 'wait' });
      await run.send('retry', 'olaf', { gate: 'begin', revision: 1 });
      await approve(run, 'begin', ['ann']);
    },
  },
  {
    name: 'two-parked-retry-and-skip',
    plan: plan(
      phase('work', [
        {
          kind: 'parallel',
          id: 'both',
          branches: [[change('left')], [change('right', 'clean-up', { skip: 'operator' })]],
        },
        step('after'),
      ]),
    ),
    prepare: (fakes) => {
      failsOnce(fakes, 'left');
      failsOnce(fakes, 'right');
    },
    lead: async (run) => {
      await run.stepReaches('left', 'parked');
      await run.stepReaches('right', 'parked');
      await run.send('skip', 'olaf', { step: 'right', generation: 1, reason: 'not wanted' });
      await run.send('retry', 'olaf', { step: 'left', generation: 1 });
    },
  },
  {
    name: 'stop-and-retry',
    plan: plan(phase('work', [change('key'), unit('copy'), step('after')])),
    prepare: (fakes) => heldOnce(fakes, 'copy'),
    lead: async (run, fakes) => {
      await called(fakes, 'act.copy#1');
      await run.send('stop', 'olaf');
      await run.reaches('parked');
      await run.send('retry', 'olaf');
    },
  },
  {
    name: 'cancelled-before-a-change',
    plan: plan(phase('work', [change('key')], gate('begin'))),
    lead: async (run) => {
      await run.reaches('gate');
      await run.handle.cancel();
    },
  },
  {
    name: 'cancel-after-a-change-and-rollback',
    plan: plan(phase('work', [change('key'), unit('copy')])),
    prepare: (fakes) => heldOnce(fakes, 'copy'),
    lead: async (run, fakes) => {
      await called(fakes, 'act.copy#1');
      await run.handle.cancel();
      await run.reaches('parked');
      await run.send('rollback', 'olaf', { reason: 'cancelled' });
    },
  },
  {
    name: 'rollback-with-a-failing-clean-up',
    plan: plan(
      phase('work', [
        change('key'),
        change('fence', 'restore-service'),
        change('copy'),
        change('start', 'isolate-target'),
        change('last'),
      ]),
    ),
    prepare: (fakes) => {
      failsOnce(fakes, 'last');
      fakes.on('undo.copy', (call) => {
        if (call.generation === 2) throw broken();
        return outcome();
      });
    },
    lead: async (run) => {
      await run.reaches('parked');
      await run.send('rollback', 'olaf', { reason: 'enough' });
      await run.stepReaches('key', 'undone');
      await run.send('retry', 'olaf', { step: 'copy', generation: 2 });
    },
  },
  {
    name: 'keep-warm',
    plan: plan(
      phase(
        'work',
        [change('fence')],
        gate('stop-source', { meanwhile: { step: unit('keep'), everySeconds: 1 } }),
      ),
    ),
    lead: async (run, fakes) => {
      await called(fakes, 'act.keep#2');
      await run.stepReaches('keep', 'done');
      await approve(run, 'stop-source');
    },
  },
  {
    name: 'continue-as-new',
    small: true,
    plan: plan(
      phase(
        'work',
        Array.from({ length: 12 }, (_, index) => change(`step-${index}`)),
      ),
      phase('end', [step('x')], gate('begin')),
    ),
    lead: (run) => approve(run, 'begin'),
  },
];
