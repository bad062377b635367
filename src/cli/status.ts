import type { Command } from 'commander';
import type { Define } from './define.js';
import { addTemporalOptions, examples } from './options.js';
import { renderStatus } from './status-lines.js';

/** `rehost status [RUN]`: what is going on, what is open, and the exact next command. */
export function addStatus(program: Command, define: Define): void {
  const command = addTemporalOptions(program.command('status [run]'))
    .description('show what a run is doing, what is open and the exact next command')
    .addHelpText('after', examples('rehost status', 'rehost status ppm-target -o json'));
  define(command, async (context, { args }) => {
    const client = await context.client();
    const view = await client.status(await client.find(args[0]));
    context.print({ text: renderStatus(view), value: view });
  });
}
