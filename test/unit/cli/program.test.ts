import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Io } from '../../../src/cli/io.js';
import { twinName } from '../../../src/cli/options.js';
import { planSteps } from '../../../src/plan/types.js';
import { compiled } from '../procedures/discovered.js';
import { createProgram } from '../../../src/cli/program.js';
import { callCli, recordingIo } from '../../recording-io.js';
import { RELEASE } from '../../../src/cli/release.js';
import { INVENTORY_TEMPLATE, SPEC_TEMPLATE } from '../../../src/cli/templates.js';

interface Heard {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function rehost(argv: readonly string[], env: Io['env'] = {}): Promise<Heard> {
  return callCli(argv, { env });
}

function leaves(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}
const commands = leaves(createProgram(recordingIo().io, { code: 0 }));
const fullName = (command: Command): string =>
  command.parent?.parent == null ? command.name() : `${command.parent.name()} ${command.name()}`;

describe('the program', () => {
  it('has every command of the manual', () => {
    expect(commands.map(fullName)).toEqual(
      expect.arrayContaining([
        ...[
          'init',
          'doctor',
          'plan',
          'apply',
          'list',
          'status',
          'watch',
          'approve',
          'reject',
          'retry',
          'skip',
        ],
        ...['stop', 'rollback', 'logs', 'report', 'up', 'worker', 'demo'],
        ...['lab up', 'lab down', 'lab reset', 'lab status', 'lab ssh'],
      ]),
    );
  });

  it.each(commands.map((command) => [fullName(command)]))(
    'shows an example in the help of "%s"',
    async (name) => {
      const { code, out } = await rehost([...name.split(' '), '--help']);
      expect(code).toBe(0);
      expect(out).toMatch(new RegExp(`Examples:\\n(.*\\n)*.*(rehost|REHOST_ACTOR=\\S+ rehost) ${name}`));
    },
  );

  it.each(commands.map((command): [string, Command] => [fullName(command), command]))(
    'names the environment twin of each flag of "%s"',
    (_name, command) => {
      for (const option of command.options) {
        const twin = twinName(option.long ?? '');
        expect(option.envVar ?? option.description).toContain(twin);
      }
    },
  );

  it('prints the release of package.json', async () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(RELEASE).toBe(manifest.version);
    expect(await rehost(['--version'])).toMatchObject({ code: 0, out: `${RELEASE}\n` });
  });

  it.each([
    ['an unknown command', ['statsu'], 'status'],
    ['an unknown flag', ['status', '--outptu', 'json'], '--output'],
    ['a missing operand', ['apply'], 'plan'],
    ['a value that is no choice', ['list', '-o', 'xml'], 'table, json, jsonl'],
    ['a number that is none', ['watch', '--for', 'soon'], 'whole number'],
    ['an answer without a question', ['approve', '--answer', 'yes'], 'QUESTION=ANSWER'],
    ['a port that is none', ['up', '--port', '99999'], 'at most 65535'],
    ['a spec that is not there', ['plan', 'nowhere.yaml'], 'nowhere.yaml cannot be read (ENOENT)'],
  ])('exits 2 for %s with the next command, and prints nothing on stdout', async (_what, argv, wanted) => {
    const heard = await rehost(argv);
    expect(heard).toMatchObject({ code: 2, out: '' });
    expect(heard.err).toContain(wanted);
    expect(heard.err).toMatch(/^hint: .*rehost /m);
  });

  it('prints wrong usage as one JSON object with -o json', async () => {
    for (const words of [['-o', 'json'], ['--output=jsonl'], ['-ojson']]) {
      const heard = await rehost(['statsu', ...words]);
      expect(JSON.parse(heard.err)).toEqual({
        error: {
          type: 'UsageInvalid',
          message: "unknown command 'statsu' (Did you mean status?)",
          hint: 'Run "rehost --help" to see what it takes.',
          exitCode: 2,
        },
      });
    }
  });

  it('names only steps and gates that a plan has in the examples of its help', async () => {
    const plan = compiled();
    const known = new Set([
      ...planSteps(plan).map(({ id }) => id),
      ...plan.phases.flatMap(({ gate }) => [gate?.id, ...(gate?.questions.map(({ id }) => id) ?? [])]),
    ]);
    let named = 0;
    for (const command of commands) {
      const { out } = await rehost([...fullName(command).split(' '), '--help']);
      for (const [, id = ''] of out.matchAll(/\$ .*?--(?:step|gate|answer)[ =]([a-z0-9-]+)/g)) {
        named += 1;
        expect(known).toContain(id);
      }
    }
    expect(named).toBeGreaterThan(4);
  });

  it('refuses an environment twin of a switch that says neither yes nor no', async () => {
    const heard = await rehost(['init'], { REHOST_FORCE: 'maybe' });
    expect(heard.code).toBe(2);
    expect(heard.err).toContain('REHOST_FORCE is "maybe", wanted yes or no');
  });
});

describe('init', () => {
  const home = process.cwd();
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'rehost-init-'));
    process.chdir(directory);
  });
  afterEach(() => {
    process.chdir(home);
    rmSync(directory, { recursive: true });
  });

  it('writes both examples, and nothing the second time', async () => {
    expect((await rehost(['init'])).code).toBe(0);
    expect(readFileSync('migration.yaml', 'utf8')).toBe(SPEC_TEMPLATE);
    writeFileSync('migration.yaml', 'mine');
    const again = await rehost(['init']);
    expect(again.code).toBe(2);
    expect(again.err).toContain('migration.yaml and inventory.yaml exist already');
    expect(readFileSync('migration.yaml', 'utf8')).toBe('mine');
  });

  it('overwrites when the environment says so, and not when it says no', async () => {
    await rehost(['init']);
    writeFileSync('migration.yaml', 'mine');
    expect((await rehost(['init'], { REHOST_FORCE: '0' })).code).toBe(2);
    expect((await rehost(['init'], { REHOST_FORCE: 'yes' })).code).toBe(0);
    expect(readFileSync('migration.yaml', 'utf8')).toBe(SPEC_TEMPLATE);
  });

  it('says so where nothing can be written', async () => {
    process.chdir('/proc');
    const heard = await rehost(['init']);
    expect(heard.code).toBe(2);
    expect(heard.err).toContain('migration.yaml cannot be written (ENOENT');
    expect(heard.err).toContain('hint: Name a file in a directory that exists');
  });

  it.each([
    [['init', '--schema'], 'kind'],
    [['init', '--schema', 'inventory'], 'hosts'],
  ])('prints a JSON Schema for %j', async (argv, key) => {
    const { out } = await rehost(argv);
    expect((JSON.parse(out) as { properties: object }).properties).toHaveProperty(key);
  });
});

describe('templates', () => {
  it.each([
    ['migration.yaml', SPEC_TEMPLATE],
    ['inventory.yaml', INVENTORY_TEMPLATE],
  ])('equal %s of the examples', (name, template) => {
    expect(template).toBe(readFileSync(join('examples', 'package-manager-server', name), 'utf8'));
  });
});

describe('plan, before Temporal is asked', () => {
  const saved = (text: string): string => {
    const file = join(mkdtempSync(join(tmpdir(), 'rehost-spec-')), 'migration.yaml');
    writeFileSync(file, text);
    return file;
  };

  it('exits 2 with file, line and column of every problem in a spec', async () => {
    const heard = await rehost(['plan', saved('kind: package-manager-servr\nsorce: a\n')]);
    expect(heard).toMatchObject({ code: 2, out: '' });
    expect(heard.err).toMatch(/migration\.yaml:1:7: kind wants .* did you mean "package-manager-server"\?/);
    expect(heard.err).toMatch(/migration\.yaml:2:1: unknown key "sorce"; did you mean "source"\?/);
    expect(heard.err).toMatch(/^hint: /m);
  });

  it('exits 2 for a result that could not be saved, before anybody is asked', async () => {
    const spec = saved(SPEC_TEMPLATE);
    for (const [out, reason] of [
      ['/no/such/plan.json', 'ENOENT: its directory does not exist'],
      [tmpdir(), 'EISDIR: it is a directory'],
    ] as const) {
      const heard = await rehost(['plan', spec, '--out', out]);
      expect(heard).toMatchObject({ code: 2, out: '' });
      expect(heard.err).toContain(`${out} cannot be written (${reason})`);
    }
  });

  it('exits 2 for a named inventory that is not there', async () => {
    const heard = await rehost(['plan', saved(SPEC_TEMPLATE), '--inventory', 'nowhere.yaml']);
    expect(heard).toMatchObject({ code: 2, out: '' });
    expect(heard.err).toContain('nowhere.yaml cannot be read (ENOENT)');
  });

  it('quotes a path with blanks in the command that it advises', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'rehost a ')), 'my spec.yaml');
    writeFileSync(file, 'kind: x\n');
    expect((await rehost(['plan', file])).err).toContain(`run "rehost plan '${file}'" again`);
  });

  it('prints the failure as one JSON object on stderr with -o json', async () => {
    const heard = await rehost(['plan', saved('kind: x\n'), '-o', 'json']);
    expect(heard.out).toBe('');
    expect(JSON.parse(heard.err)).toMatchObject({ error: { type: 'SpecInvalid', exitCode: 2 } });
  });

  it('names the nearest host of an inventory that lies here', async () => {
    const spec = saved(
      'kind: package-manager-server\nsource: ppm-source\ntarget: ppm-taget\napprovals: { voters: [ada] }\n',
    );
    const heard = await rehost([
      'plan',
      spec,
      '--inventory',
      'examples/package-manager-server/inventory.yaml',
    ]);
    expect(heard.code).toBe(2);
    expect(heard.err).toContain('did you mean "ppm-target"?');
  });
});

describe('apply, before Temporal is asked', () => {
  it.each([
    ['a file that is absent', undefined, 'cannot be read (ENOENT)'],
    ['a file that is no JSON', '{', 'it is no JSON'],
    ['JSON that is no plan', '{}', 'no plan of schema 1'],
  ])('exits 2 for %s', async (_what, text, wanted) => {
    const file = join(mkdtempSync(join(tmpdir(), 'rehost-plan-')), 'plan.json');
    if (text !== undefined) writeFileSync(file, text);
    const heard = await rehost(['apply', file]);
    expect(heard).toMatchObject({ code: 2, out: '' });
    expect(heard.err).toContain(wanted);
  });
});
