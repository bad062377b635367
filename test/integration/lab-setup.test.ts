import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../lab/engine.js';
import { packageRoot } from '../../lab/package-root.js';
import { temporalCli } from '../../lab/toolchain.js';

jest.setTimeout(300_000);
const scripts = join(packageRoot(), 'scripts');
let workspace: string;

beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'rehost-setup-'));
});
afterEach(() => {
  rmSync(workspace, { recursive: true, force: true });
});

/** A run of the set-up script with variables added to ours. */
function setUp(variables: Record<string, string>, ...args: string[]) {
  const assignments = Object.entries(variables).map(([key, value]) => `${key}=${value}`);
  const command = [...assignments, process.execPath, join(scripts, 'setup.mjs'), ...args];
  return runProgram('/usr/bin/env', command, { timeoutMs: 240_000 });
}

/** A PATH with nothing on it but Node.js: no engine, no Go, no package manager of a system. */
function barePath(): string {
  const directory = join(workspace, 'bin');
  mkdirSync(directory);
  symlinkSync(process.execPath, join(directory, 'node'));
  return directory;
}

// Nobody listens there: a download fails at once, whatever network this machine has.
const NO_NETWORK = { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' };

describe('set-up', () => {
  it('says in one line that everything is there when it runs again', async () => {
    await setUp({});
    const startedAt = Date.now();
    const { status, stdout, stderr } = await setUp({});
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toMatch(/^setup: everything is there \(\d+\.\d s\)\n$/);
    expect(Date.now() - startedAt).toBeLessThan(10_000);
  });

  it('names what to install, one line for each part, when nothing can be installed', async () => {
    const { status, stderr } = await setUp({
      ...NO_NETWORK,
      PATH: barePath(),
      REHOST_CACHE: join(workspace, 'cache'),
      DOCKER_HOST: 'unix:///nonexistent/docker.sock',
      TEMPORAL_CLI: '',
    });
    const missing = stderr.split('\n').filter((line) => line.includes('MISSING'));
    expect(missing.sort()).toEqual([
      expect.stringMatching(/^setup: Temporal CLI: MISSING\. install Go 1\.21 or newer/),
      expect.stringMatching(/^setup: container engine: MISSING\. install Docker Engine/),
    ]);
    expect(status).toBe(1);
  });

  it('refuses a TEMPORAL_CLI that is no Temporal CLI instead of taking another one', async () => {
    const { status, stderr } = await setUp({ TEMPORAL_CLI: '/bin/true' });
    expect(stderr).toContain('TEMPORAL_CLI names /bin/true, which is no Temporal CLI that runs');
    expect(status).toBe(1);
  });

  it('refuses an unknown purpose', async () => {
    const { status, stderr } = await setUp({}, '--for', 'fun');
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: 'setup: --for must be one of demo, test, not fun\n',
    });
  });
});

describe('the lock file', () => {
  interface Locked {
    readonly resolved?: string;
    readonly optionalDependencies?: Readonly<Record<string, string>>;
  }
  const text = readFileSync(join(packageRoot(), 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, Locked>> };

  it('has the binaries of every platform, without which npm ci refuses it', () => {
    const lacking = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) =>
          packages[`${path}/node_modules/${name}`] === undefined &&
          packages[`node_modules/${name}`] === undefined,
      ),
    );
    expect(lacking).toEqual([]);
  });

  it('names no registry', () => {
    expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
  });
});

describe('the lock of the cache', () => {
  const critical = `
    import { appendFileSync } from 'node:fs';
    import { withLock } from ${JSON.stringify(join(scripts, 'setup', 'cache.mjs'))};
    await withLock('test', async () => {
      appendFileSync(process.env.LOG, 'in ');
      await new Promise((resolve) => setTimeout(resolve, 100));
      appendFileSync(process.env.LOG, 'out ');
    });`;
  const enter = () => {
    const variables = [`REHOST_CACHE=${workspace}`, `LOG=${join(workspace, 'log')}`];
    const command = [...variables, process.execPath, '--input-type=module', '-e', critical];
    return runProgram('/usr/bin/env', command, { timeoutMs: 60_000 });
  };

  it('lets one process in at a time', async () => {
    const results = await Promise.all([enter(), enter(), enter(), enter()]);
    expect(results.map(({ status, stderr }) => ({ status, stderr }))).toEqual(
      results.map(() => ({ status: 0, stderr: '' })),
    );
    expect(readFileSync(join(workspace, 'log'), 'utf8')).toBe('in out '.repeat(4));
  });

  it('is taken over, by one at a time, when its holder is gone', async () => {
    const gone = await runProgram('sh', ['-c', 'echo $$']);
    mkdirSync(join(workspace, 'locks', 'test'), { recursive: true });
    writeFileSync(join(workspace, 'locks', 'test', 'owner'), `${gone.stdout.trim()} x`);
    await Promise.all([enter(), enter(), enter()]);
    expect(readFileSync(join(workspace, 'log'), 'utf8')).toBe('in out '.repeat(3));
  });
});

describe('temporalCli', () => {
  const former = process.env['TEMPORAL_CLI'];
  afterEach(() => {
    if (former === undefined) delete process.env['TEMPORAL_CLI'];
    else process.env['TEMPORAL_CLI'] = former;
  });

  it('answers the CLI that set-up resolved', async () => {
    await setUp({});
    const { status, stdout } = await runProgram(temporalCli(), ['--version']);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringContaining('temporal version') as string,
    });
  });

  it('refuses a TEMPORAL_CLI that cannot be run, and says what to do', () => {
    process.env['TEMPORAL_CLI'] = '/nonexistent/temporal';
    expect(temporalCli).toThrow('TEMPORAL_CLI names /nonexistent/temporal');
  });
});
