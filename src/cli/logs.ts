import type { Command } from 'commander';
import { failure } from '../failures.js';
import type { StatusView, StepView } from '../run/status.js';
import type { Define } from './define.js';
import { addTemporalOptions, examples, valueOption, wholeNumber } from './options.js';

interface LogsOptions {
  readonly step?: string;
  readonly host?: string;
  readonly generation?: number;
  readonly lines: number;
}

// Most lines that one look gives; the contract of doctor.log@1 refuses more.
const LOG_LINES_LIMIT = 400;

/** `rehost logs [RUN]`: the end of a step's log, read on its host. */
export function addLogs(program: Command, define: Define): void {
  const command = addTemporalOptions(program.command('logs [run]'))
    .description("show the end of a step's log, read on its host")
    .addOption(valueOption('--step <id>', 'default: the one that runs or is parked, else the last one'))
    .addOption(valueOption('--generation <n>', 'default: the last one').argParser(wholeNumber(0)))
    .addOption(valueOption('--host <name>', "default: the step's host"))
    .addOption(valueOption('--lines <n>', 'how many lines').argParser(wholeNumber(1)).default(50))
    .addHelpText(
      'after',
      examples('rehost logs ppm-target', 'rehost logs ppm-target --step final-copy-data --lines 200'),
    );
  define<LogsOptions>(command, async (context, { args, options }) => {
    const client = await context.client();
    const run = await client.find(args[0]);
    const chosen = chooseStep(await client.status(run), options.step);
    const place: Place = {
      step: chosen.id,
      host: options.host ?? chosen.host,
      generation: options.generation ?? chosen.generation,
    };
    const { step, host, generation } = place;
    const { values } = await client.inspect({
      action: 'doctor.log@1',
      host,
      migration: run.migration,
      timeouts: 'short',
      input: { step, generation, lines: Math.min(options.lines, LOG_LINES_LIMIT) },
    });
    const log = values as unknown as Log;
    context.print({ text: renderLog(log, place), value: { ...place, ...log } });
  });
}

/** Where a log was looked for: what the flags say, else the step's own host and last generation. */
interface Place {
  readonly step: string;
  readonly host: string;
  readonly generation: number;
}

interface Log {
  readonly directory: string;
  readonly found: boolean;
  /** Absent when the worker is of an earlier release. */
  readonly progress?: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly journal: string;
}

function renderLog(log: Log, { step, host }: Place): string {
  const head = `${step} on ${host}: ${log.directory}`;
  if (!log.found) {
    return `${head}\nno unit of this step has run there: short steps leave no log on the host; their failure stands in "rehost status"`;
  }
  return [
    head,
    ...(log.progress === undefined || log.progress === '' ? [] : [section('progress', log.progress)]),
    section('stdout', log.stdout),
    section('stderr', log.stderr),
    section('executions', log.journal),
  ].join('\n');
}

const section = (title: string, text: string): string =>
  `--- ${title}\n${text.trimEnd() === '' ? '(empty)' : text.trimEnd()}`;

function chooseStep(view: StatusView, id: string | undefined): StepView {
  const steps = view.phases.flatMap((phase) => phase.steps);
  if (id !== undefined) {
    const named = steps.find((step) => step.id === id);
    if (named !== undefined) return named;
    throw failure('UsageInvalid', {
      message: `${view.migration} has no step "${id}"`,
      detail: `Its steps: ${steps.map((step) => step.id).join(', ')}.`,
      hint: `Name one of them with --step.`,
    });
  }
  const active = steps.find((step) => ['running', 'parked', 'undoing', 'undo-parked'].includes(step.status));
  const last = steps.filter((step) => step.startedAt !== undefined).at(-1);
  const chosen = active ?? last;
  if (chosen !== undefined) return chosen;
  throw failure('Refused', {
    message: `no step of ${view.migration} has started yet`,
    hint: 'Run "rehost status" to see what it waits for.',
  });
}
