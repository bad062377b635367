import type { OpenItem } from './open-items.js';
import type { GateView, PhaseView, StatusView, StepView } from './status.js';

/** Longest text that Temporal keeps as current details: 20 kB; we stay below in characters and bytes. */
const DETAILS_LIMIT = 16_000;

/**
 * The status as Markdown for the Temporal UI's current details.
 *
 * Shape: headings, paragraphs apart by blank lines, flat lists, fences. No tables and no nested lists: UI 2.42 loses a
 * table's body and UI 2.50 runs nested items into one line.
 */
export function renderDetails(view: StatusView): string {
  const blocks = [
    `# ${stateTitle(view)}`,
    plain(view.headline),
    facts(view),
    ...view.open.flatMap((item) => openBlocks(item, gateOf(view, item))),
    ...refusedBlocks(view),
    ...rollbackBlocks(view),
    ...unverifiedBlocks(view),
    ...phasesBlocks(view),
  ];
  const text = `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
  return text.length <= DETAILS_LIMIT
    ? text
    : `${text.slice(0, DETAILS_LIMIT)}\n\n(cut: run "rehost status ${view.migration}")\n`;
}

const STATE_TITLES: { readonly [State in StatusView['state']]: string } = {
  running: 'Running',
  gate: 'Waiting for approval',
  parked: 'Parked: needs a person',
  stopping: 'Stopping',
  'rolling-back': 'Rolling back',
  done: 'Done',
  'rolled-back': 'Rolled back',
  abandoned: 'Abandoned',
  cancelled: 'Cancelled',
};

const stateTitle = (view: StatusView): string => STATE_TITLES[view.state];

// Names and texts of other people go into Markdown: backticks would end a code span or a fence.
const code = (text: string): string => `\`${text.replaceAll('`', "'")}\``;
const escaped = (text: string): string => text.replace(/\s+/g, ' ').replace(/[\\`*_<>[\]#|]/g, '\\$&');
const fence = (text: string, language = ''): string =>
  `\`\`\`${language}\n${text.replaceAll('```', "'''")}\n\`\`\``;

const COMMANDS = /"([^"]+)"|(?<![\w-])--[A-Za-z][\w=.-]*/g;

/**
 * Text of others as one line of Markdown; what it quotes and every flag becomes code, to be copied as it stands:
 * UI 2.50 draws typographic quotes and turns `--step` into a dash and a word.
 */
function plain(text: string): string {
  let from = 0;
  const parts = [...text.matchAll(COMMANDS)].map((found) => {
    const part = `${escaped(text.slice(from, found.index))}${code(found[1] ?? found[0])}`;
    from = found.index + found[0].length;
    return part;
  });
  return `${parts.join('')}${escaped(text.slice(from))}`;
}

// A fence does not wrap: what stands beyond its edge is not seen by whoever has to fill it in.
const LINE_LIMIT = 100;
const broken = (line: string): string =>
  line.length <= LINE_LIMIT ? line : line.replaceAll(' --answer ', ' \\\n  --answer ');

const instant = (at: string): string => `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const whole = Math.floor(seconds / 60);
  return whole < 60 ? `${whole} min ${seconds % 60} s` : `${Math.floor(whole / 60)} h ${whole % 60} min`;
}

function facts(view: StatusView): string {
  const { phase, downtime } = view;
  const lines = [
    phase === undefined
      ? ''
      : `- Phase: **${plain(phase.title)}** (${code(phase.id)}, ${phase.number} of ${phase.count})`,
    `- Migration: ${code(view.migration)}, ${view.kind} from ${code(view.source)} to ${code(view.target)}`,
    `- Requested by: ${code(view.requester)} at ${instant(view.startedAt)}`,
    `- Plan: ${code(view.digest.slice(0, 12))}`,
    downtime === undefined
      ? ''
      : `- Downtime: since ${instant(downtime.startedAt)}${downtime.endedAt === undefined ? ', still going on' : `, ${duration(downtime.ms)} in all`}`,
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function gateOf(view: StatusView, item: OpenItem): GateView | undefined {
  return view.phases.map((phase) => phase.gate).find((gate) => gate?.id === item.id);
}

function openBlocks(item: OpenItem, gate: GateView | undefined): readonly string[] {
  const [first, ...others] = item.offers;
  const who = item.who === 'operator' ? 'an operator' : item.who.map(code).join(', ');
  return [
    `## Open: ${item.kind === 'gate' ? `gate ${code(item.id)}` : plain(item.text)}`,
    ...(item.kind === 'gate' && gate !== undefined ? gateBlocks(gate) : []),
    ...failureBlocks(item),
    `Who may answer: ${who}`,
    ...(first === undefined
      ? []
      : [
          'Next command:',
          fence(broken(first.line), 'sh'),
          `Or on this page: **More Actions**, **Send a Signal**, ${code(first.command)}, with this JSON. Replace the words in capitals; the first press on Submit only formats it, the second one sends it.`,
          fence(JSON.stringify(first.payload, undefined, 1), 'json'),
        ]),
    ...(others.length === 0
      ? []
      : ['Also possible:', fence(others.map((offer) => broken(offer.line)).join('\n'), 'sh')]),
  ];
}

function gateBlocks(gate: GateView): readonly string[] {
  const votes = gate.votes.map((vote) => `- ${code(vote.actor)} approved at ${instant(vote.at)}`);
  const questions = gate.questions.map((question) => {
    const answer =
      question.answer === undefined
        ? '**not answered yet**'
        : `${plain(question.answer)} (${code(question.answeredBy ?? '')})`;
    return `- ${code(question.id)} ${plain(question.text)} ${answer}`;
  });
  return [
    `**${plain(gate.title)}**`,
    ...gate.explains.map(plain),
    ...(questions.length === 0 ? [] : ['Questions:', questions.join('\n')]),
    `Votes: ${votes.length} of ${gate.votesNeeded}, for evidence revision ${gate.revision}`,
    ...(votes.length === 0 ? [] : [votes.join('\n')]),
  ];
}

function failureBlocks(item: OpenItem): readonly string[] {
  const { failure } = item;
  if (failure === undefined) return [];
  return [
    `**${failure.type}**: ${plain(failure.message)}`,
    ...(failure.detail === undefined ? [] : [fence(failure.detail.slice(0, 3000))]),
    plain(failure.hint),
  ];
}

function refusedBlocks(view: StatusView): readonly string[] {
  const refused = view.lastRefused;
  if (refused === undefined) return [];
  return [
    '## Last refused Signal',
    `${code(refused.name)} by ${code(refused.actor)} at ${instant(refused.at)}: ${plain(refused.message)}`,
  ];
}

function rollbackBlocks(view: StatusView): readonly string[] {
  const { rollback } = view;
  if (rollback === undefined) return [];
  const serves =
    rollback.servingAt === undefined
      ? 'The source does not serve yet.'
      : `The source serves since ${instant(rollback.servingAt)}.`;
  return [
    '## Rollback',
    `Asked for by ${code(rollback.by)} at ${instant(rollback.at)}: ${plain(rollback.reason)}`,
    serves,
    rollback.calls
      .map((call) => `- **${words(call.status)}** ${plain(call.title)} (${code(call.host)}, ${call.order})`)
      .join('\n'),
  ];
}

function unverifiedBlocks(view: StatusView): readonly string[] {
  if (view.unverified.length === 0) return [];
  const lines = view.unverified.map(
    (one) => `- ${code(one.step)} skipped by ${code(one.by)}: ${plain(one.reason)}`,
  );
  return ['## UNVERIFIED', lines.join('\n')];
}

const words = (status: string): string => status.replaceAll('-', ' ');

/** All phases in a line each, and the steps of the one that the run is in: a page that is read, not searched. */
function phasesBlocks(view: StatusView): readonly string[] {
  const current = view.phases.find((phase) => phase.id === view.phase?.id);
  return [
    '## Phases',
    view.phases.map((phase) => phaseLine(view, phase)).join('\n'),
    ...(current === undefined
      ? []
      : [`## Steps of phase ${code(current.id)}`, current.steps.map(stepLine).join('\n')]),
  ];
}

function phaseLine(view: StatusView, phase: PhaseView): string {
  const left = phase.id === view.phase?.id && view.rollback !== undefined;
  const status = left
    ? 'rolled back from here'
    : phase.status === 'at-gate'
      ? 'at its gate'
      : words(phase.status);
  const skipped = phase.steps
    .filter((step) => step.skippedBy !== undefined)
    .map((step) => `, ${code(step.id)} skipped by ${code(step.skippedBy ?? '')}`);
  return `- **${status}** ${code(phase.id)} ${plain(phase.title)}${skipped.join('')}`;
}

function stepLine(step: StepView): string {
  const passes = step.passes > 1 ? `, ${step.passes} passes` : '';
  const by = step.skippedBy === undefined ? '' : ` by ${code(step.skippedBy)}`;
  const took =
    step.durationMs === undefined || step.endedAt === undefined ? '' : `, ${duration(step.durationMs)}`;
  return `- **${words(step.status)}**${by} ${code(step.id)} ${plain(step.title)} (${code(step.host)}${passes}${took})`;
}
