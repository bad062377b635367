import type { Command } from 'commander';
import { waitingGate } from './approve.js';
import type { Define } from './define.js';
import { examples, valueOption, wholeNumber } from './options.js';
import { addSendOptions, reasonOption } from './send-options.js';
import { commandBase, digestFor, needed, reasonFor, send, statusFor, type SendOptions } from './send.js';

interface RejectOptions extends SendOptions {
  readonly gate?: string;
  readonly revision?: number;
}

/** `rehost reject [RUN]`: a vote against the gate that waits. */
export function addReject(program: Command, define: Define): void {
  const command = addSendOptions(program.command('reject [run]'))
    .description('vote against the gate that waits; it parks until it is retried')
    .addOption(valueOption('--gate <id>', 'the gate; default: the one that waits'))
    .addOption(
      valueOption('--revision <n>', 'revision of the evidence; default: the present one').argParser(
        wholeNumber(1),
      ),
    )
    .addOption(reasonOption())
    .addHelpText('after', examples('rehost reject ppm-target --gate stop-source --reason "month-end close"'));
  define<RejectOptions>(command, async (context, { args, options }) => {
    const client = await context.client();
    const run = await client.find(args[0]);
    const view = await statusFor(context, run, options);
    const base = commandBase(context, digestFor(run, view), options);
    const gate = view === undefined ? undefined : waitingGate(view, options.gate);
    const request = {
      ...base,
      gate: gate?.id ?? needed(options.gate, '--gate'),
      revision: options.revision ?? gate?.revision ?? needed<number>(options.revision, '--revision'),
      reason: await reasonFor(context, options),
    };
    await send(context, run, { name: 'reject', request, options });
  });
}
