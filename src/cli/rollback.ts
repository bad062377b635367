import type { Command } from 'commander';
import type { RunSummary } from '../client.js';
import { failure } from '../failures.js';
import type { StatusView } from '../run/status.js';
import type { RollbackPreview } from '../run/undo.js';
import type { CommandContext } from './context.js';
import type { Define } from './define.js';
import { follow } from './follow.js';
import { examples, switchOption, valueOption } from './options.js';
import { addSendOptions, reasonOption } from './send-options.js';
import { commandBase, digestFor, reasonFor, send, statusFor, type SendOptions } from './send.js';

interface RollbackOptions extends SendOptions {
  readonly confirm?: string;
  readonly preview?: boolean;
  readonly detach?: boolean;
}

/** `rehost rollback [RUN]`: previews, asks for the target's name, takes everything back. */
export function addRollback(program: Command, define: Define): void {
  const command = addSendOptions(program.command('rollback [run]'))
    .description('take everything back: the source serves first, then the clean-up')
    .addOption(reasonOption())
    .addOption(valueOption('--confirm <target>', "the target's name: says that the preview was read"))
    .addOption(switchOption('--preview', 'only show what would be done and lost'))
    .addOption(switchOption('--detach', 'return at once; the rollback goes on'))
    .addHelpText(
      'after',
      examples(
        'rehost rollback ppm-target --preview',
        'rehost rollback ppm-target --reason "wrong window" --confirm ppm-target',
      ),
    );
  define<RollbackOptions>(command, async (context, { args, options }) => {
    const client = await context.client();
    const run = await client.find(args[0]);
    const view = await statusFor(context, run, options);
    if (options.preview === true) {
      showPreview(context, view);
      return;
    }
    if (view?.rollbackPreview !== undefined) context.say(renderPreview(view.rollbackPreview, run).join('\n'));
    await confirm(context, run, options.confirm);
    const losses = view?.rollbackPreview?.losses.length ?? 1;
    const request = {
      ...commandBase(context, digestFor(run, view), options),
      reason: await reasonFor(context, options),
      ...(losses > 0 ? { acceptLoss: true } : {}),
    };
    await send(context, run, { name: 'rollback', request, options });
    if (options.detach === true || options.signal === true) return;
    await followRollback(context, run);
  });
}

// A vote that does not complete the ballot is accepted too: then nothing is being rolled back yet.
async function followRollback(context: CommandContext, run: RunSummary): Promise<void> {
  const view = await (await context.client()).status(run);
  if (view.state !== 'rolling-back' && view.state !== 'rolled-back') return;
  context.exit(await follow(context, run, { until: 'attention' }));
}

function showPreview(context: CommandContext, view: StatusView | undefined): void {
  const preview = view?.rollbackPreview;
  if (view === undefined || preview === undefined) {
    throw failure('Refused', {
      message: `there is nothing to roll back: ${view?.headline ?? 'no worker answers'}`,
      hint: 'Run "rehost status" to see what is going on.',
    });
  }
  context.print({ text: renderPreview(preview, view).join('\n'), value: preview });
}

/** A rollback's preview as text: what is done in which order, what is lost, what stays, who must agree. */
export function renderPreview(
  preview: RollbackPreview,
  run: Pick<RunSummary, 'migration' | 'target'>,
): readonly string[] {
  const orders = preview.orders.filter(({ lines }) => lines.length > 0);
  return [
    `Rollback of ${run.migration}:`,
    ...(orders.length === 0 ? ['  nothing was changed that would have to be undone'] : []),
    ...orders.flatMap(({ order, lines }) => [
      `  ${order}`,
      ...lines.map((line) => `    ${line.title} (${line.host}, step ${line.step})`),
    ]),
    preview.losses.length === 0 ? '  Nothing is lost.' : '  LOST:',
    ...preview.losses.map((loss) => `    ${loss}`),
    ...preview.stays.map((stay) => `  stays as it is: ${stay.title} (${stay.because})`),
    ...(preview.votersOfGate === undefined ? [] : [`  needs the votes of gate ${preview.votersOfGate}`]),
  ];
}

async function confirm(context: CommandContext, run: RunSummary, given: string | undefined): Promise<void> {
  const typed =
    given ??
    (context.io.interactive
      ? (await context.io.ask(`Type the target's name to roll back (${run.target}): `))?.trim()
      : undefined);
  if (typed === run.target) return;
  throw failure('UsageInvalid', {
    message:
      typed === undefined
        ? 'a rollback wants the name of the target as confirmation; nothing was sent'
        : `"${typed}" is not the target of ${run.migration}; nothing was sent`,
    hint: `Read the preview, then add --confirm ${run.target}.`,
  });
}
