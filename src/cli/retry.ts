import type { Command } from 'commander';
import type { RetryRequest } from '../run/commands.js';
import type { StatusView } from '../run/status.js';
import type { Define } from './define.js';
import { examples, valueOption, wholeNumber } from './options.js';
import { addSendOptions, reasonOption } from './send-options.js';
import { chooseOpen, commandBase, digestFor, needed, send, statusFor, type SendOptions } from './send.js';

interface RetryOptions extends SendOptions {
  readonly step?: string;
  readonly generation?: number;
  readonly gate?: string;
  readonly revision?: number;
}

/** `rehost retry [RUN]`: lets a parked step, a rejected gate or a stopped run go on. */
export function addRetry(program: Command, define: Define): void {
  const command = addSendOptions(program.command('retry [run]'))
    .description('let a parked step, a rejected gate or a stopped run go on')
    .addOption(valueOption('--step <id>', 'the parked step; default: the only thing that is open'))
    .addOption(
      valueOption(
        '--generation <n>',
        'generation of the step that was seen; default: the present one',
      ).argParser(wholeNumber(0)),
    )
    .addOption(valueOption('--gate <id>', 'the rejected gate'))
    .addOption(
      valueOption('--revision <n>', 'revision of the gate; default: the present one').argParser(
        wholeNumber(1),
      ),
    )
    .addOption(reasonOption())
    .addHelpText(
      'after',
      examples('rehost retry ppm-target --step final-copy-data', 'rehost retry ppm-target --gate begin'),
    );
  define<RetryOptions>(command, async (context, { args, options }) => {
    const client = await context.client();
    const run = await client.find(args[0]);
    const view = await statusFor(context, run, options);
    const base = commandBase(context, digestFor(run, view), options);
    const reason = options.reason === undefined ? {} : { reason: options.reason };
    const request = { ...base, ...reason, ...subjectOf(view, options) };
    await send(context, run, { name: 'retry', request, options });
  });
}

type Subject = Pick<RetryRequest, 'step' | 'generation' | 'gate' | 'revision'>;

function subjectOf(view: StatusView | undefined, options: RetryOptions): Subject {
  const { step, gate } = options;
  if (view === undefined) {
    if (step !== undefined) return { step, generation: needed(options.generation, '--generation') };
    if (gate !== undefined) return { gate, revision: needed(options.revision, '--revision') };
    return {};
  }
  const kinds =
    step !== undefined
      ? (['parked-step', 'parked-undo'] as const)
      : gate !== undefined
        ? (['rejected-gate'] as const)
        : (['stopped', 'parked-step', 'parked-undo', 'rejected-gate'] as const);
  // A stopped run goes on as a whole: that is what a bare "retry" means then.
  if (step === undefined && gate === undefined && view.open.some((item) => item.kind === 'stopped'))
    return {};
  const item = chooseOpen(view, kinds, { id: step ?? gate, flag: gate === undefined ? '--step' : '--gate' });
  if (item.kind === 'rejected-gate')
    return { gate: item.id, revision: options.revision ?? item.revision ?? 0 };
  return { step: item.id, generation: options.generation ?? item.generation ?? 0 };
}
