import type { Effect } from '../contracts/contract.js';
import { formatBytes, formatCount, formatDuration, formatRate } from '../formats/quantities.js';
import { toShellLine } from '../formats/shell.js';
import { previewStep, type StepPreview } from './preview.js';
import type { Gate, Phase, Plan, PreflightCheck, Step } from './types.js';

/** How much of a plan is printed. `commands`: every changing command and write below its step. */
export interface RenderOptions {
  readonly commands: boolean;
}

/** A plan as text for a person: hosts, preflight, phases with gates and steps, what is left out, forecast. */
export function renderPlan(plan: Plan, options: RenderOptions = { commands: true }): string {
  return [
    `Plan ${plan.digest.slice(0, 12)}: ${plan.kind}, ${plan.source} -> ${plan.target}, rehost ${plan.release}`,
    '',
    ...renderHosts(plan),
    '',
    ...renderPreflight(plan.preflight),
    '',
    ...plan.phases.flatMap((phase, index) => [...renderPhase(phase, index + 1, options), '']),
    ...renderExclusions(plan),
    ...renderForecast(plan),
  ].join('\n');
}

function renderHosts(plan: Plan): readonly string[] {
  return [
    'Hosts',
    ...Object.entries(plan.hosts).map(
      ([name, host]) => `  ${name}  ${host.role}, host key ${host.hostKey}, machine ${host.machineId}`,
    ),
  ];
}

const MARKS: Readonly<Record<PreflightCheck['severity'], string>> = {
  ok: 'ok',
  warning: 'WARNING',
  blocker: 'BLOCKER',
};

/** The preflight table: one line per check, blockers and warnings first with found, wanted and remedy. */
export function renderPreflight(checks: readonly PreflightCheck[]): readonly string[] {
  const of = (severity: PreflightCheck['severity']): readonly PreflightCheck[] =>
    checks.filter((check) => check.severity === severity);
  const open = [...of('blocker'), ...of('warning')];
  return [
    `Preflight: ${of('ok').length} ok, ${counted(of('warning').length, 'warning')}, ${counted(of('blocker').length, 'blocker')}`,
    ...open.flatMap((check) => [
      `  ${MARKS[check.severity]} ${check.id}: ${check.title}`,
      `      found ${check.found}; wanted ${check.wanted}`,
      `      ${check.remedy}`,
    ]),
    ...of('ok').map((check) => `  ok ${check.id}: ${check.title} (${check.found})`),
  ];
}

const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;

function renderPhase(phase: Phase, number: number, options: RenderOptions): readonly string[] {
  const steps = phase.nodes.flatMap((node) =>
    node.kind === 'step'
      ? renderStep(node, '  ', options)
      : [
          `  side by side (${node.id}):`,
          ...node.branches.flatMap((branch, index) => [
            `    branch ${index + 1}:`,
            ...branch.flatMap((step) => renderStep(step, '      ', options)),
          ]),
        ],
  );
  return [
    `Phase ${number} ${phase.id}: ${phase.title}`,
    ...(phase.gate === undefined ? [] : renderGate(phase.gate, options)),
    ...steps,
  ];
}

function renderGate(gate: Gate, options: RenderOptions): readonly string[] {
  const meanwhile = gate.meanwhile;
  return [
    `  GATE ${gate.id}: ${gate.title}`,
    `    needs ${gate.votes} of ${gate.voters.join(', ')}; the requester never counts`,
    ...gate.explains.map((sentence) => `    ${sentence}`),
    ...gate.questions.map((question) => `    asks ${question.id}: ${question.text} (${question.expect})`),
    ...(meanwhile === undefined
      ? []
      : [
          `    meanwhile, every ${meanwhile.everySeconds} s:`,
          ...renderStep(meanwhile.step, '      ', options),
        ]),
  ];
}

function renderStep(step: Step, indent: string, options: RenderOptions): readonly string[] {
  const preview = previewStep(step);
  return [
    `${indent}${step.id} on ${step.host}: ${step.title}${traits(step)}`,
    ...(options.commands ? renderEffects(preview, step, `${indent}    `) : []),
  ];
}

function traits(step: Step): string {
  const words = [
    ...(step.when === undefined
      ? []
      : [`only when ${step.when.step}.${step.when.field} is ${JSON.stringify(step.when.equals)}`]),
    ...(step.repeat === undefined ? [] : [`up to ${step.repeat.max} passes`]),
    ...(step.downtime === 'starts' ? ['downtime starts'] : step.downtime === 'ends' ? ['downtime ends'] : []),
    ...(step.replacesTarget === true ? ["replaces the target's data"] : []),
    ...(step.goesLive === true ? ['goes live'] : []),
    ...(step.undo.kind === 'none' && step.undo.because === 'read-only' ? ['changes nothing'] : []),
    ...(step.undo.kind === 'none' && step.undo.because === 'irreversible' ? ['CANNOT BE UNDONE'] : []),
    ...(step.skip === 'never'
      ? []
      : [`may be skipped by ${step.skip === 'voters' ? 'voters' : 'the operator'}`]),
  ];
  return words.length === 0 ? '' : ` [${words.join('; ')}]`;
}

function renderEffects(preview: StepPreview, step: Step, indent: string): readonly string[] {
  const loses = step.undo.kind === 'calls' ? step.undo.calls.flatMap((call) => call.loses ?? []) : [];
  const orders = step.undo.kind === 'calls' ? [...new Set(step.undo.calls.map((call) => call.order))] : [];
  return [
    ...preview.effects.map((effect) => `${indent}${effectLine(effect)}`),
    ...(preview.undoEffects.length === 0 ? [] : [`${indent}undo (${orders.join(', ')}):`]),
    ...preview.undoEffects.map((effect) => `${indent}  ${effectLine(effect)}`),
    ...loses.map((loss) => `${indent}undoing it loses: ${loss}`),
  ];
}

/** One effect as `plan` prints it: a command behind `$`, a written file behind `write`. */
export function effectLine(effect: Effect): string {
  // Placeholders stay bare: quoting them would hide that they are no words of the command.
  if (effect.kind === 'write') return `write ${effect.path} (${effect.mode})`;
  return `$ ${effect.argv.map((word) => (/^[^'\n]*<[^>]+>[^'\n]*$/.test(word) ? word : toShellLine([word]))).join(' ')}`;
}

function renderExclusions(plan: Plan): readonly string[] {
  if (plan.exclusions.length === 0) return [];
  return ['Not copied', ...plan.exclusions.map(({ path, reason }) => `  ${path}: ${reason}`), ''];
}

function renderForecast(plan: Plan): readonly string[] {
  const { forecast } = plan;
  return [
    `Forecast of ${forecast.madeAt}`,
    `  ${formatBytes(forecast.bytes)} in ${formatCount(forecast.files)} files at ${formatRate(forecast.bytesPerSecond)}`,
    `  final copy ${formatBytes(forecast.finalCopyBytes)}, downtime about ${formatDuration(forecast.downtimeMs)}`,
  ];
}
