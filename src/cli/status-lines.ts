import { formatBytes, formatCount, formatDuration, formatRate } from '../formats/quantities.js';
import type { Progress } from '../plan/call.js';
import type { OpenItem } from '../run/open-items.js';
import type { GateView, PhaseView, StatusView, StepView } from '../run/status.js';

/** A run's status as text for a person: verdict first, then what is open and the exact next command, then the steps. */
export function renderStatus(view: StatusView): string {
  const blocks = [
    headLines(view),
    ...view.open.map((item) => openLines(item, gateOf(view, item.id))),
    refusedLines(view),
    rollbackLines(view),
    unverifiedLines(view),
    ...view.phases.map(phaseLines),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function headLines(view: StatusView): readonly string[] {
  const { downtime } = view;
  return [
    `${view.migration}  ${view.state}`,
    view.headline,
    `plan ${view.digest.slice(0, 12)}, requested by ${view.requester} at ${view.startedAt}`,
    ...(downtime === undefined
      ? []
      : [`downtime ${formatDuration(downtime.ms)}${downtime.endedAt === undefined ? ' so far' : ' in all'}`]),
  ];
}

/** The gate of a status by id. */
export const gateOf = (view: StatusView, id: string): GateView | undefined =>
  view.phases.map((phase) => phase.gate).find((gate) => gate?.id === id);

/** What waits for a person, with the exact next commands. */
export function openLines(item: OpenItem, gate: GateView | undefined): readonly string[] {
  return [
    `OPEN: ${item.text}`,
    ...(item.kind === 'gate' && gate !== undefined ? gateLines(gate) : []),
    ...(item.failure === undefined
      ? []
      : [
          `  ${item.failure.type}: ${item.failure.message}`,
          ...(item.failure.detail ?? '').split('\n').flatMap((line) => (line === '' ? [] : [`    ${line}`])),
          `  hint: ${item.failure.hint}`,
        ]),
    ...item.offers.map((offer, index) => `  ${index === 0 ? 'next:' : 'or:  '} ${offer.line}`),
  ];
}

/** What a gate tells and asks. */
export function gateLines(gate: GateView): readonly string[] {
  return [
    ...gate.explains.map((sentence) => `  ${sentence}`),
    ...gate.questions.map((question) => {
      const given =
        question.answer === undefined
          ? 'not answered yet'
          : `${question.answer} (${question.answeredBy ?? ''})`;
      return `  ? ${question.id}: ${question.text} [${question.expect}] ${given}`;
    }),
    ...gate.votes.map((vote) => `  ${vote.actor} approved at ${vote.at}`),
  ];
}

function refusedLines(view: StatusView): readonly string[] {
  const refused = view.lastRefused;
  return refused === undefined
    ? []
    : [`Last refused Signal: ${refused.name} by ${refused.actor}: ${refused.message}`];
}

function rollbackLines(view: StatusView): readonly string[] {
  const { rollback } = view;
  if (rollback === undefined) return [];
  return [
    `Rollback by ${rollback.by} at ${rollback.at}: ${rollback.reason}`,
    rollback.servingAt === undefined
      ? '  the source does not serve yet'
      : `  the source serves since ${rollback.servingAt}`,
    ...rollback.calls.map((call) => `  ${call.status.padEnd(8)} ${call.title} (${call.host}, ${call.order})`),
  ];
}

function unverifiedLines(view: StatusView): readonly string[] {
  return view.unverified.length === 0
    ? []
    : ['UNVERIFIED', ...view.unverified.map((one) => `  ${one.step} skipped by ${one.by}: ${one.reason}`)];
}

function phaseLines(phase: PhaseView): readonly string[] {
  return [
    `${phase.id}: ${phase.title} (${phase.status})`,
    ...phase.steps.map((step) => `  ${step.status.padEnd(11)} ${step.id}  ${step.title}${tail(step)}`),
  ];
}

function tail(step: StepView): string {
  const words = [
    ...(step.passes > 1 ? [`${step.passes} passes`] : []),
    ...(step.durationMs === undefined ? [] : [formatDuration(step.durationMs)]),
    ...(step.skippedBy === undefined ? [] : [`skipped by ${step.skippedBy}: ${step.reason ?? ''}`]),
    ...(step.progress === undefined ? [] : [progressText(step.progress)]),
  ].filter((word) => word !== '');
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

/** Bytes, files, rate and time left of a running step, in one line. */
export function progressText(progress: Progress): string {
  const total = progress.bytesTotal === undefined ? '' : ` of ${formatBytes(progress.bytesTotal)}`;
  // A unit that moves no bytes of its own (a manifest, a check) tells none: "0 B" would look like standing still.
  const moves = progress.bytesDone > 0 || progress.bytesTotal !== undefined;
  return [
    ...(moves ? [`${formatBytes(progress.bytesDone)}${total}`] : []),
    ...(progress.filesDone === undefined ? [] : [`${formatCount(progress.filesDone)} files`]),
    ...(progress.bytesPerSecond === undefined ? [] : [formatRate(progress.bytesPerSecond)]),
    ...(progress.etaMs === undefined ? [] : [`${formatDuration(progress.etaMs)} left`]),
    ...(progress.note === undefined ? [] : [progress.note]),
    ...(progress.pollFailures > 0 ? [`host has not answered ${progress.pollFailures} times`] : []),
  ].join(', ');
}

/** Ids of the steps that run now. */
export const runningSteps = (view: StatusView): readonly StepView[] =>
  view.phases
    .flatMap((phase) => phase.steps)
    .filter((step) => step.status === 'running' || step.status === 'undoing');

/** One plain line of `watch`: time, state, phase, running steps with progress, downtime so far. */
export function watchLine(view: StatusView, at: Date): string {
  const phase = view.phase === undefined ? '' : ` ${view.phase.number}/${view.phase.count} ${view.phase.id}`;
  const steps = runningSteps(view).map((step) => {
    const progress = step.progress === undefined ? '' : progressText(step.progress);
    return progress === '' ? step.id : `${step.id} (${progress})`;
  });
  const { downtime } = view;
  const down =
    downtime === undefined
      ? ''
      : `, downtime ${formatDuration(downtime.ms)}${downtime.endedAt === undefined ? ' so far' : ''}`;
  return `${at.toISOString().slice(11, 19)} ${view.state}${phase}${steps.length === 0 ? '' : `: ${steps.join(', ')}`}${down}`;
}
