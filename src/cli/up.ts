import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { createClient } from '../client.js';
import type { Configuration } from '../config.js';
import { listens, startDevServer, type DevServer } from '../dev-server.js';
import { failure } from '../failures.js';
import type { RunningWorker } from '../worker.js';
import type { CommandContext } from './context.js';
import type { Define } from './define.js';
import { addCommonOptions, examples, inventoryOption, valueOption, portNumber } from './options.js';
import { dataDirectory } from './paths.js';

interface UpOptions {
  readonly port: number;
  readonly uiPort: number;
  readonly ip: string;
  readonly db?: string;
  readonly logLevel: string;
}

/** `rehost up`: an embedded Temporal and a worker, until Ctrl-C. */
export function addUp(program: Command, define: Define): void {
  const command = addCommonOptions(program.command('up'))
    .description('run an embedded Temporal and a worker in one command, for a bastion host')
    .addOption(inventoryOption())
    .addOption(valueOption('--port <n>', 'port of Temporal').argParser(portNumber).default(7233))
    .addOption(
      valueOption('--ui-port <n>', "port of Temporal's web page").argParser(portNumber).default(8233),
    )
    .addOption(
      valueOption('--ip <address>', 'address to listen on; Temporal asks nobody for a password').default(
        '127.0.0.1',
      ),
    )
    .addOption(
      valueOption('--db <file>', "Temporal's database; default: rehost/temporal.db in the data directory"),
    )
    .addOption(valueOption('--task-queue <name>', 'task queue of the worker; default: rehost'))
    .addOption(
      valueOption('--log-level <level>', 'least level that is logged')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('warn'),
    )
    .addHelpText(
      'after',
      examples('rehost up --inventory inventory.yaml', 'rehost up --port 7300 --ui-port 8300'),
    );
  define<UpOptions>(command, async (context, { options }) => {
    if (await listens(options.ip, options.port)) throw portTaken(options);
    const server = await startServer(context, options);
    let worker: RunningWorker | undefined;
    try {
      const configuration = atAddress(context.configuration, server.address);
      await prepareNamespace(configuration);
      const { createLogger, startWorker } = await import('../worker.js');
      worker = await startWorker(configuration, { logger: createLogger(options.logLevel) });
      announce(context, server, configuration);
      await Promise.race([interruption(context), server.exited, worker.closed]);
      if (!context.io.interrupted.aborted) throw endedAlone(server);
    } finally {
      context.say('Stopping: the worker first, then Temporal. Units on the hosts go on.');
      await worker?.stop().catch(() => undefined);
      await server.stop();
    }
  });
}

async function startServer(context: CommandContext, options: UpOptions): Promise<DevServer> {
  const { temporalCli } = await import('../../lab/toolchain.js');
  const directory = dataDirectory(context.io.env);
  mkdirSync(directory, { recursive: true });
  return startDevServer({
    cli: temporalCli(),
    database: options.db ?? join(directory, 'temporal.db'),
    log: join(directory, 'temporal.log'),
    port: options.port,
    uiPort: options.uiPort,
    ip: options.ip,
  });
}

/** The same configuration with Temporal at another address. */
export function atAddress(configuration: Configuration, address: string): Configuration {
  return { ...configuration, address, connection: { address }, namespace: 'default' };
}

/** Search attributes and retention of an embedded Temporal's namespace; safe to repeat. */
export async function prepareNamespace(configuration: Configuration): Promise<void> {
  const client = await createClient(configuration);
  try {
    await client.ensureSearchAttributes();
    await client.keepEndedRuns();
  } finally {
    await client.close();
  }
}

function announce(context: CommandContext, server: DevServer, configuration: Configuration): void {
  const { taskQueue, inventory } = configuration;
  const value = { address: server.address, ui: server.uiAddress, taskQueue, inventory: inventory ?? null };
  const text = [
    `Temporal    ${server.address}`,
    `Web page    ${server.uiAddress}`,
    `Task queue  ${taskQueue}`,
    `Inventory   ${inventory ?? 'none: name one with --inventory'}`,
  ].join('\n');
  context.print({ text, value });
  context.say('Ready. Ctrl-C stops both; runs go on at the next "rehost up".');
}

const interruption = (context: CommandContext): Promise<void> =>
  new Promise((resolve) => {
    if (context.io.interrupted.aborted) resolve();
    context.io.interrupted.addEventListener('abort', () => resolve(), { once: true });
  });

const portTaken = (options: UpOptions): Error =>
  failure('UsageInvalid', {
    message: `something listens on ${options.ip}:${options.port} already`,
    detail: 'When it is a Temporal, a worker alone is enough.',
    hint: `Run "rehost worker --address ${options.ip}:${options.port}", or choose another port with --port and --ui-port.`,
  });

const endedAlone = (server: DevServer): Error =>
  failure('TemporalUnreachable', {
    message: `Temporal at ${server.address} or the worker ended by itself`,
    hint: 'Read temporal.log in the data directory, then run "rehost up" again: runs go on where they were.',
  });
