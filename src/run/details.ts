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
    view.headline,
    facts(view),
    ...view.open.flatMap((item) => openBlocks(item, gateOf(view, item))),
    ...refusedBlocks(view),
    ...rollbackBlocks(view),
    ...unverifiedBlocks(view),
    ...view.phases.flatMap(phaseBlocks),
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
const plain = (text: string): string => text.replace(/\s+/g, ' ').replace(/[\\`*_<>[\]#|]/g, '\\$&');
const fence = (text: string, language = ''): string =>
  `\`\`\`${language}\n${text.replaceAll('```', "'''")}\n\`\`\``;
const minutes = (ms: number): string =>
  `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;

function facts(view: StatusView): string {
  const { phase, downtime } = view;
  const lines = [
    phase === undefined
      ? ''
      : `- Phase: **${plain(phase.title)}** (${code(phase.id)}, ${phase.number} of ${phase.count})`,
    `- Migration: ${code(view.migration)}, ${view.kind} from ${code(view.source)} to ${code(view.target)}`,
    `- Requested by: ${code(view.requester)} at ${view.startedAt}`,
    `- Plan: ${code(view.digest.slice(0, 12))}`,
    downtime === undefined
      ? ''
      : `- Downtime: since ${downtime.startedAt}${downtime.endedAt === undefined ? ', still going on' : `, ${minutes(downtime.ms)} in all`}`,
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
    `## Open: ${plain(item.text)}`,
    ...(item.kind === 'gate' && gate !== undefined ? gateBlocks(gate) : []),
    ...failureBlocks(item),
    `Who may answer: ${who}`,
    ...(first === undefined
      ? []
      : [
          'Next command:',
          fence(first.line, 'sh'),
          `Or send the Signal ${code(first.command)} with this JSON, capitals replaced:`,
          fence(JSON.stringify(first.payload), 'json'),
        ]),
    ...(others.length === 0
      ? []
      : ['Also possible:', fence(others.map((offer) => offer.line).join('\n'), 'sh')]),
  ];
}

function gateBlocks(gate: GateView): readonly string[] {
  const votes = gate.votes.map((vote) => `- ${code(vote.actor)} approved at ${vote.at}`);
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
    ...(votes.length === 0 ? [] : [`Votes (${gate.votes.length} of ${gate.votesNeeded}):`, votes.join('\n')]),
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
    `${code(refused.name)} by ${code(refused.actor)} at ${refused.at}: ${plain(refused.message)}`,
  ];
}

function rollbackBlocks(view: StatusView): readonly string[] {
  const { rollback } = view;
  if (rollback === undefined) return [];
  const serves =
    rollback.servingAt === undefined
      ? 'The source does not serve yet.'
      : `The source serves since ${rollback.servingAt}.`;
  return [
    '## Rollback',
    `Asked for by ${code(rollback.by)} at ${rollback.at}: ${plain(rollback.reason)}`,
    serves,
    rollback.calls
      .map((call) => `- ${call.status}: ${plain(call.title)} on ${code(call.host)} (${call.order})`)
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

function phaseBlocks(phase: PhaseView): readonly string[] {
  return [
    `## Phase ${code(phase.id)}: ${plain(phase.title)} (${phase.status})`,
    phase.steps.map(stepLine).join('\n'),
  ];
}

function stepLine(step: StepView): string {
  const passes = step.passes > 1 ? `, ${step.passes} passes` : '';
  const by = step.skippedBy === undefined ? '' : ` by ${code(step.skippedBy)}`;
  const duration =
    step.durationMs === undefined || step.endedAt === undefined ? '' : `, ${minutes(step.durationMs)}`;
  return `- **${step.status}**${by} ${code(step.id)} ${plain(step.title)} on ${code(step.host)}${passes}${duration}`;
}
