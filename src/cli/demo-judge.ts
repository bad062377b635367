import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { failure } from '../failures.js';
import { EXIT } from './exit-codes.js';

/** What the oracle said: whether both hosts are as they must be, and every difference in its own words. */
export interface Judgement {
  readonly equal: boolean;
  readonly text: string;
}

/** The test suite's oracle: a program of its own that shares no code with rehost. Paths are absolute. */
export interface Oracle {
  /** Directory of rehost's package.json. */
  readonly root: string;
  readonly program: string;
}

const PROGRAM = join('test', 'oracle', 'judge.ts');
// The oracle is TypeScript, and only a checkout with its development packages has what runs it.
const RUNS_IT = join('node_modules', 'tsx');
const EQUAL = '0 differences';

/**
 * The oracle of this installation, or undefined where there is none.
 *
 * @throws ToolMissing where there is none and it is `required`: a demo that nobody watches must not end well unjudged
 */
export async function findOracle(required: boolean): Promise<Oracle | undefined> {
  const { packageRoot } = await import('../../lab/package-root.js');
  const root = packageRoot();
  const missing = [PROGRAM, RUNS_IT].filter((path) => !existsSync(join(root, path)));
  if (missing.length === 0) return { root, program: join(root, PROGRAM) };
  if (!required) return undefined;
  throw failure('ToolMissing', {
    message: 'the oracle that judges "demo --yes" is not installed here, and rehost does not judge itself',
    detail: `It comes with a checkout and its development packages; ${root} lacks ${missing.join(' and ')}.`,
    hint: 'Run "npm run demo -- --yes" in a checkout, or "rehost demo" in a terminal to look for yourself.',
  });
}

/**
 * Lets the oracle look at both hosts of a lab: `before` records them in a file, `after` compares with it.
 *
 * Only "0 differences" is equality: a program that ends well and says nothing has judged nothing.
 * @throws Error when the oracle could not look
 */
export function askOracle(
  oracle: Oracle,
  when: 'before' | 'after',
  where: { readonly file: string; readonly lab: string },
): Promise<Judgement> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', oracle.program, when, where.file, where.lab], {
      cwd: oracle.root,
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.once('error', reject);
    child.once('close', (status) => {
      const text = out.trim();
      const equal = status === 0 && (when === 'before' || text === EQUAL);
      if (equal || (status === EXIT.verificationDiffers && when === 'after')) resolve({ equal, text });
      else reject(new Error(`the oracle ended with status ${status ?? 'none'}: ${wordsOf(text, err)}`));
    });
  });
}

const wordsOf = (out: string, err: string): string => (err.trim() || out || 'it said nothing').slice(0, 2000);

/** Exit code of a demo whose run is done: 0 only when rehost and the oracle agree, or when a person looked on. */
export function demoExitCode(end: {
  readonly verdict: string;
  readonly judgement: Judgement | undefined;
  readonly automatic: boolean;
}): number {
  if (end.verdict !== 'VERIFIED') return EXIT.verificationDiffers;
  if (end.judgement === undefined) return end.automatic ? EXIT.failed : EXIT.done;
  return end.judgement.equal ? EXIT.done : EXIT.verificationDiffers;
}
