import type { Command } from 'commander';
import type { Define } from './define.js';
import { examples, valueOption, wholeNumber } from './options.js';
import { addSendOptions, reasonOption } from './send-options.js';
import {
  chooseOpen,
  commandBase,
  digestFor,
  needed,
  reasonFor,
  send,
  statusFor,
  type SendOptions,
} from './send.js';

interface SkipOptions extends SendOptions {
  readonly step?: string;
  readonly generation?: number;
}

/** `rehost skip [RUN]`: goes on without a parked step, where the plan allows it. */
export function addSkip(program: Command, define: Define): void {
  const command = addSendOptions(program.command('skip [run]'))
    .description('go on without a parked step, where the plan allows it')
    .addOption(valueOption('--step <id>', 'the parked step; default: the only one'))
    .addOption(
      valueOption(
        '--generation <n>',
        'generation of the step that was seen; default: the present one',
      ).argParser(wholeNumber(0)),
    )
    .addOption(reasonOption())
    .addHelpText('after', examples('rehost skip ppm-target --step evict-cache --reason "caches are small"'));
  define<SkipOptions>(command, async (context, { args, options }) => {
    const client = await context.client();
    const run = await client.find(args[0]);
    const view = await statusFor(context, run, options);
    const base = commandBase(context, digestFor(run, view), options);
    const item =
      view === undefined
        ? undefined
        : chooseOpen(view, ['parked-step', 'parked-undo'], { id: options.step, flag: '--step' });
    const request = {
      ...base,
      step: item?.id ?? needed(options.step, '--step'),
      generation:
        options.generation ?? item?.generation ?? needed<number>(options.generation, '--generation'),
      reason: await reasonFor(context, options),
    };
    await send(context, run, { name: 'skip', request, options });
  });
}
