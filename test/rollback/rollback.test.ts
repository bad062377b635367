/*
 * Every step up to hand-over fails once before and once after its effect; the rollback leaves both hosts as they were.
 *
 * REHOST_ROLLBACK=all runs every case; otherwise five of them, chosen by REHOST_SEED (printed).
 */
import { planSteps, type Plan } from '../../src/plan/types.js';
import { compare, printDifferences, snapshot, type Snapshot } from '../oracle/index.js';
import { compiled, lackingTarget } from '../unit/procedures/discovered.js';
import { haveR, lackR } from '../e2e/lacking.js';
import { plant, plantedMessage, type PlantedFault, type Seen } from '../e2e/faults.js';
import { startWorld, type World } from '../e2e/world.js';

jest.setTimeout(900_000);

const HOSTS = ['ppm-source', 'ppm-target'] as const;
const SAMPLE = 5;
const seed = Number(process.env['REHOST_SEED'] ?? '1');

const upToHandOver = (plan: Pick<Plan, 'phases'>): readonly string[] =>
  planSteps({
    phases: plan.phases.slice(
      0,
      plan.phases.findIndex((phase) => phase.gate?.id === 'hand-over'),
    ),
  })
    .map((step) => step.id)
    .filter((id) => !id.startsWith('keep-warm'));

/** The step that only a target gets whose configuration names an R that it lacks. */
const ADAPT = 'adapt-config';
const every: readonly PlantedFault[] = upToHandOver(compiled({ target: lackingTarget() })).flatMap((step) => [
  { step, when: 'before' },
  { step, when: 'after' },
]);

// A linear congruential generator: the same seed gives the same five on every machine.
function sample(from: readonly PlantedFault[], size: number): readonly PlantedFault[] {
  const left = [...from];
  let state = seed;
  return Array.from({ length: Math.min(size, left.length) }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return left.splice(state % left.length, 1)[0]!;
  });
}

const cases = process.env['REHOST_ROLLBACK'] === 'all' ? every : sample(every, SAMPLE);

describe(`a rollback from any step (seed ${seed}, ${cases.length} of ${every.length} cases)`, () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ name: process.env['REHOST_LAB'] ?? 'rollback' });
  });
  afterAll(() => world?.close());
  let lacking = false;
  afterEach(async () => {
    if (lacking) await haveR(world);
    lacking = false;
  });

  const picture = (host: string): Promise<Snapshot> => snapshot(world.exec, host);

  it.each(cases)('leaves both hosts as they were when $step fails $when its effect', async (fault) => {
    lacking = fault.step === ADAPT;
    if (lacking) await lackR(world);
    const seen: Seen = { undone: [] };
    const served: string[] = [];
    await world.restartWorker(
      plant(fault, {
        seen,
        beforeUndo: async (call) => {
          const cleansUp = !['fence-source', 'start-target'].includes(call.step);
          if (cleansUp && served.length === 0) served.push(await ping(world));
        },
      }),
    );
    const before = await Promise.all(HOSTS.map(picture));
    const plan = await world.plan();
    const run = await world.apply(plan);
    const parked = await world.approveUntil(run, plan);
    const found = parked.phases.flatMap((phase) => phase.steps.filter((step) => step.status === 'parked'));
    // A step that parked of itself tells why: its failure stands beside its id.
    expect(found.map(({ id, failure }) => ({ step: id, ...failure }))).toEqual([
      expect.objectContaining({ step: fault.step, message: plantedMessage(fault) }),
    ]);

    const view = await world.rollback(run, plan);
    expect(view.state).toBe('rolled-back');
    expect(served).toEqual(served.map(() => '200'));
    const after = await Promise.all(HOSTS.map(picture));
    const differences = before.flatMap((one, at) =>
      compare(one, after[at]!, { migrations: [run.migration] }),
    );
    expect(printDifferences(differences)).toBe('0 differences');
    expect(await ping(world)).toBe('200');
  });
});

async function ping(world: World): Promise<string> {
  const url = 'http://127.0.0.1:4242/__ping__';
  const answer = await world.exec('ppm-source', ['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', url]);
  return answer.stdout;
}
