import type { Command } from 'commander';
import type { Define } from './define.js';
import { addTemporalOptions, examples, inventoryOption, valueOption } from './options.js';

interface WorkerFlags {
  readonly logLevel: string;
}

/** `rehost worker`: polls until Ctrl-C; units on the hosts go on without it. */
export function addWorker(program: Command, define: Define): void {
  const command = addTemporalOptions(program.command('worker'))
    .description('run a worker: it reaches the hosts and does the steps')
    .addOption(inventoryOption())
    .addOption(
      valueOption('--log-level <level>', 'least level that is logged, as JSON lines on stderr')
        .choices(['trace', 'debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .addHelpText('after', examples('rehost worker --inventory /etc/rehost/inventory.yaml'));
  define<WorkerFlags>(command, async (context, { options }) => {
    // The SDK's native part takes most of a second to load: only workers pay for it.
    const { createLogger, startWorker } = await import('../worker.js');
    const worker = await startWorker(context.configuration, { logger: createLogger(options.logLevel) });
    context.io.interrupted.addEventListener('abort', () => void worker.stop(), { once: true });
    await worker.closed;
  });
}
