import { randomBytes } from 'node:crypto';
import type { RunSummary } from '../client.js';
import { RehostFailure } from '../failures.js';
import type { GateView, StatusView } from '../run/status.js';
import { countingVoters } from '../plan/voters.js';
import { GATE_IDS, type GateId } from '../spec/spec-schema.js';
import { waitingGate } from './approve.js';
import { askQuestion } from './ask-question.js';
import type { CommandContext } from './context.js';
import { demoAnswer, GATE_STORIES } from './demo-guide.js';
import { bold } from './io.js';
import { gateLines, gateOf, renderStatus } from './status-lines.js';

/** What a person chose at a gate: the run goes on (forward or back), or the demo leaves it waiting. */
export type Choice = 'on' | 'leave';

/** Explains the open gate and lets a person, or the demo itself, answer and vote. */
export async function passGate(
  context: CommandContext,
  run: RunSummary,
  automatic: boolean,
): Promise<Choice> {
  const client = await context.client();
  const gate = waitingGate(await client.status(run), undefined);
  context.say(`\n${bold(context.io, `Gate ${gate.id}: ${gate.title}`)}`);
  if (isKnown(gate.id)) context.say(GATE_STORIES[gate.id]);
  context.say(gateLines(gate).join('\n'));
  if (automatic) {
    await vote(context, run, {
      gate,
      answers: Object.fromEntries(open(gate).map((one) => [one.id, demoAnswer(one)])),
    });
    return 'on';
  }
  return choose(context, run, gate);
}

const isKnown = (id: string): id is GateId => (GATE_IDS as readonly string[]).includes(id);
const open = (gate: GateView): GateView['questions'] =>
  gate.questions.filter((question) => question.answer === undefined);

async function choose(context: CommandContext, run: RunSummary, gate: GateView): Promise<Choice> {
  const client = await context.client();
  const voters = gate.mayVote.slice(0, gate.votesNeeded - gate.votes.length);
  for (;;) {
    const typed = await context.io.ask(
      `\n[a]pprove as ${voters.join(' and ')}   [s]tatus   [r]oll back   [q]uit: `,
    );
    switch (typed?.trim().toLowerCase()) {
      case 'a':
        if (await approveHere(context, run)) return 'on';
        break;
      case 's':
        context.say(renderStatus(await client.status(run)));
        break;
      case 'r':
        await rollBack(context, run);
        return 'on';
      case 'q':
      case undefined:
        return 'leave';
      default:
        context.say('Type a, s, r or q.');
    }
  }
}

// A vote that is refused, such as one with an answer that means "reject", is told, and the person chooses again.
async function approveHere(context: CommandContext, run: RunSummary): Promise<boolean> {
  const client = await context.client();
  const gate = waitingGate(await client.status(run), undefined);
  const answers = await askAll(context, gate);
  if (answers === undefined) return false;
  try {
    await vote(context, run, { gate, answers });
    return true;
  } catch (error) {
    if (!(error instanceof RehostFailure) || error.type !== 'Refused') throw error;
    context.say(`  Refused: ${error.message}.`);
    return false;
  }
}

/** Answers to the gate's questions; undefined when the input ended. */
async function askAll(context: CommandContext, gate: GateView): Promise<Record<string, string> | undefined> {
  const answers: Record<string, string> = {};
  for (const question of open(gate)) {
    const answer = await askQuestion(context, question, demoAnswer(question));
    if (answer === undefined) return undefined;
    answers[question.id] = answer;
  }
  return answers;
}

interface Voting {
  readonly gate: GateView;
  readonly answers: Readonly<Record<string, string>>;
}

async function vote(context: CommandContext, run: RunSummary, { gate, answers }: Voting): Promise<void> {
  const client = await context.client();
  const { digest } = await client.status(run);
  for (const [id, answer] of Object.entries(answers)) context.say(`  ${id}: ${answer}`);
  for (const actor of gate.mayVote.slice(0, gate.votesNeeded - gate.votes.length)) {
    const answer = await client.command({
      workflowId: run.workflowId,
      name: 'approve',
      request: {
        id: `demo-${randomBytes(6).toString('hex')}`,
        actor,
        proof: { kind: 'claimed' },
        digest,
        gate: gate.id,
        revision: gate.revision,
        ...(Object.keys(answers).length === 0 ? {} : { answers }),
      },
      signalHint: `rehost approve ${run.migration} --signal`,
    });
    context.say(`  ${actor} votes: ${answer.message}`);
  }
}

async function rollBack(context: CommandContext, run: RunSummary): Promise<void> {
  const client = await context.client();
  const view = await client.status(run);
  const { digest, rollbackPreview } = view;
  for (const actor of whoRollsBack(context, view)) {
    const answer = await client.command({
      workflowId: run.workflowId,
      name: 'rollback',
      request: {
        id: `demo-${randomBytes(6).toString('hex')}`,
        actor,
        proof: { kind: 'claimed' },
        digest,
        reason: 'chosen in the demo',
        ...((rollbackPreview?.losses.length ?? 0) > 0 ? { acceptLoss: true } : {}),
      },
      signalHint: `rehost rollback ${run.migration} --signal`,
    });
    context.say(`  ${actor}: ${answer.message}`);
  }
}

// Once the target's data was replaced, the gate's voters must agree; before that the requester may decide alone.
function whoRollsBack(context: CommandContext, view: StatusView): readonly string[] {
  const id = view.rollbackPreview?.votersOfGate;
  const gate = id === undefined ? undefined : gateOf(view, id);
  if (gate === undefined) return [context.configuration.actor];
  return countingVoters(gate, view.requester).slice(0, gate.votesNeeded);
}
