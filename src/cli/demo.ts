import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { RunSummary } from '../client.js';
import { failure } from '../failures.js';
import { formatDuration } from '../formats/quantities.js';
import type { Plan } from '../plan/types.js';
import { planSteps } from '../plan/types.js';
import { renderMarkdown } from '../report/markdown.js';
import { buildReport } from '../report/report.js';
import type { CommandContext } from './context.js';
import type { Define } from './define.js';
import { EXIT } from './exit-codes.js';
import { askOracle, demoExitCode, findOracle, type Judgement, type Oracle } from './demo-judge.js';
import { setStage, writeDemoSpec, type Stage } from './demo-stage.js';
import { passGate } from './demo-gate.js';
import { follow } from './follow.js';
import { bold } from './io.js';
import { makePlan } from './make-plan.js';
import { addCommonOptions, examples, switchOption } from './options.js';
import { assertAppliable } from './plan.js';
import { writePlanFile } from './plan-file.js';

interface DemoOptions {
  readonly yes?: boolean;
}

/** `rehost demo`: a whole migration on two practice hosts, explained. */
export function addDemo(program: Command, define: Define): void {
  const command = addCommonOptions(program.command('demo'))
    .description('a whole migration on two practice hosts, explained gate by gate')
    .addOption(switchOption('--yes', 'let the demo answer by itself; ends non-zero if anything differs'))
    .addHelpText('after', examples('rehost demo', 'rehost demo --yes'));
  define<DemoOptions>(command, async (context, { options }) => {
    const automatic = options.yes === true;
    if (!automatic && !context.io.interactive) throw needsPerson();
    // Asked first: nobody should wait for a whole migration to hear that it cannot be judged.
    const oracle = await findOracle(automatic);
    const startedAt = Date.now();
    heading(context, 'Setting the stage: two hosts with systemd, a Temporal, a worker');
    const stage = await setStage(context);
    try {
      context.exit(await play(onStage(context, stage), stage, { automatic, oracle, startedAt }));
    } finally {
      context.say(
        'Stopping worker and Temporal. The hosts stay: "rehost lab ssh ppm-target", "rehost lab down".',
      );
      await stage.close();
    }
  });
}

/** The same context with the stage's Temporal behind it. */
function onStage(context: CommandContext, stage: Stage): CommandContext {
  return { ...context, configuration: stage.configuration, client: () => Promise.resolve(stage.client) };
}

/** Headings and stories go to stderr in every output mode: stdout carries the report alone. */
export function heading(context: CommandContext, text: string): void {
  context.say(`\n${bold(context.io, text)}`);
}

interface Playing {
  readonly automatic: boolean;
  readonly oracle: Oracle | undefined;
  readonly startedAt: number;
}

async function play(context: CommandContext, stage: Stage, how: Playing): Promise<number> {
  context.say(`Temporal's web page: ${stage.uiAddress} (everything below is there, too)`);
  const judge = judgeOf(how.oracle, stage);
  const [plan] = await Promise.all([planIt(context, stage), judge?.('before')]);
  heading(context, 'apply: the run starts; it will wait at the first gate');
  const applied = await stage.client.apply(plan, { requester: context.configuration.actor });
  if (applied.kind !== 'started') throw new Error('a fresh Temporal knows an earlier run');
  const { run } = applied;
  context.say(
    `Run ${run.migration}: ${stage.uiAddress}/namespaces/default/workflows/${encodeURIComponent(run.workflowId)}`,
  );
  const code = await throughGates(context, run, how);
  if (code === EXIT.detached || code === EXIT.atGate) return code;
  const verdict = await printReport(context, stage, run);
  if (code !== EXIT.done) return code;
  heading(context, 'The oracle: a program that shares no code with rehost looks at both hosts');
  const judgement = await judge?.('after');
  context.say(
    judgement === undefined
      ? 'not asked: it comes with a checkout and its development packages'
      : judgement.text,
  );
  context.say(`Whole demo: ${formatDuration(Date.now() - how.startedAt)}`);
  return demoExitCode({ verdict, judgement, automatic: how.automatic });
}

function judgeOf(
  oracle: Oracle | undefined,
  stage: Stage,
): ((when: 'before' | 'after') => Promise<Judgement>) | undefined {
  if (oracle === undefined) return undefined;
  const judged = { file: join(stage.directory, 'before.json'), lab: stage.lab.name };
  return (when) => askOracle(oracle, when, judged);
}

async function planIt(context: CommandContext, stage: Stage): Promise<Plan> {
  heading(context, 'plan: what exactly will happen?');
  const plan = await makePlan(context, writeDemoSpec(stage.directory));
  const file = join(stage.directory, 'plan.json');
  writePlanFile(file, plan);
  assertAppliable(plan);
  const steps = planSteps(plan).length;
  context.say(
    `${steps} steps in ${plan.phases.length} phases, saved as ${file}, digest ${plan.digest.slice(0, 12)}:`,
  );
  for (const phase of plan.phases) {
    context.say(`  ${phase.gate === undefined ? '' : `[gate ${phase.gate.id}] `}${phase.title}`);
  }
  context.say(
    `Expected downtime about ${formatDuration(plan.forecast.downtimeMs)}. Every command: rehost plan ${join(stage.directory, 'migration.yaml')}`,
  );
  return plan;
}

/** Follows the run through all gates; answers the exit code of its end, or why the demo left it. */
async function throughGates(context: CommandContext, run: RunSummary, how: Playing): Promise<number> {
  let reachedFirst = false;
  for (;;) {
    const code = await follow({ ...context, say: quietAtGates(context) }, run, { until: 'attention' });
    if (code !== EXIT.atGate) return code;
    if (!reachedFirst) context.say(`First gate reached after ${formatDuration(Date.now() - how.startedAt)}.`);
    reachedFirst = true;
    const choice = await passGate(context, run, how.automatic);
    if (choice === 'leave') return EXIT.atGate;
  }
}

// `follow` ends with what is open and how to vote from another terminal; the demo explains that in its own words.
function quietAtGates(context: CommandContext): (text: string) => void {
  return (text) => {
    if (!/^(OPEN: gate|Waiting for a person: gate)/.test(text)) context.say(text);
  };
}

async function printReport(context: CommandContext, stage: Stage, run: RunSummary): Promise<string> {
  const { plan, state, view } = await stage.client.record(await stage.client.find(run.workflowId));
  const report = buildReport(plan, state, view.endedAt ?? new Date().toISOString());
  const file = join(stage.directory, 'report.md');
  const text = renderMarkdown(report);
  writeFileSync(file, text);
  heading(context, `report: what happened, who decided it, what is left (saved as ${file})`);
  context.print({ text, value: report });
  context.say(`Verification: ${report.verdict}`);
  return report.verdict;
}

const needsPerson = (): Error =>
  failure('UsageInvalid', {
    message: 'the demo asks questions, and no terminal is there to ask on',
    hint: 'Run "rehost demo" in a terminal, or "rehost demo --yes" to let it answer by itself.',
  });
