/*
 * What restarts need besides a world: a worker that is a process of its own, a Temporal that can be killed and started
 * on its file, and patience while either is away.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { temporalCli } from '../../lab/toolchain.js';
import { callCli } from '../recording-io.js';
import { loadConfiguration } from '../../src/config.js';
import { startDevServer, type DevServer } from '../../src/dev-server.js';
import { RehostFailure } from '../../src/failures.js';
import { startWorker } from '../../src/worker.js';
import type { Answer } from '../told.js';
import type { World } from './world.js';

const ROOT = join(__dirname, '..', '..');
const WORKER_UP_WITHIN_MS = 90_000;
const AWAY_AT_MOST_MS = 120_000;
const LOOK_EVERY_MS = 200;

/** `rehost worker` as a process of its own. */
export interface WorkerProcess {
  readonly pid: number;
  /** SIGKILL: nothing is closed, nobody is told. */
  kill(): Promise<void>;
  /** SIGTERM, as a redeployment does it. */
  stop(): Promise<void>;
}

/** Starts `rehost worker` from the sources and waits until it polls. */
export async function startWorkerProcess(world: World): Promise<WorkerProcess> {
  const log = join(world.directory, `worker-${Date.now()}.log`);
  const file = openSync(log, 'a');
  const where = ['--address', world.configuration.address, '--inventory', world.lab.inventory];
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(ROOT, 'src', 'cli', 'main.ts'), 'worker', ...where],
    { cwd: ROOT, stdio: ['ignore', file, file] },
  );
  closeSync(file);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  await eventually(`worker polls; its log is ${log}`, WORKER_UP_WITHIN_MS, () => {
    if (child.exitCode !== null) throw new Error(`the worker ended at once:\n${readFileSync(log, 'utf8')}`);
    return readFileSync(log, 'utf8').includes('worker polls');
  });
  return { pid: child.pid ?? 0, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
}

/** Ends a Temporal, does something while it is away, and starts another one on its file and its ports. */
export async function restartTemporal(
  world: Pick<World, 'directory'>,
  server: DevServer,
  how: { readonly by: 'stop' | 'kill'; readonly meanwhile: () => Promise<void> },
): Promise<DevServer> {
  if (how.by === 'kill') process.kill(server.pid, 'SIGKILL');
  else await server.stop();
  await server.exited;
  await how.meanwhile();
  const port = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));
  return startDevServer({
    cli: temporalCli(),
    database: join(world.directory, 'temporal.db'),
    port: port(server.address),
    uiPort: port(server.uiAddress),
    log: join(world.directory, 'temporal.log'),
  });
}

/** A second Temporal with a worker on the same hosts; neither knows of the first. */
export interface Stranger {
  readonly address: string;
  close(): Promise<void>;
}

/** Starts a stranger with the inventory of the world. */
export async function startStranger(world: World): Promise<Stranger> {
  const directory = mkdtempSync(join(tmpdir(), 'rehost-stranger-'));
  const server = await startDevServer({
    cli: temporalCli(),
    database: join(directory, 'temporal.db'),
    log: join(directory, 'temporal.log'),
  });
  const configuration = loadConfiguration(
    { address: server.address, inventory: world.lab.inventory, actor: 'stranger' },
    { HOME: directory, PATH: process.env['PATH'] },
  );
  const worker = await startWorker(configuration, { logger: pino({ level: 'silent' }) });
  return {
    address: server.address,
    close: async () => {
      await worker.stop();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Runs one command line in this process, without a terminal. */
export async function rehost(address: string, actor: string, argv: readonly string[]): Promise<Answer> {
  const env = { REHOST_ACTOR: actor, HOME: tmpdir(), PATH: process.env['PATH'] };
  return callCli([...argv, '--address', address], { env });
}

/** Does it again while Temporal or its workers are away: a client is slower to find them again than a worker. */
export async function patiently<Value>(act: () => Promise<Value>): Promise<Value> {
  const deadline = Date.now() + AWAY_AT_MOST_MS;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      const away = error instanceof RehostFailure && ['TemporalUnreachable', 'NoWorker'].includes(error.type);
      if (!away || Date.now() > deadline) throw error;
      await sleep(LOOK_EVERY_MS);
    }
  }
}

/** Waits until the check holds. */
export async function eventually(
  what: string,
  limitMs: number,
  check: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`waited ${limitMs / 1000} s in vain until ${what}`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** Milliseconds of nothing. */
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
