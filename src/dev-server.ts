import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
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
  /** Without one a free port is taken. */
  readonly port?: number;
  /** Without one a free port is taken. */
  readonly uiPort?: number;
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
const START_TRIES = 4;
const LOOK_EVERY_MS = 50;
// A server whose port a stranger took ends 0.35 s after its start (measured): one that has listened for a second is ours.
const OUTLIVES_LOOKS = 1000 / LOOK_EVERY_MS;

/**
 * Starts the Temporal dev server with its database on disk and answers when it listens.
 *
 * It runs in a process group of its own: Ctrl-C reaches us alone, so that the worker ends before the server. A port that
 * somebody took between the look and the start, of ours or of the server's inner ones, is chosen anew.
 * @throws TemporalUnreachable when it does not listen in time or ends at once
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  mkdirSync(dirname(options.database), { recursive: true });
  for (let tries = 1; ; tries += 1) {
    const port = options.port ?? (await freePort());
    const uiPort = options.uiPort ?? (await freePort());
    const started = await startOn({ ...options, port, uiPort });
    if ('server' in started) return started.server;
    if (tries === START_TRIES || !started.problem.includes('address already in use'))
      throw notUp(options, { port, problem: started.problem });
  }
}

type Ports = DevServerOptions & { readonly port: number; readonly uiPort: number };

async function startOn(
  options: Ports,
): Promise<{ readonly server: DevServer } | { readonly problem: string }> {
  const { cli, database, port, uiPort, log, ip = '127.0.0.1' } = options;
  // A stranger that listens there would be taken for ours.
  if (await listens(ip, port)) return { problem: `${ip}:${port}: address already in use.` };
  const file = openSync(log, 'a');
  const logged = fstatSync(file).size;
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
  const problem = await untilListening(child, { port, ip });
  if (problem !== undefined) {
    child.kill('SIGKILL');
    await exited;
    const said = readFileSync(log).subarray(logged).toString().trim().split('\n');
    return { problem: [problem, ...said.slice(-3)].join('\n') };
  }
  const server = {
    address: `${ip}:${port}`,
    uiAddress: `http://${ip}:${uiPort}`,
    pid: child.pid ?? 0,
    exited,
    stop: () => stop(child, exited),
  };
  return { server };
}

/** Why it does not listen; nothing when it does. */
async function untilListening(
  child: ChildProcess,
  { port, ip }: { port: number; ip: string },
): Promise<string | undefined> {
  let problem: string | undefined;
  child.once('error', (error) => (problem = error.message));
  const deadline = Date.now() + UP_WITHIN_MS;
  const gone = (): boolean => problem !== undefined || child.exitCode !== null;
  let heard = 0;
  while (Date.now() < deadline && !gone()) {
    heard = (await listens(ip, port)) ? heard + 1 : 0;
    if (heard > OUTLIVES_LOOKS && !gone()) return undefined;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  if (problem !== undefined) return problem;
  return child.exitCode === null
    ? `It did not listen within ${UP_WITHIN_MS / 1000} s.`
    : `It ended with status ${child.exitCode}.`;
}

const notUp = (options: DevServerOptions, seen: { port: number; problem: string }) =>
  failure('TemporalUnreachable', {
    message: `the embedded Temporal did not come up on ${options.ip ?? '127.0.0.1'}:${seen.port}`,
    detail: seen.problem,
    hint: `Read ${options.log}; name another port with --port when this one is taken.`,
  });

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
function freePort(): Promise<number> {
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
