import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const FIXTURES = join(__dirname, '../../lint-fixtures');

interface Problem {
  readonly rule: string;
  readonly message: string;
  readonly line: number;
}

interface Linted {
  readonly results: readonly { file: string; problems: readonly Problem[] }[];
  readonly blocks: readonly { name: string; files: readonly string[]; rules: readonly string[] }[];
}

/** Every example with the rule that its first line says it breaks; undefined for a clean one. */
const examples = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({
    file,
    rule: /^\/\/ fails: (\S+)\n/.exec(readFileSync(join(FIXTURES, file), 'utf8'))?.[1],
  }));
const failing = examples.flatMap(({ file, rule }) => (rule === undefined ? [] : [{ file, rule }]));
const clean = examples.filter(({ rule }) => rule === undefined).map(({ file }) => file);

// Globs of our configuration use ** and * only.
function matches(glob: string, file: string): boolean {
  const pattern = glob
    .split('**/')
    .map((part) => part.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*'))
    .join('(?:.*/)?');
  return new RegExp(`^${pattern}$`).test(file);
}

describe('lint', () => {
  let linted: Linted;

  beforeAll(async () => {
    const program = join(__dirname, 'run-eslint.mjs');
    const { stdout } = await run(process.execPath, [program], { maxBuffer: 64 * 1024 * 1024 });
    linted = JSON.parse(stdout) as Linted;
  }, 600_000);

  const problemsOf = (file: string): readonly Problem[] =>
    linted.results.find((result) => result.file === file)?.problems ?? [
      { rule: 'not linted', message: file, line: 0 },
    ];

  it.each(failing)('refuses $file by $rule and by nothing else', ({ file, rule }) => {
    expect([...new Set(problemsOf(file).map((problem) => problem.rule))]).toEqual([rule]);
  });

  it.each(clean)('has nothing against %s', (file) => {
    expect(problemsOf(file)).toEqual([]);
  });

  it('has a failing example for every rule that a block of ours sets, where the block applies', () => {
    const without = linted.blocks.flatMap(({ name, files, rules }) =>
      rules
        .filter(
          (rule) =>
            !failing.some(
              (example) => example.rule === rule && files.some((glob) => matches(glob, example.file)),
            ),
        )
        .map((rule) => `${name}: ${rule}`),
    );
    expect(without).toEqual([]);
  });

  it('asks for a docstring on every kind of export', () => {
    expect(new Set(problemsOf('src/require-jsdoc.ts').map(({ line }) => line)).size).toBe(6);
  });

  it('refuses each package that only one room may import', () => {
    const named = problemsOf('src/no-restricted-imports.ts').map(
      ({ message }) => /^'([^']+)'/.exec(message)?.[1],
    );
    expect(named).toEqual(['@clack/prompts', 'ms', 'pg', 'ssh2']);
  });
});
