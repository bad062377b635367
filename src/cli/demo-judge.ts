import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What the oracle said: how many differences, in its own words; undefined where the oracle is not installed. */
export interface Judgement {
  readonly equal: boolean;
  readonly text: string;
}

/**
 * Lets the test suite's oracle look at both hosts. It is a program of its own that shares no code with rehost.
 * @returns undefined outside of a checkout with its development packages
 */
export async function askOracle(
  when: 'before' | 'after',
  where: { readonly file: string; readonly lab: string },
): Promise<Judgement | undefined> {
  const { packageRoot } = await import('../../lab/package-root.js');
  const root = packageRoot();
  const program = join(root, 'test', 'oracle', 'judge.ts');
  if (!existsSync(program) || !existsSync(join(root, 'node_modules', 'tsx'))) return undefined;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', program, when, where.file, where.lab], {
      cwd: root,
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.once('error', reject);
    child.once('close', (status) => {
      if (status === 0 || status === 5) resolve({ equal: status === 0, text: out.trim() });
      else
        reject(new Error(`the oracle ended with status ${status ?? 'none'}: ${err.trim().slice(0, 2000)}`));
    });
  });
}
