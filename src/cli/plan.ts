import type { Command } from 'commander';
import type { CommandContext } from './context.js';
import type { Define } from './define.js';
import { failure } from '../failures.js';
import { toShellLine } from '../formats/shell.js';
import { PLAN_LIMIT_BYTES, type Plan } from '../plan/types.js';
import { renderPlan } from '../plan/render.js';
import { preflightFailure } from '../preflight-failure.js';
import { makePlan } from './make-plan.js';
import { EXIT } from './exit-codes.js';
import { addTemporalOptions, examples, inventoryOption, switchOption, valueOption } from './options.js';
import { writePlanFile } from './plan-file.js';
import { assertWritable } from './written-file.js';

interface PlanOptions {
  readonly out?: string;
  readonly detailedExitcode?: boolean;
  readonly brief?: boolean;
}

/** `rehost plan SPEC`: what exactly would happen; changes nothing. */
export function addPlan(program: Command, define: Define): void {
  const command = addTemporalOptions(program.command('plan <spec>'))
    .description('show every step, host and command of a migration; changes nothing')
    .addOption(valueOption('--out <file>', 'save the plan, for "rehost apply"'))
    .addOption(switchOption('--brief', 'leave out the commands of each step'))
    .addOption(switchOption('--detailed-exitcode', 'exit 20 when the plan has work to do'))
    .addOption(inventoryOption())
    .addHelpText(
      'after',
      examples('rehost plan migration.yaml --out plan.json', 'rehost plan migration.yaml --brief'),
    );
  define<PlanOptions>(command, async (context, { args, options }) => {
    if (options.out !== undefined) assertWritable(options.out);
    const plan = await makePlan(context, args[0] ?? '');
    if (options.out !== undefined) writePlanFile(options.out, plan);
    context.print({ text: renderPlan(plan, { commands: options.brief !== true }), value: plan });
    assertAppliable(plan);
    if (options.out !== undefined)
      context.say(`Saved. Start it with: ${toShellLine(['rehost', 'apply', options.out])}`);
    if (options.detailedExitcode === true) reportWork(context, plan);
  });
}

function reportWork(context: CommandContext, plan: Plan): void {
  if (plan.phases.length > 0) context.exit(EXIT.planHasWork);
}

/** Answers nothing when a plan may be applied. @throws PreflightBlocked with every blocker, PlanTooLarge */
export function assertAppliable(plan: Plan): void {
  const bytes = Buffer.byteLength(JSON.stringify(plan));
  if (bytes > PLAN_LIMIT_BYTES) {
    throw failure('PlanTooLarge', {
      message: `the plan has ${bytes} bytes of JSON; at most ${PLAN_LIMIT_BYTES} travel in a Workflow's input`,
      hint: 'Move fewer storage directories in one run, then run "rehost plan" again.',
    });
  }
  const blocked = preflightFailure(plan);
  if (blocked !== undefined) throw blocked;
}
