import type { Command } from 'commander';
import type { Define } from './define.js';
import { follow } from './follow.js';
import { addTemporalOptions, examples, valueOption, wholeNumber } from './options.js';

interface WatchOptions {
  readonly until: 'attention' | 'end';
  readonly for?: number;
}

/** `rehost watch [RUN]`: one line per change until the run ends. */
export function addWatch(program: Command, define: Define): void {
  const command = addTemporalOptions(program.command('watch [run]'))
    .description('print a line per change: phase, step, bytes, rate, time left, downtime so far')
    .addOption(
      valueOption('--until <what>', 'end: until the run ends; attention: until it needs a person')
        .choices(['attention', 'end'])
        .default('end'),
    )
    .addOption(
      valueOption('--for <seconds>', 'stop watching after this time (exit code 7)').argParser(wholeNumber(1)),
    )
    .addHelpText(
      'after',
      examples(
        'rehost watch',
        'rehost watch ppm-target --until attention',
        'rehost watch --for 600 -o jsonl',
      ),
    );
  define<WatchOptions>(command, async (context, { args, options }) => {
    const client = await context.client();
    const run = await client.find(args[0]);
    const forMs = options.for === undefined ? {} : { forMs: options.for * 1000 };
    context.exit(await follow(context, run, { until: options.until, ...forMs }));
    // One value, at the end: what a program asked for with -o json. With jsonl each change was a line already.
    if (context.mode === 'json' && !context.io.interrupted.aborted)
      context.print({ text: '', value: await client.status(run) });
  });
}
