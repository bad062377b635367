import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { planSteps } from '../../src/plan/types.js';
import { compiled } from './procedures/discovered.js';

const ROOT = join(__dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const required = read('docs/requirements.tsv')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split('\t'))
  .filter(
    ([id = '', , , , , procedure]) => procedure === 'package-manager-server' || id.startsWith('TEAM2-GEN-'),
  )
  .map(([id = '', , , instruction = '']) => ({ id, instruction }));

const rows = read('docs/traceability.md')
  .split('\n')
  .map((line) => /^\| (TEAM\d-[A-Z]+-\d+) \| (.*) \| (.*) \|$/.exec(line))
  .flatMap((match) =>
    match === null ? [] : [{ id: match[1] ?? '', instruction: match[2] ?? '', how: match[3] ?? '' }],
  );

const plan = compiled({ spec: read('examples/package-manager-server/migration.yaml') });
const named = new Map<string, readonly string[]>([
  ...planSteps(plan).map((step) => [`step ${step.id}`, step.requirements] as const),
  ...plan.preflight.map((check) => [`check ${check.id}`, check.requirements] as const),
  ...plan.phases.flatMap((phase) =>
    (phase.gate?.questions ?? []).map(
      (question) => [`question ${phase.gate?.id}/${question.id}`, question.requirements] as const,
    ),
  ),
]);
const places = (how: string): readonly string[] =>
  how.split('; ').filter((place) => /^(step|check|question) /.test(place));

describe('traceability', () => {
  it('has one row for every requirement, with the instruction word for word', () => {
    expect(rows.map(({ id, instruction }) => ({ id, instruction }))).toEqual(required);
  });

  it.each(rows)('finds what carries out $id in the compiled plan', ({ id, how }) => {
    const [kind] = how.split(/[ :]/);
    if (kind === 'later' || kind === 'exclusion') {
      expect(how).toMatch(/^(later|exclusion): \S/);
      return;
    }
    expect(places(how)).not.toEqual([]);
    for (const place of places(how))
      expect([place, named.get(place)]).toEqual([place, expect.arrayContaining([id])]);
  });

  it('knows every requirement that a step, check or question names', () => {
    const known = new Set(required.map(({ id }) => id));
    const strangers = [...named.values()].flat().filter((id) => !known.has(id) && !id.startsWith('TEAM0-'));
    expect(strangers).toEqual([]);
  });
});
