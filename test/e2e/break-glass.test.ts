/*
 * Temporal, its database and the worker are gone under the fence; a person runs the blocks of UNDO.md and nothing else.
 */
import { undoPath } from '../../src/contracts/paths.js';
import {
  compare,
  printDifferences,
  recordAnswers,
  snapshot,
  type Answers,
  type Snapshot,
} from '../oracle/index.js';
import { startWorld, type World } from './world.js';

jest.setTimeout(900_000);

const HOSTS = ['ppm-source', 'ppm-target'] as const;
const SECTIONS = ['Isolate', 'Restore', 'Clean up'] as const;
const PATHS = ['/__ping__', '/__api__/repos', '/cran/latest/src/contrib/PACKAGES', '/pypi/latest/simple/'];

/** The code blocks of one section of UNDO.md, in the order in which they stand there. */
function blocksOf(markdown: string, section: string): readonly string[] {
  const part = markdown.split(/^## /m).find((one) => one.split('\n')[0]?.includes(section)) ?? '';
  return [...part.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
}

describe('UNDO.md when Temporal is gone', () => {
  let world: World;
  let before: { pictures: Snapshot[]; answers: Answers };
  beforeAll(async () => {
    world = await startWorld({ name: process.env['REHOST_LAB'] ?? 'glass' });
    before = {
      pictures: await Promise.all(HOSTS.map((host) => snapshot(world.exec, host))),
      answers: await recordAnswers(world.exec, 'ppm-source', { port: 4242, paths: PATHS }),
    };
  });
  afterAll(() => world?.close());

  it.each(['replace-target-data', 'hand-over'])(
    'brings both hosts back from the gate %s by its code blocks alone',
    async (gate) => {
      const plan = await world.plan();
      expect(plan.preflight.filter((check) => check.severity === 'blocker')).toEqual([]);
      const run = await world.apply(plan);
      await world.approveUntil(run, plan, gate);
      await world.lose();

      const ran: string[] = [];
      for (const section of SECTIONS) {
        for (const host of HOSTS) {
          const file = await world.exec(host, ['cat', undoPath(run.migration)]);
          for (const block of blocksOf(file.stdout, section)) {
            ran.push(section);
            expect(await world.exec(host, ['sh', '-eu'], block)).toMatchObject({ status: 0 });
          }
        }
      }
      expect(new Set(ran).size).toBeGreaterThanOrEqual(2);
      const answers = await recordAnswers(world.exec, 'ppm-source', { port: 4242, paths: PATHS });
      expect(answers).toEqual(before.answers);
      const after = await Promise.all(HOSTS.map((host) => snapshot(world.exec, host)));
      const differences = before.pictures.flatMap((one, at) =>
        compare(one, after[at]!, { migrations: [run.migration] }),
      );
      expect(printDifferences(differences)).toBe('0 differences');
      for (const host of HOSTS) await world.exec(host, ['rm', '-rf', '/var/lib/rehost']);
      await world.reborn();
    },
  );
});
