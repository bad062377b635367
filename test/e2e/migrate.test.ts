/*
 * One target, two lives: applied and rolled back, applied again and finished; then what was executed is held against
 * what `plan` printed. The data lies in three trees and has entries that tools trip over; the target's configuration
 * names an R that the target lacks.
 */
import { labExecuted } from '../../lab/lab.js';
import { ledgerPath } from '../../src/contracts/paths.js';
import { planEffects, previewPlan } from '../../src/plan/preview.js';
import type { Plan } from '../../src/plan/types.js';
import {
  changingCommands,
  compare,
  compareMigration,
  explain,
  printCommands,
  printDifferences,
  recordAnswers,
  snapshot,
  unexplained,
  type Answers,
  type Snapshot,
} from '../oracle/index.js';
import { LACKED_LINE, lackR, targetConfig } from './lacking.js';
import { scatter, SCATTERED_TREES } from './scattered.js';
import { startWorld, type World } from './world.js';

jest.setTimeout(900_000);

const LAB = process.env['REHOST_LAB'] ?? 'e2e';
const SOURCE = 'ppm-source';
const TARGET = 'ppm-target';
const PATHS = ['/__ping__', '/__api__/repos', '/cran/latest/src/contrib/PACKAGES', '/pypi/latest/simple/'];

describe('a whole migration of Package Manager', () => {
  let world: World;
  let plan: Plan;
  let before: { source: Snapshot; target: Snapshot; answers: Answers };
  beforeAll(async () => {
    world = await startWorld({ name: LAB });
    await scatter(world);
    await lackR(world);
    before = {
      source: await snapshot(world.exec, SOURCE),
      target: await snapshot(world.exec, TARGET),
      answers: await answersOf(SOURCE),
    };
    plan = await world.plan();
  });
  afterAll(() => world?.close());

  const answersOf = async (host: string): Promise<Answers> => {
    const frozen = await world.exec(host, [
      'curl',
      '-s',
      'http://127.0.0.1:4242/__api__/repos/in-house/snapshots',
    ]);
    const snapshots = host === SOURCE ? (JSON.parse(frozen.stdout) as { path: string }[]) : [];
    const paths = snapshots.map(({ path }) => path);
    frozenPaths.push(...paths);
    return recordAnswers(world.exec, host, { port: 4242, paths: [...PATHS, ...frozenPaths] });
  };
  const frozenPaths: string[] = [];
  const leftOvers = async (host: string, migration: string): Promise<string[]> => {
    const { stdout } = await world.exec(host, ['cat', ledgerPath(migration)]);
    return stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { kind: string }).kind);
  };

  it('leaves both hosts as they were when it is rolled back at the hand-over gate', async () => {
    const run = await world.apply(plan);
    const view = await world.approveUntil(run, plan, 'hand-over');
    expect(view.state).toBe('gate');
    expect((await world.rollback(run, plan)).state).toBe('rolled-back');
    const allowed = { migrations: [run.migration] };
    const differences = [
      ...compare(before.source, await snapshot(world.exec, SOURCE), allowed),
      ...compare(before.target, await snapshot(world.exec, TARGET), allowed),
    ];
    expect(printDifferences(differences)).toBe('0 differences');
  });

  it('ends with 0 differences between source and target in its second life', async () => {
    // The rollback started the source again, which rewrites the launcher's state: the picture of before is taken now.
    const sourceBefore = await snapshot(world.exec, SOURCE);
    const config = await targetConfig(world);
    const run = await world.apply(plan);
    const view = await world.approveUntil(run, plan);
    expect(view.state).toBe('done');
    const targetAfter = await snapshot(world.exec, TARGET);
    const differences = compareMigration(await snapshot(world.exec, SOURCE), targetAfter, {
      trees: SCATTERED_TREES.map((path) => ({ source: path, target: path })),
      launcherDirectories: ['launcher-ppm-source', 'launcher-ppm-target'],
      sourceBefore,
      targetBefore: before.target,
      answers: { source: before.answers, target: await answersOf(TARGET) },
    });
    expect(printDifferences(differences)).toBe('0 differences');
    // Of the product's configuration one line went, and nothing else is another: no owner, no mode, no other file.
    expect(await targetConfig(world)).toBe(config.replace(LACKED_LINE, ''));
    const changed = compare(before.target, targetAfter, { migrations: [run.migration] });
    const ofConfig = changed.filter(({ subject }) => subject.startsWith('/etc/rstudio-pm'));
    expect(ofConfig.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual([
      'size /etc/rstudio-pm/rstudio-pm.gcfg',
      'mtime /etc/rstudio-pm/rstudio-pm.gcfg',
      'content /etc/rstudio-pm/rstudio-pm.gcfg',
    ]);
    // What lies on a host stands in its ledger, and nothing else does.
    expect(await leftOvers(SOURCE, run.migration)).toEqual(['drop-in']);
    expect(await leftOvers(TARGET, run.migration)).toEqual(SCATTERED_TREES.map(() => 'restore-point'));
  });

  it('starts no Workflow and changes nothing when the same plan is applied once more', async () => {
    const runs = await world.client.list('all');
    const [source, target] = [await snapshot(world.exec, SOURCE), await snapshot(world.exec, TARGET)];
    const applied = await world.client.apply(plan, { requester: 'requester' });
    expect(applied).toMatchObject({ kind: 'already-moved', migration: runs[0]?.migration });
    expect(await world.client.list('all')).toHaveLength(runs.length);
    const differences = [
      ...compare(source, await snapshot(world.exec, SOURCE)),
      ...compare(target, await snapshot(world.exec, TARGET)),
    ];
    expect(printDifferences(differences)).toBe('0 differences');
  });

  it.each([SOURCE, TARGET] as const)(
    'executed on %s no changing command that the plan does not print',
    async (host) => {
      const changing = changingCommands(await labExecuted(host, { name: LAB }));
      expect(changing.length).toBeGreaterThan(10);
      expect(printCommands(unexplained(changing, planEffects(plan), host))).toBe(printCommands([]));
    },
  );

  it('executed all that it prints of the edit of the configuration', async () => {
    const changing = changingCommands(await labExecuted(TARGET, { name: LAB }));
    const [adapt] = previewPlan(plan).filter(({ step }) => step.id === 'adapt-config');
    const effects = [...(adapt?.effects ?? []), ...(adapt?.undoEffects ?? [])];
    expect(effects.length).toBeGreaterThan(5);
    expect(explain(changing, effects, TARGET).unused).toEqual([]);
  });

  it('notices a command whose preview is taken away', async () => {
    const changing = changingCommands(await labExecuted(TARGET, { name: LAB }));
    const less = planEffects(plan).filter(
      (effect) => !(effect.kind === 'command' && effect.argv[0] === 'rsync'),
    );
    expect(unexplained(changing, less, TARGET)).not.toEqual([]);
  });
});
