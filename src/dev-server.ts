import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, closeSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname } from 'node:path';
import { failure } from './failures.js';
import { SEARCH_ATTRIBUTES } from './run/publication.js';

/** How an embedded Temporal is started. */
export interface DevServerOptions {
  /** Path of the Temporal CLI. */
  readonly cli: string;
  /** Database file; its directory is made. State survives a restart on the same file. */
  readonly database: string;
  readonly port: number;
  readonly uiPort: number;
  /** Where the server's own log goes. */
  readonly log: string;
  /** Address to listen on. Default 127.0.0.1: the server has no authorization. */
  readonly ip?: string;
}

/** A running embedded Temporal. */
export interface DevServer {
  readonly address: string;
  readonly uiAddress: string;
  readonly pid: number;
  /** Settles when the process has ended, whoever ended it. */
  readonly exited: Promise<void>;
  /** Ends it in order; safe to repeat. */
  stop(): Promise<void>;
}

const UP_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 10_000;

/**
 * Starts the Temporal dev server with its database on disk and answers when it listens.
 *
 * It runs in a process group of its own: Ctrl-C reaches us alone, so that the worker ends before the server.
 * @throws TemporalUnreachable when it does not listen in time or ends at once
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  const { cli, database, port, uiPort, log, ip = '127.0.0.1' } = options;
  mkdirSync(dirname(database), { recursive: true });
  const file = openSync(log, 'a');
  const child = spawn(
    cli,
    [
      ...['server', 'start-dev', '--db-filename', database, '--ip', ip, '--ui-ip', ip],
      ...['--port', String(port), '--ui-port', String(uiPort), '--log-level', 'warn'],
      // An Activity that comes back with its Workflow Task's answer halves the time of a step: 41 ms instead of 92.
      ...['--dynamic-config-value', 'system.enableActivityEagerExecution=true'],
      ...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
    ],
    { stdio: ['ignore', file, file], detached: true },
  );
  closeSync(file);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  await untilListening(child, { port, ip, log });
  return {
    address: `${ip}:${port}`,
    uiAddress: `http://${ip}:${uiPort}`,
    pid: child.pid ?? 0,
    exited,
    stop: () => stop(child, exited),
  };
}

async function untilListening(
  child: ChildProcess,
  { port, ip, log }: { port: number; ip: string; log: string },
): Promise<void> {
  let problem: string | undefined;
  child.once('error', (error) => (problem = error.message));
  const deadline = Date.now() + UP_WITHIN_MS;
  while (Date.now() < deadline && problem === undefined && child.exitCode === null) {
    if (await listens(ip, port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill('SIGKILL');
  throw failure('TemporalUnreachable', {
    message: `the embedded Temporal did not come up on ${ip}:${port} within ${UP_WITHIN_MS / 1000} s`,
    detail: problem ?? `It ended with status ${child.exitCode ?? 'none'}; its log is ${log}.`,
    hint: `Read ${log}; name another port with --port when this one is taken.`,
  });
}

/** Whether something listens at an address. */
export function listens(ip: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => done(false));
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}

/** A port of the loopback that is free at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await exited;
  clearTimeout(timer);
}
