/* What stands in the way before Temporal is asked: programs that are not there, ports that are taken, plans too large. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callCli } from '../../recording-io.js';
import type { PackageManagerDiscovery } from '../../../src/contracts/package-manager.js';
import { digestPlan, sealPlan } from '../../../src/digest.js';
import { PLAN_LIMIT_BYTES, type Plan } from '../../../src/plan/types.js';
import { compiled, discovered } from '../procedures/discovered.js';

interface Told {
  readonly code: number;
  readonly out: string;
  readonly error: { type: string; message: string; detail?: string; hint: string; exitCode: number };
}

let directory: string;
const former = { ...process.env };
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rehost-tools-'));
});
afterEach(() => {
  process.env = { ...former };
  rmSync(directory, { recursive: true });
});

async function rehost(...argv: string[]): Promise<Told> {
  const env = { XDG_DATA_HOME: directory };
  const { code, out, err } = await callCli([...argv, '-o', 'json'], { env });
  return { code, out, error: (JSON.parse(err) as Pick<Told, 'error'>).error };
}

describe('up', () => {
  let server: Server;
  let taken: string;
  beforeAll(async () => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    taken = String((server.address() as AddressInfo).port);
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it('is refused where something listens already, and names the worker that is enough then', async () => {
    expect(await rehost('up', '--port', taken)).toEqual({
      code: 2,
      out: '',
      error: {
        type: 'UsageInvalid',
        message: `something listens on 127.0.0.1:${taken} already`,
        detail: 'When it is a Temporal, a worker alone is enough.',
        hint: `Run "rehost worker --address 127.0.0.1:${taken}", or choose another port with --port and --ui-port.`,
        exitCode: 2,
      },
    });
  });

  it('tells which variable names no Temporal CLI', async () => {
    process.env['TEMPORAL_CLI'] = join(directory, 'temporal');
    expect(await rehost('up', '--port', '1')).toMatchObject({
      code: 1,
      error: {
        type: 'ToolMissing',
        message: `TEMPORAL_CLI names ${directory}/temporal, which is no program this user may run`,
        hint: 'Set TEMPORAL_CLI to the path of the Temporal CLI, or unset it and run "npm run setup".',
      },
    });
  });

  it('tells where it looked for a Temporal CLI when there is none', async () => {
    process.env = { ...former, REHOST_CACHE: directory, PATH: directory, TEMPORAL_CLI: '' };
    expect(await rehost('up', '--port', '1')).toMatchObject({
      code: 1,
      error: {
        type: 'ToolMissing',
        message: 'the Temporal CLI was not found',
        detail: `Looked at TEMPORAL_CLI, at toolchain.json in ${directory} and on PATH.`,
        hint: 'Run "npm run setup -- --for test"; it finds, downloads or builds what is missing.',
      },
    });
  });
});

describe('a plan of more than 256 KiB', () => {
  /** Discoveries of a product whose storage is split over so many directories. */
  const scattered = (count: number): Plan => {
    const split = (role: 'source' | 'target'): PackageManagerDiscovery => {
      const { facts, forecast } = discovered(role);
      const classDirs = Array.from({ length: count }, (_, at) => ({
        id: `class-${at}`,
        path: `/srv/class-${at}`,
      }));
      const trees = classDirs.map((one) => ({ ...forecast.trees[0]!, ...one }));
      const free = classDirs.map(({ path }) => ({ ...forecast.free[0]!, path }));
      return {
        facts: { ...facts, classDirs },
        forecast: {
          ...forecast,
          trees: [...forecast.trees, ...trees],
          free: [...forecast.free, ...free],
        },
      };
    };
    return sealPlan(compiled({ source: split('source'), target: split('target') }));
  };

  it('is refused when it is compiled, with its size and the limit', () => {
    expect(() => scattered(150)).toThrow(
      expect.objectContaining({
        type: 'PlanTooLarge',
        exitCode: 2,
        message: expect.stringMatching(
          new RegExp(`^plan has \\d{6,} bytes; at most ${PLAN_LIMIT_BYTES} travel in a Workflow's input$`),
        ) as string,
        hint: expect.stringContaining('run "rehost plan" for each') as string,
      }) as Error,
    );
    expect(scattered(3).digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is refused to the byte: one more than the limit', () => {
    const { digest: _digest, ...small } = sealPlan(compiled());
    const room = PLAN_LIMIT_BYTES - Buffer.byteLength(JSON.stringify(sealPlan(small)));
    const padded = (bytes: number): Omit<Plan, 'digest'> => ({
      ...small,
      release: small.release + 'x'.repeat(bytes),
    });
    expect(Buffer.byteLength(JSON.stringify(sealPlan(padded(room))))).toBe(PLAN_LIMIT_BYTES);
    expect(() => sealPlan(padded(room + 1))).toThrow(
      expect.objectContaining({ type: 'PlanTooLarge' }) as Error,
    );
  });

  it('is refused when it is applied, before Temporal is asked', async () => {
    const { digest: _digest, ...small } = sealPlan(compiled());
    const large = { ...small, release: 'x'.repeat(PLAN_LIMIT_BYTES) };
    const file = join(directory, 'plan.json');
    writeFileSync(file, JSON.stringify({ ...large, digest: digestPlan(large) }));
    const told = await rehost('apply', file, '--address', '127.0.0.1:1');
    expect(told).toMatchObject({
      code: 2,
      out: '',
      error: { type: 'PlanTooLarge', hint: expect.stringContaining('rehost plan') as string },
    });
    expect(told.error.message).toMatch(/^the plan has \d{6} bytes of JSON; at most 262144 /);
  });
});
