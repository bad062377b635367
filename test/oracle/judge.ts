/*
 * The oracle as a program, for "rehost demo": "judge before FILE LAB" records both hosts, "judge after FILE LAB" compares.
 * It shares no code with the product and reaches the lab's hosts by "docker exec". Exit status: 0 equal, 5 different.
 */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import {
  compareMigration,
  printDifferences,
  printExclusions,
  recordAnswers,
  snapshot,
  type Answers,
  type Exec,
  type Snapshot,
} from './index.js';

const SOURCE = 'ppm-source';
const TARGET = 'ppm-target';
const DATA = '/srv/ppm/data';
const PATHS = [
  '/__api__/repos',
  '/cran/latest/src/contrib/PACKAGES',
  '/curated/latest/src/contrib/PACKAGES',
  '/in-house/latest/src/contrib/PACKAGES',
  '/pypi/latest/simple/',
  '/in-house-python/latest/simple/',
];

interface Before {
  readonly source: Snapshot;
  readonly target: Snapshot;
  readonly answers: Answers;
}

const inContainers =
  (lab: string): Exec =>
  (host, argv, stdin) =>
    new Promise((resolve, reject) => {
      const child = spawn('docker', ['exec', '-i', `rehost-lab-${lab}-${host}`, ...argv]);
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
      child.once('error', reject);
      child.once('close', (status) =>
        resolve({
          status: status ?? 1,
          stdout: Buffer.concat(out).toString(),
          stderr: Buffer.concat(err).toString(),
        }),
      );
      child.stdin.end(stdin ?? '');
    });

async function before(exec: Exec, file: string): Promise<number> {
  const [source, target] = await Promise.all([snapshot(exec, SOURCE), snapshot(exec, TARGET)]);
  const answers = await recordAnswers(exec, SOURCE, { port: 4242, paths: PATHS });
  const record: Before = { source, target, answers };
  writeFileSync(file, JSON.stringify(record));
  return 0;
}

async function after(exec: Exec, file: string): Promise<number> {
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as Before;
  const answers = await recordAnswers(exec, TARGET, { port: 4242, paths: PATHS });
  const [source, target] = await Promise.all([snapshot(exec, SOURCE), snapshot(exec, TARGET)]);
  const differences = compareMigration(source, target, {
    trees: [{ source: DATA, target: DATA }],
    launcherDirectories: [`launcher-${SOURCE}`, `launcher-${TARGET}`],
    sourceBefore: recorded.source,
    targetBefore: recorded.target,
    answers: { source: recorded.answers, target: answers },
  });
  process.stdout.write(`${printDifferences(differences)}\n`);
  process.stderr.write(`${printExclusions()}\n`);
  return differences.length === 0 ? 0 : 5;
}

async function judge([when, file = '', lab = '']: readonly string[]): Promise<number> {
  const exec = inContainers(lab);
  return when === 'before' ? before(exec, file) : after(exec, file);
}

judge(process.argv.slice(2)).then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
