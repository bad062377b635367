import type { Command } from 'commander';
import { failure } from '../failures.js';
import type { GateView, StatusView } from '../run/status.js';
import { askQuestion } from './ask-question.js';
import type { CommandContext } from './context.js';
import type { Define } from './define.js';
import { collectAnswers, examples, valueOption, wholeNumber } from './options.js';
import { addSendOptions, reasonOption } from './send-options.js';
import { chooseOpen, commandBase, digestFor, needed, send, statusFor, type SendOptions } from './send.js';
import { gateLines, gateOf } from './status-lines.js';

interface ApproveOptions extends SendOptions {
  readonly gate?: string;
  readonly revision?: number;
  readonly answer?: Readonly<Record<string, string>>;
}

/** `rehost approve [RUN]`: one vote for the gate that waits. */
export function addApprove(program: Command, define: Define): void {
  const command = addSendOptions(program.command('approve [run]'))
    .description('vote for the gate that waits, with answers to its questions')
    .addOption(valueOption('--gate <id>', 'the gate; default: the one that waits'))
    .addOption(
      valueOption(
        '--revision <n>',
        'revision of the evidence that was seen; default: the present one',
      ).argParser(wholeNumber(1)),
    )
    .addOption(
      valueOption('--answer <question=text>', 'answer to a question; repeatable').argParser(collectAnswers),
    )
    .addOption(reasonOption())
    .addHelpText(
      'after',
      examples(
        'rehost approve ppm-target --gate begin --answer users-consulted="the data science guild"',
        'REHOST_ACTOR=dba-on-call rehost approve',
      ),
    );
  define<ApproveOptions>(command, async (context, { args, options }) => {
    const client = await context.client();
    const run = await client.find(args[0]);
    const view = await statusFor(context, run, options);
    const base = commandBase(context, digestFor(run, view), options);
    const reason = options.reason === undefined ? {} : { reason: options.reason };
    if (view === undefined) {
      const bound = {
        gate: needed(options.gate, '--gate'),
        revision: needed(options.revision, '--revision'),
      };
      const request = { ...base, ...bound, ...reason, answers: options.answer ?? {} };
      return send(context, run, { name: 'approve', request, options });
    }
    const gate = waitingGate(view, options.gate);
    const answers = await answersFor(context, gate, options.answer ?? {});
    const request = {
      ...base,
      gate: gate.id,
      revision: options.revision ?? gate.revision,
      ...(Object.keys(answers).length === 0 ? {} : { answers }),
      ...reason,
    };
    return send(context, run, { name: 'approve', request, options });
  });
}

/** The gate that waits for votes. @throws Refused with what is open */
export function waitingGate(view: StatusView, id: string | undefined): GateView {
  const item = chooseOpen(view, ['gate'], { id, flag: '--gate' });
  const gate = gateOf(view, item.id);
  if (gate === undefined)
    throw new Error(`status of ${view.migration} lists gate ${item.id} and does not describe it`);
  return gate;
}

async function answersFor(
  context: CommandContext,
  gate: GateView,
  given: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const open = gate.questions.filter(
    (question) => question.answer === undefined && given[question.id] === undefined,
  );
  if (open.length === 0) return given;
  if (!context.io.interactive) {
    throw failure('UsageInvalid', {
      message: `gate ${gate.id} asks ${open.length} questions that no --answer covers`,
      detail: open.map((question) => `${question.id}: ${question.text} [${question.expect}]`).join('\n'),
      hint: `Add ${open.map((question) => `--answer ${question.id}=${question.expect === 'text' ? '…' : question.expect}`).join(' ')}.`,
    });
  }
  context.io.err(`${[`GATE ${gate.id}: ${gate.title}`, ...gateLines(gate)].join('\n')}\n\n`);
  const answers: Record<string, string> = { ...given };
  for (const question of open) {
    const answer = await askQuestion(context, question);
    if (answer === undefined) throw failure('UsageInvalid', noAnswer(question.id));
    answers[question.id] = answer;
  }
  return answers;
}

const noAnswer = (id: string): { message: string; hint: string } => ({
  message: `question "${id}" was left without an answer; nothing was sent`,
  hint: 'Run "rehost approve" again and answer every question, or "rehost reject" with a reason.',
});
