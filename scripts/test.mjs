#!/usr/bin/env node
/*
 * "npm test": sets up what is missing, builds, and runs every suite.
 *
 *   node scripts/test.mjs [SUITE…]     suites: see SUITES; default: all of them, in this order
 *
 * The last line on stdout is "N passed, N failed" for everything. A suite that cannot run, a missing part of the
 * set-up, a skipped test and a run without any test count as failed.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { ensureBuilt, runVisibly } from './setup/build.mjs';
import { projectRoot } from './setup/cache.mjs';

const MINUTE = 60_000;
/**
 * The suites. `limit` is minutes until a suite that hangs is ended; `serial` ones share the lab.
 * `rollback-sample` is the rollback project with a seeded sample; "npm run test:rollback" runs all of it.
 */
const SUITES = [
  { name: 'unit', limit: 15 },
  { name: 'workflows', limit: 30 },
  { name: 'replay', limit: 15 },
  { name: 'integration', limit: 60, serial: true },
  { name: 'oracle', limit: 30, serial: true },
  { name: 'e2e', limit: 90, serial: true },
  {
    name: 'rollback-sample',
    project: 'rollback',
    limit: 60,
    serial: true,
    env: { REHOST_ROLLBACK: 'sample' },
  },
];
const results = join(projectRoot, 'artifacts', 'test-results');
// An own lab: a person's practice lab is not touched.
const LAB = process.env.REHOST_LAB || 'test';

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !SUITES.some((suite) => suite.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `test: no suite ${unknown.join(', ')}; there are ${SUITES.map((s) => s.name).join(', ')}\n`,
  );
  process.exitCode = 2;
} else {
  const { passed, failed } = await testAll(
    SUITES.filter((s) => chosen.length === 0 || chosen.includes(s.name)),
  );
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

async function testAll(suites) {
  const { missing } = await setup({ for: 'test' });
  const total = { passed: 0, failed: missing.length };
  if (missing.some(({ part }) => part === 'npm packages') || !(await ensureBuilt())) {
    return { ...total, failed: Math.max(1, total.failed) };
  }
  mkdirSync(results, { recursive: true });
  for (const suite of suites) {
    const counts = await testSuite(suite);
    total.passed += counts.passed;
    total.failed += counts.failed;
  }
  await removeLab();
  if (total.passed + total.failed === 0) {
    say('no test ran');
    total.failed = 1;
  }
  return total;
}

async function testSuite({ name, project = name, limit, serial = false, env = {} }) {
  say(`${name}: running`);
  const startedAt = Date.now();
  const output = join(results, `${name}.json`);
  rmSync(output, { force: true });
  const jest = join(projectRoot, 'node_modules', 'jest', 'bin', 'jest.js');
  const args = [jest, '--selectProjects', project, '--passWithNoTests', '--json', `--outputFile=${output}`];
  if (serial) args.push('--runInBand');
  const options = { env: { REHOST_LAB: LAB, ...env }, timeoutMs: limit * MINUTE, stdout: 'ignore' };
  const status = await runVisibly(process.execPath, args, options);
  const counts = countsOf(output, { name, status, limit });
  say(
    `${name}: ${counts.passed} passed, ${counts.failed} failed (${Math.round((Date.now() - startedAt) / 1000)} s)`,
  );
  return counts;
}

function countsOf(output, { name, status, limit }) {
  let result;
  try {
    result = JSON.parse(readFileSync(output, 'utf8'));
  } catch {
    const why = status === 124 ? `was ended after ${limit} min` : `ended with ${status} and left no result`;
    // Without a test file jest leaves no result either, and ends with 0.
    if (status !== 0) say(`${name}: ${why}`);
    return { passed: 0, failed: status === 0 ? 0 : 1 };
  }
  const skipped = result.numPendingTests + result.numTodoTests;
  if (skipped > 0) say(`${name}: ${skipped} skipped, counted as failed`);
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites + skipped;
  // A run that fails outside of its tests (a global set-up, an open handle) is a failure, too.
  return { passed: result.numPassedTests, failed: failed === 0 && status !== 0 ? 1 : failed };
}

async function removeLab() {
  try {
    const { labDown } = await import(join(projectRoot, 'dist', 'lab', 'lab.js'));
    await labDown({ name: LAB });
  } catch (error) {
    say(`the lab ${LAB} is still there: ${error.message}`);
  }
}

function say(text) {
  process.stderr.write(`test: ${text}\n`);
}
