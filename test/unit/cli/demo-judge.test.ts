import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askOracle, demoExitCode, findOracle, type Judgement } from '../../../src/cli/demo-judge.js';
import { callCli } from '../../recording-io.js';

let root: string;
const setStage = jest.fn();
jest.mock('../../../lab/package-root.js', () => ({ packageRoot: () => root }));
jest.mock('../../../src/cli/demo-stage.js', () => ({ setStage: (): unknown => setStage() as unknown }));

const ORACLE = 'test/oracle/judge.ts';
const TSX = 'node_modules/tsx';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rehost-installed-'));
  setStage.mockReset().mockImplementation(() => {
    throw new Error('the stage was set');
  });
});
afterEach(() => rmSync(root, { recursive: true }));

/** An installation that has only these of the oracle's parts. */
function installed(...paths: readonly string[]): void {
  for (const path of paths) mkdirSync(join(root, path), { recursive: true });
}

async function demo(interactive: boolean, ...argv: string[]): Promise<{ code: number; err: string }> {
  return callCli(['demo', ...argv], { interactive });
}

describe('demo --yes', () => {
  it.each([
    ['nothing of the oracle', [], `${ORACLE} and ${TSX}`],
    ['no oracle', [TSX], ORACLE],
    ['nothing that runs the oracle', [ORACLE], TSX],
  ])('is refused before the stage is set where there is %s', async (_what, paths, lacks) => {
    installed(...paths);
    const { code, err } = await demo(false, '--yes', '-o', 'json');
    expect(JSON.parse(err)).toEqual({
      error: {
        type: 'ToolMissing',
        message:
          'the oracle that judges "demo --yes" is not installed here, and rehost does not judge itself',
        detail: `It comes with a checkout and its development packages; ${root} lacks ${lacks}.`,
        hint: 'Run "npm run demo -- --yes" in a checkout, or "rehost demo" in a terminal to look for yourself.',
        exitCode: 1,
      },
    });
    expect(code).toBe(1);
    expect(setStage).not.toHaveBeenCalled();
  });

  it('sets the stage where the oracle is there', async () => {
    installed(ORACLE, TSX);
    expect((await demo(false, '--yes')).err).toContain('the stage was set');
  });
});

describe('demo without --yes', () => {
  it('sets the stage without an oracle, too: a person looks on', async () => {
    expect((await demo(true)).err).toContain('the stage was set');
  });

  it('is refused without a terminal, and names --yes', async () => {
    const { code, err } = await demo(false);
    expect(code).toBe(2);
    expect(err).toContain('rehost demo --yes');
    expect(setStage).not.toHaveBeenCalled();
  });
});

describe('demoExitCode', () => {
  const equal: Judgement = { equal: true, text: '0 differences' };
  const different: Judgement = { equal: false, text: '1 differences' };
  it.each([
    ['VERIFIED', equal, true, 0],
    ['VERIFIED', equal, false, 0],
    ['VERIFIED', different, true, 5],
    ['VERIFIED', different, false, 5],
    ['VERIFIED', undefined, true, 1],
    ['VERIFIED', undefined, false, 0],
    ['UNVERIFIED', equal, true, 5],
    ['UNVERIFIED', undefined, false, 5],
    ['NOT FINISHED', equal, true, 5],
  ] as const)('for a run that is %s and the judgement %j, automatic %s, is %i', (...row) => {
    const [verdict, judgement, automatic, code] = row;
    expect(demoExitCode({ verdict, judgement, automatic })).toBe(code);
  });
});

describe('askOracle', () => {
  const where = { file: 'before.json', lab: 'none' };
  /** An oracle whose program is this text; it runs in the checkout, where its loader is. */
  const saying = (text: string): { root: string; program: string } => {
    const program = join(root, 'judge.mjs');
    writeFileSync(program, text);
    return { root: process.cwd(), program };
  };

  it('gives the lab and the file to the program and finds equality in "0 differences"', async () => {
    const program = `console.log(process.argv.slice(2).join() === 'after,before.json,none' ? '0 differences' : 'wrong')`;
    expect(await askOracle(saying(program), 'after', where)).toEqual({ equal: true, text: '0 differences' });
  });

  it('gives the differences when it ends with 5', async () => {
    const program = `console.log('1 differences\\nfile x'); process.exitCode = 5`;
    expect(await askOracle(saying(program), 'after', where)).toEqual({
      equal: false,
      text: '1 differences\nfile x',
    });
  });

  it.each([
    ['ends well and says nothing', '', 'status 0: it said nothing'],
    ['ends well and tells differences', `console.log('2 differences')`, 'status 0: 2 differences'],
    [
      'could not look',
      `console.error('section "tree" failed'); process.exitCode = 1`,
      'status 1: section "tree" failed',
    ],
    ['was killed', `process.kill(process.pid, 'SIGKILL')`, 'status none'],
  ])('is no judgement when the program %s', async (_what, program, told) => {
    await expect(askOracle(saying(program), 'after', where)).rejects.toThrow(told);
  });

  it('takes a 5 for a failure when it was to record what is there before', async () => {
    await expect(askOracle(saying('process.exitCode = 5'), 'before', where)).rejects.toThrow('status 5');
  });
});

describe('findOracle', () => {
  it('answers nothing where there is none and none is required', async () => {
    expect(await findOracle(false)).toBeUndefined();
  });
});
