/*
 * "rehost demo --yes" as people run it: a process of its own, a whole migration on a lab of its own, and the oracle's
 * word at the end. Then a difference is planted on the target, and the oracle is asked once more.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { labDown, labExec } from '../../lab/lab.js';
import { askOracle, demoExitCode, findOracle } from '../../src/cli/demo-judge.js';
import { listens } from '../../src/dev-server.js';
import { startRehost, type Ended, type Running } from './process.js';

jest.setTimeout(900_000);

// Its own lab has the small sizes of a fresh one; another file's lab keeps those that it was given.
const LAB = `${process.env['REHOST_LAB'] ?? 'e2e'}-demo`;
const cwd = mkdtempSync(join(tmpdir(), 'rehost-demo-'));

let running: Running | undefined;

afterAll(async () => {
  // It has ended, unless a test above could not go on; then nothing less may end it.
  running?.kill('SIGKILL');
  await running?.ended;
  await labDown({ name: LAB });
  rmSync(cwd, { recursive: true, force: true });
});

/** Whether something listens at a `http://IP:PORT`. */
const answersAt = (address: string): Promise<boolean> => {
  const { hostname, port } = new URL(address);
  return listens(hostname, Number(port));
};

describe('demo --yes', () => {
  let demo: Ended;
  let page: string;
  let pageWas: number;
  beforeAll(async () => {
    running = startRehost(['demo', '--yes'], { cwd, env: { REHOST_LAB: LAB } });
    const [, address = ''] = await running.told(/Temporal's web page: (http:\/\/127\.0\.0\.1:\d+) /);
    page = address;
    // The page comes up a moment after Temporal itself.
    await running.told(/apply: the run starts/);
    pageWas = (await fetch(`${page}/namespaces/default/workflows`)).status;
    demo = await running.ended;
  });

  it('ends with 0, after the oracle found 0 differences', () => {
    expect({ code: demo.code, end: demo.err.slice(-3000) }).toMatchObject({ code: 0 });
    expect(demo.err).toMatch(/\nThe oracle: .*\n0 differences\nWhole demo: \d/);
    expect(demo.err).toContain('Verification: VERIFIED');
  });

  it("serves Temporal's web page at the address that it prints, and names the run there", () => {
    expect(pageWas).toBe(200);
    const run = `${page}/namespaces/default/workflows/${encodeURIComponent('package-manager-server/ppm-target')}`;
    expect(demo.err).toMatch(/\nRun ppm-target-\d{8}-[0-9a-f]{4}: /);
    expect(demo.err).toContain(run);
  });

  it('tells the plan and each of the four gates, and votes as people who did not ask for the run', () => {
    expect(demo.err).toMatch(/\d+ steps in \d+ phases, saved as .*\/plan\.json, digest [0-9a-f]{12}:/);
    const gates = ['begin', 'stop-source', 'replace-target-data', 'hand-over'];
    expect(demo.err.match(/(?<=\nGate )[a-z-]+(?=:)/g)).toEqual(gates);
    expect(demo.err.match(/ {2}ada votes: /g)).toHaveLength(4);
    expect(demo.err.match(/ {2}grace votes: /g)).toHaveLength(4);
  });

  it('prints the report alone on stdout and saves the same', () => {
    expect(demo.out).toMatch(
      /^# Migration ppm-target-\d{8}-[0-9a-f]{4}\n\n- Verification: \*\*VERIFIED\*\*\n/,
    );
    expect(readFileSync(join(cwd, '.rehost', 'demo', 'report.md'), 'utf8')).toBe(demo.out);
  });

  it('leaves the hosts, and neither Temporal nor its page', async () => {
    expect(await answersAt(page)).toBe(false);
    const { stdout } = await labExec('ppm-target', ['systemctl', 'is-active', 'rstudio-pm'], { name: LAB });
    expect(stdout.trim()).toBe('active');
  });

  it('would have ended with 5 for one changed byte of a package, and names the file', async () => {
    const plant = `file=$(find /srv/ppm/data -type f -name '*.tar.gz' | LC_ALL=C sort | head -n 1)
printf x | dd of="$file" bs=1 seek=10 conv=notrunc status=none
echo "$file"`;
    const { stdout } = await labExec('ppm-target', ['sh', '-euc', plant], { name: LAB });
    const changed = stdout.trim();
    expect(changed).toMatch(/\.tar\.gz$/);
    const oracle = await findOracle(true);
    const recorded = join(cwd, '.rehost', 'demo', 'before.json');
    const judgement = await askOracle(oracle!, 'after', { file: recorded, lab: LAB });
    expect(judgement.text).toMatch(/^[1-9]\d* differences\n/);
    expect(judgement.text).toContain(changed.replace('/srv/ppm/data/', ''));
    expect(demoExitCode({ verdict: 'VERIFIED', judgement, automatic: true })).toBe(5);
  });
});

describe('demo --yes on a lab that cannot be made', () => {
  it('ends with the reason, and leaves no Temporal behind', async () => {
    running = startRehost(['demo', '--yes'], { cwd, env: { REHOST_LAB: 'No Name' } });
    const { code, out, err } = await running.ended;
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('lab name "No Name"');
    // Its database is there, so Temporal was on its way; this process would not have ended with it running.
    expect(existsSync(join(cwd, '.rehost', 'demo', 'temporal.log'))).toBe(true);
  }, 120_000);
});
