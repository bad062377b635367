import type { Command } from 'commander';
import type { Define } from './define.js';
import { follow } from './follow.js';
import { addTemporalOptions, examples, switchOption } from './options.js';
import { assertAppliable } from './plan.js';
import { readPlanFile } from './plan-file.js';

interface ApplyFlags {
  readonly detach?: boolean;
}

/** `rehost apply PLAN`: starts the migration and follows it to the first gate. */
export function addApply(program: Command, define: Define): void {
  const command = addTemporalOptions(program.command('apply <plan>'))
    .description('start a migration and follow it until it needs a person or ends')
    .addOption(switchOption('--detach', 'return at once; the run goes on'))
    .addHelpText(
      'after',
      `${examples('rehost apply plan.json', 'rehost apply plan.json --detach -o json')}\n` +
        'Exit codes: 0 done, 6 waiting at a gate, 13 parked, 9 rolled back, 130 detached by Ctrl-C (the run goes on).\n',
    );
  define<ApplyFlags>(command, async (context, { args, options }) => {
    const plan = readPlanFile(args[0] ?? '');
    assertAppliable(plan);
    const client = await context.client();
    const applied = await client.apply(plan, { requester: context.configuration.actor });
    if (applied.kind === 'already-moved') {
      context.print({ text: `already moved by ${applied.migration} at ${applied.endedAt}`, value: applied });
      return;
    }
    const { run } = applied;
    context.print({ text: `${run.migration}  ${run.workflowId}`, value: applied });
    if (options.detach === true) {
      context.say(`Started. Follow it: rehost watch ${run.migration}`);
      return;
    }
    context.exit(await follow(context, run, { until: 'attention' }));
  });
}
