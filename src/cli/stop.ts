import type { Command } from 'commander';
import type { Define } from './define.js';
import { examples } from './options.js';
import { addSendOptions, reasonOption } from './send-options.js';
import { commandBase, digestFor, send, type SendOptions } from './send.js';

/** `rehost stop [RUN]`: stops running units and parks; nothing is undone. */
export function addStop(program: Command, define: Define): void {
  const command = addSendOptions(program.command('stop [run]'))
    .description('stop running units and park; nothing is undone')
    .addOption(reasonOption())
    .addHelpText('after', examples('rehost stop ppm-target --reason "network maintenance"'));
  define<SendOptions>(command, async (context, { args, options }) => {
    const client = await context.client();
    const run = await client.find(args[0]);
    const request = {
      ...commandBase(context, digestFor(run, undefined), options),
      ...(options.reason === undefined ? {} : { reason: options.reason }),
    };
    await send(context, run, { name: 'stop', request, options });
  });
}
