/*
 * A Temporal dev server for tests. Node modules only: Jest's globalSetup loads this file without its module mapping.
 */
import { execFile, spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const KEYWORDS = ['RehostState', 'RehostPhase', 'RehostSource', 'RehostTarget', 'RehostMigration'];
const START_LIMIT_MS = 30_000;
const START_TRIES = 4;

/** A running dev server; `stop` ends exactly this process. */
export interface DevServer {
  readonly address: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Path of the Temporal CLI: `TEMPORAL_CLI`, else what `npm run setup` wrote down. */
export function temporalCli(): string {
  const { TEMPORAL_CLI, REHOST_CACHE, XDG_CACHE_HOME } = process.env;
  const cache = REHOST_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'rehost');
  const path = TEMPORAL_CLI || fromToolchain(join(cache, 'toolchain.json'));
  if (path === undefined)
    throw new Error('no Temporal CLI: run "npm run setup", or set TEMPORAL_CLI to its path');
  accessSync(path, constants.X_OK);
  return path;
}

function fromToolchain(file: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { temporal?: string }).temporal;
  } catch {
    return undefined;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Options of a dev server. `dynamicConfig`: `KEY=VALUE`. Without `port` a free one is taken. */
export interface DevServerOptions {
  readonly dynamicConfig?: readonly string[];
  readonly port?: number;
  readonly dbFilename?: string;
}

/**
 * Starts a server on a loopback port, in memory unless a file is named, with rehost's search attributes.
 *
 * A port that another server took between the look and the start is chosen anew.
 */
export async function startDevServer(options: DevServerOptions = {}): Promise<DevServer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startOn(options, options.port ?? (await freePort()));
    } catch (error) {
      if (tries === START_TRIES || !String(error).includes('address already in use')) throw error;
    }
  }
}

async function startOn(options: DevServerOptions, port: number): Promise<DevServer> {
  const cli = temporalCli();
  const address = `127.0.0.1:${port}`;
  const child = spawn(
    cli,
    [
      'server',
      'start-dev',
      '--headless',
      '--ip=127.0.0.1',
      `--port=${port}`,
      '--log-level=never',
      ...(options.dbFilename === undefined ? [] : [`--db-filename=${options.dbFilename}`]),
      ...KEYWORDS.map((name) => `--search-attribute=${name}=Keyword`),
      ...(options.dynamicConfig ?? []).map((pair) => `--dynamic-config-value=${pair}`),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  let closed = false;
  child.once('close', () => (closed = true));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2000)));
  const { pid } = child;
  if (pid === undefined) throw new Error(`${cli} could not be started`);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const endWithUs = (): boolean => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const end = () => (closed ? `ended with ${String(child.exitCode)}: ${said.trim()}` : undefined);
  await healthy(cli, address, end);
  // A stranger on the port answers, too: then ours ends within a second.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  if (end() !== undefined) throw new Error(`the Temporal server ${end()}`);
  return {
    address,
    pid,
    stop: async () => {
      process.removeListener('exit', endWithUs);
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function healthy(cli: string, address: string, end: () => string | undefined): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    try {
      const list = [
        'workflow',
        'list',
        '--address',
        address,
        '--limit',
        '1',
        '--query',
        'RehostState = "none"',
      ];
      await run(cli, list, { timeout: 5000 });
      return;
    } catch (error) {
      const ended = end();
      if (ended !== undefined) throw new Error(`the Temporal server ${ended}`, { cause: error });
      if (Date.now() > deadline)
        throw new Error(`the Temporal server at ${address} did not answer`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
