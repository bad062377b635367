import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  NativeConnection,
  Runtime,
  Worker,
  type Logger as SdkLogger,
  type WorkerOptions,
} from '@temporalio/worker';
import { pino, type Logger } from 'pino';
import { createActivities } from './activities/create.js';
import { failureInterceptor } from './activities/failures.js';
import type { Configuration } from './config.js';
import { failure } from './failures.js';
import type { Hosts } from './hosts/host.js';
import { inventoryHosts } from './inventory-hosts.js';
import { surviveLostReader } from './lost-reader.js';

/** A worker that polls; `closed` settles when it has ended. */
export interface RunningWorker {
  readonly closed: Promise<void>;
  /** Ends it: Activities stop watching, units on the hosts go on, connections are closed. Safe to repeat. */
  stop(): Promise<void>;
}

/** What tests and `demo` may replace. */
export interface WorkerParts {
  readonly logger?: Logger;
  readonly hosts?: Hosts;
  /** Fake or further Activities, by name. */
  readonly activities?: WorkerOptions['activities'];
}

// A poll tells progress and receives a stop at the next heartbeat; the SDK's default would delay both up to 48 s.
const HEARTBEAT_THROTTLE = '5 seconds';
// Time for an Activity to leave its unit running and to report that: nothing on a host depends on it.
const SHUTDOWN_GRACE = '2 seconds';
const SHUTDOWN_FORCE = '20 seconds';

/** The logger of a process: JSON lines on stderr, since stdout is for results. */
export function createLogger(level: string = 'info'): Logger {
  const out = pino.destination(2);
  // A line that nobody hears must not end the process in the middle of stopping.
  surviveLostReader(out);
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, out);
}

/**
 * Connects, composes hosts and Activities, and polls until `stop`.
 * @throws TemporalUnreachable when nobody answers at the address
 */
export async function startWorker(
  configuration: Configuration,
  parts: WorkerParts = {},
): Promise<RunningWorker> {
  const logger = parts.logger ?? createLogger();
  installRuntime(logger);
  const connection = await connect(configuration);
  const hosts = parts.hosts ?? inventoryHosts(configuration.inventory);
  const worker = await Worker.create({
    connection,
    namespace: configuration.namespace,
    taskQueue: configuration.taskQueue,
    identity: configuration.identity,
    ...workflowSource(),
    activities: parts.activities ?? createActivities({ hosts, logger }),
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    shutdownGraceTime: SHUTDOWN_GRACE,
    shutdownForceTime: SHUTDOWN_FORCE,
    interceptors: { activity: [() => ({ inbound: failureInterceptor(logger) })] },
  });
  logger.info({ taskQueue: configuration.taskQueue, address: configuration.address }, 'worker polls');
  return run(worker, { connection, hosts });
}

function run(worker: Worker, parts: { connection: NativeConnection; hosts: Hosts }): RunningWorker {
  const closed = worker
    .run()
    .finally(() => parts.hosts.close())
    .finally(() => parts.connection.close());
  // `closed` may be awaited late: without this a failing worker would end the process without a word of ours.
  closed.catch(() => undefined);
  return {
    closed,
    stop: async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await closed;
    },
  };
}

async function connect(configuration: Configuration): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(configuration.connection);
  } catch (cause) {
    throw failure(
      'TemporalUnreachable',
      {
        message: `no Temporal answers at ${configuration.address}`,
        detail: cause instanceof Error ? cause.message : String(cause),
        hint: 'Start one with "rehost up", or name yours with --address or TEMPORAL_ADDRESS.',
      },
      { cause },
    );
  }
}

/** The built bundle when this file itself is built, else the sources: a stale bundle never runs beside newer sources. */
function workflowSource(): Pick<WorkerOptions, 'workflowBundle'> | Pick<WorkerOptions, 'workflowsPath'> {
  const here = dirname(fileURLToPath(import.meta.url));
  const codePath = join(here, '..', 'workflow-bundle.js');
  const isBuilt = fileURLToPath(import.meta.url).endsWith('.js');
  if (isBuilt && existsSync(codePath)) return { workflowBundle: { codePath } };
  return { workflowsPath: join(here, 'workflows', isBuilt ? 'index.js' : 'index.ts') };
}

let installed = false;

function installRuntime(logger: Logger): void {
  if (installed) return;
  installed = true;
  Runtime.install({
    logger: toSdkLogger(logger.child({ part: 'temporal' })),
    // Signals belong to whoever runs the worker: `rehost worker`, `up` and `demo` stop it themselves, in order.
    shutdownSignals: [],
  });
}

function toSdkLogger(logger: Logger): SdkLogger {
  type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';
  const write = (level: Level, message: string, meta: object | undefined): void => {
    // The SDK tells of each task at info; a person who reads the log wants our lines.
    const quiet = level === 'info' ? 'debug' : level;
    logger[quiet]({ ...meta }, message);
  };
  return {
    log: (level, message, meta) => write(level.toLowerCase() as Level, message, meta),
    trace: (message, meta) => write('trace', message, meta),
    debug: (message, meta) => write('debug', message, meta),
    info: (message, meta) => write('info', message, meta),
    warn: (message, meta) => write('warn', message, meta),
    error: (message, meta) => write('error', message, meta),
  };
}
