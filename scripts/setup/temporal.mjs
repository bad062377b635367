/* The Temporal CLI with its embedded server: found, downloaded, or built from the pinned modules in tools/temporal. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory, projectRoot, recordToolchain, withLock } from './cache.mjs';
import { check, findProgram, isExecutable, lastLines, run } from './processes.mjs';

const MODULE = 'github.com/temporalio/cli';
const OLDEST = [1, 5];
const buildDirectory = join(projectRoot, 'tools', 'temporal');

/** What a person installs when nothing else worked. */
export const temporalRemedy =
  'install Go 1.21 or newer, or put the Temporal CLI on PATH (or its path in TEMPORAL_CLI)';

/** Version of the CLI that tools/temporal pins, without the `v`. */
export function pinnedVersion() {
  const modules = readFileSync(join(buildDirectory, 'go.mod'), 'utf8');
  const match = new RegExp(`${MODULE} v([0-9.]+)`).exec(modules);
  if (match === null) throw new Error('tools/temporal/go.mod does not name the Temporal CLI');
  return match[1];
}

const cachedPath = () => join(cacheDirectory(), 'bin', `temporal-${pinnedVersion()}`);

/** The CLI that is already here, `{ path, how }`, or undefined. @throws Error when TEMPORAL_CLI names no usable CLI */
export async function findTemporal() {
  const chosen = process.env.TEMPORAL_CLI;
  if (chosen) {
    if ((await versionOf(chosen)) === undefined)
      throw new Error(`TEMPORAL_CLI names ${chosen}, which is no Temporal CLI that runs`);
    return { path: chosen, how: 'TEMPORAL_CLI' };
  }
  const onPath = findProgram('temporal');
  if (onPath !== undefined && isRecentEnough(await versionOf(onPath))) return { path: onPath, how: 'PATH' };
  return isExecutable(cachedPath()) ? { path: cachedPath(), how: 'cache' } : undefined;
}

async function versionOf(path) {
  const { status, stdout } = await run(path, ['--version'], { timeoutMs: 20_000 });
  return status === 0 ? /temporal version v?(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number) : undefined;
}

const isRecentEnough = (version) =>
  version !== undefined && (version[0] > OLDEST[0] || (version[0] === OLDEST[0] && version[1] >= OLDEST[1]));

/** Makes the Temporal CLI ready and answers its path. `say(text)` tells what takes time. */
export async function setUpTemporal(say) {
  let found = await findTemporal();
  if (found === undefined) {
    found = await withLock('temporal', async () => (await findTemporal()) ?? (await obtain(say)));
  }
  recordToolchain({ temporal: found.path });
  return found;
}

async function obtain(say) {
  mkdirSync(join(cacheDirectory(), 'bin'), { recursive: true });
  const workspace = mkdtempSync(join(cacheDirectory(), 'bin', '.temporal-'));
  try {
    say(`downloading ${pinnedVersion()}, under a minute where the network allows it`);
    const downloaded = await download(workspace);
    const path = downloaded ?? (await build(workspace, say));
    chmodSync(path, 0o755);
    renameSync(path, cachedPath());
    return { path: cachedPath(), how: downloaded === undefined ? 'built' : 'downloaded' };
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

// The SDK's own download, in a process of its own: a network that swallows packets is given up after 12 s without a byte.
async function download(workspace) {
  const directory = join(workspace, 'download');
  mkdirSync(directory);
  const testing = join(projectRoot, 'node_modules', '@temporalio', 'testing', 'lib', 'index.js');
  const script = `
    const { TestWorkflowEnvironment } = require(${JSON.stringify(testing)});
    const executable = { type: 'cached-download', version: 'v${pinnedVersion()}', downloadDir: ${JSON.stringify(directory)} };
    TestWorkflowEnvironment.createLocal({ server: { executable } })
      .then((environment) => environment.teardown())
      .catch(() => { process.exitCode = 1; });`;
  const abort = new AbortController();
  const watch = watchGrowth(directory, () => abort.abort());
  const { status } = await run(process.execPath, ['-e', script], { timeoutMs: 300_000, abort: abort.signal });
  clearInterval(watch);
  if (status !== 0) return undefined;
  const program = readdirSync(directory)
    .map((name) => join(directory, name))
    .find(isExecutable);
  return program !== undefined && (await versionOf(program)) !== undefined ? program : undefined;
}

function watchGrowth(directory, giveUp) {
  let bytes = 0;
  let quietSince = Date.now();
  return setInterval(() => {
    const now = readdirSync(directory).reduce((sum, name) => sum + sizeOf(join(directory, name)), 0);
    if (now !== bytes) quietSince = Date.now();
    bytes = now;
    if (Date.now() - quietSince > (bytes === 0 ? 12_000 : 30_000)) giveUp();
  }, 500);
}

function sizeOf(path) {
  try {
    return statSync(path).size;
  } catch {
    return 0; // renamed meanwhile
  }
}

async function build(workspace, say) {
  const go = findProgram('go');
  const version = go === undefined ? undefined : await goVersion(go);
  if (version === undefined) throw new Error(temporalRemedy);
  if (version[0] === 1 && version[1] < 21)
    throw new Error(`Go ${version.join('.')} is too old: ${temporalRemedy}`);
  say(
    `no download in reach; building ${pinnedVersion()} with Go, about 5 min (under 1 min when Go built it before)`,
  );
  const output = join(workspace, 'temporal');
  const stamp = `-s -w -X ${MODULE}/internal/temporalcli.Version=${pinnedVersion()}`;
  const args = ['build', '-trimpath', '-ldflags', stamp, '-o', output, `${MODULE}/cmd/temporal`];
  const result = await run(go, args, { cwd: buildDirectory, timeoutMs: 1_800_000 });
  if (result.status !== 0) throw new Error(`the build with Go failed: ${lastLines(result.stderr, 5)}`);
  await check(output, ['--version'], { timeoutMs: 20_000 });
  return output;
}

async function goVersion(go) {
  // Asked outside of the module: inside, an old Go would first fetch the toolchain that go.mod wants.
  const { stdout } = await run(go, ['env', 'GOVERSION'], { cwd: '/', timeoutMs: 30_000 });
  return /go(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number);
}
