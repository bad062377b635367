import { formatBytes, formatDuration } from '../formats/quantities.js';
import type { JsonObject } from '../plan/json.js';
import type { GateView } from '../run/status.js';
import type { Report, ReportStep } from './report.js';

/** A report as Markdown: verdict first, then who decided what, what was done, what is left. */
export function renderMarkdown(report: Report): string {
  const blocks = [
    ...head(report),
    '## Decisions',
    ...report.gates.flatMap(gateBlocks),
    ...commandBlocks(report),
    '## Steps',
    stepTable(report),
    ...evidenceBlocks(report),
    ...rollbackBlocks(report),
    ...preflightBlocks(report),
    ...exclusionBlocks(report),
    ...leftBlocks(report),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

// Texts of other people go into cells and lines: bars and line breaks would end them.
const plain = (text: string): string =>
  text.replace(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;');
const code = (text: string): string => `\`${text.replaceAll('`', "'").replaceAll('|', '\\|')}\``;
const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const grid = (titles: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(titles), row(titles.map(() => '---')), ...rows.map(row)].join('\n');
const list = (items: readonly string[]): string => items.map((item) => `- ${item}`).join('\n');

function head(report: Report): readonly string[] {
  const { downtime } = report;
  const facts = [
    `Verification: **${report.verdict}**`,
    `State: ${report.state}. ${plain(report.headline)}`,
    `Kind: ${report.kind}, from ${code(report.source)} to ${code(report.target)}, rehost ${report.release}`,
    `Requested by ${code(report.requester)} at ${report.startedAt}`,
    ...(report.endedAt === undefined || report.durationMs === undefined
      ? []
      : [`Ended at ${report.endedAt}, after ${formatDuration(report.durationMs)}`]),
    downtime === undefined
      ? 'Downtime: none'
      : `Downtime: ${formatDuration(downtime.ms)}${downtime.endedAt === undefined ? ' so far' : ''} (forecast ${formatDuration(report.forecastDowntimeMs)})`,
    ...(report.wentLiveAt === undefined ? [] : [`The target went live at ${report.wentLiveAt}`]),
    `Plan: ${code(report.digest)}`,
  ];
  return [
    `# Migration ${report.migration}`,
    list(facts),
    ...(report.verdictReasons.length === 0
      ? []
      : ['Why not VERIFIED:', list(report.verdictReasons.map(plain))]),
  ];
}

function gateBlocks(gate: GateView): readonly string[] {
  const votes = gate.votes.map(
    (vote) =>
      `${code(vote.actor)} approved at ${vote.at} by ${vote.via}${vote.reason === undefined ? '' : `: ${plain(vote.reason)}`}`,
  );
  const voided = gate.voidVotes.map(
    (vote) => `void: ${code(vote.actor)} at ${vote.at}, for evidence revision ${vote.revision}`,
  );
  const rejections = gate.rejections.map(
    (one) => `${code(one.actor)} rejected at ${one.at}: ${plain(one.reason)}`,
  );
  const answers = gate.questions.map((question) =>
    question.answer === undefined
      ? `${plain(question.text)} *not answered*`
      : `${plain(question.text)} **${plain(question.answer)}** (${code(question.answeredBy ?? '')})`,
  );
  const opened = gate.openedAt === undefined ? gate.status : `opened at ${gate.openedAt}`;
  return [
    `### Gate ${code(gate.id)}: ${plain(gate.title)}`,
    `${opened}; ${gate.votes.length} of ${gate.votesNeeded} votes of ${gate.voters.map(code).join(', ')}`,
    list([...votes, ...voided, ...rejections, ...answers]),
  ];
}

function commandBlocks(report: Report): readonly string[] {
  if (report.commands.length === 0) return [];
  const rows = report.commands.map((command) => [
    command.at,
    code(command.actor),
    command.kind,
    plain(command.subject),
    command.via,
    plain(command.reason ?? ''),
    plain(command.answer),
  ]);
  return ['### Every command', grid(['At', 'Actor', 'Command', 'About', 'By', 'Reason', 'Answer'], rows)];
}

function stepTable(report: Report): string {
  const rows = report.steps.map((step) => [
    step.phase,
    code(step.id),
    plain(step.title),
    code(step.host),
    step.status +
      (step.skippedBy === undefined ? '' : ` by ${code(step.skippedBy)}: ${plain(step.reason ?? '')}`),
    step.durationMs === undefined ? '' : formatDuration(step.durationMs),
    step.changed === true ? 'yes' : '',
  ]);
  return grid(['Phase', 'Step', 'What', 'Host', 'Status', 'Took', 'Changed'], rows);
}

function evidenceBlocks(report: Report): readonly string[] {
  const done = report.steps.filter(
    (step) => step.values !== undefined && Object.keys(step.values).length > 0,
  );
  if (done.length === 0) return [];
  return ['## What was found', list(done.map(evidenceLine))];
}

function evidenceLine(step: ReportStep): string {
  const mark = step.verification ? ' **verification**' : '';
  return `${code(step.id)}${mark}: ${scalars(step.values ?? {})} (digest ${code((step.digest ?? '').slice(0, 12))})`;
}

function scalars(values: JsonObject): string {
  return Object.entries(values)
    .flatMap(([key, value]) => {
      if (typeof value === 'number') return [`${key} ${/bytes/i.test(key) ? formatBytes(value) : value}`];
      if (typeof value === 'string' || typeof value === 'boolean')
        return [`${key} ${code(plain(String(value)).slice(0, 120))}`];
      return Array.isArray(value) ? [`${key}: ${value.length}`] : [];
    })
    .join(', ');
}

function rollbackBlocks(report: Report): readonly string[] {
  const { rollback } = report;
  if (rollback === undefined) return [];
  return [
    '## Rollback',
    `Asked for by ${code(rollback.by)} at ${rollback.at}: ${plain(rollback.reason)}`,
    rollback.servingAt === undefined
      ? 'The source does not serve yet.'
      : `The source serves since ${rollback.servingAt}.`,
    list(
      rollback.calls.map(
        (call) => `${call.status}: ${plain(call.title)} on ${code(call.host)} (${call.order})`,
      ),
    ),
  ];
}

function preflightBlocks(report: Report): readonly string[] {
  if (report.preflight.length === 0) return [];
  const rows = report.preflight.map((check) => [
    check.severity,
    code(check.id),
    plain(check.title),
    plain(check.found),
  ]);
  return ['## Preflight', grid(['', 'Check', 'What', 'Found'], rows)];
}

function exclusionBlocks(report: Report): readonly string[] {
  if (report.exclusions.length === 0) return [];
  return [
    '## Neither copied nor compared',
    list(report.exclusions.map(({ path, reason }) => `${code(path)}: ${plain(reason)}`)),
  ];
}

function leftBlocks(report: Report): readonly string[] {
  if (report.left.length === 0) return [];
  const fenced =
    report.state === 'done'
      ? [`The source ${code(report.source)} stays stopped and fenced, on purpose.`]
      : [];
  return [
    '## What is left on the hosts',
    ...fenced,
    'Nothing of this is removed by rehost. When it is not needed any more:',
    ...report.left.flatMap((one) => [
      `${plain(one.what)} on ${code(one.host)}:`,
      `\`\`\`sh\n${one.remove}\n\`\`\``,
    ]),
  ];
}
