import type { Command } from 'commander';
import type { Define } from './define.js';
import { addTemporalOptions, examples, switchOption } from './options.js';
import { table } from './output.js';

interface ListOptions {
  readonly all?: boolean;
}

/** `rehost list`: active runs, or all that Temporal keeps. */
export function addList(program: Command, define: Define): void {
  const command = addTemporalOptions(program.command('list'))
    .description('list active runs')
    .addOption(switchOption('--all', 'ended runs too, as long as Temporal keeps them'))
    .addHelpText('after', examples('rehost list', 'rehost list --all -o jsonl'));
  define<ListOptions>(command, async (context, { options }) => {
    const client = await context.client();
    const runs = await client.list(options.all === true ? 'all' : 'active');
    const rows = runs.map((run) => [
      run.migration,
      run.state,
      run.phase,
      run.source,
      run.target,
      run.startedAt.slice(0, 19),
    ]);
    const none =
      options.all === true
        ? 'Temporal keeps no run.'
        : 'No run is active. "rehost list --all" shows ended ones.';
    const text =
      runs.length === 0
        ? none
        : table([['MIGRATION', 'STATE', 'PHASE', 'SOURCE', 'TARGET', 'STARTED'], ...rows]);
    context.print({ text, value: runs });
  });
}
