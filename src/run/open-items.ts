import { toShellLine, type Argv } from '../formats/shell.js';
import type { Gate, Plan } from '../plan/types.js';
import { countingVoters } from '../plan/voters.js';
import { PLACEHOLDERS, type CommandName } from './commands.js';
import { parkedSteps, recordOf, type RunState, type StepFailure } from './state.js';
import { countedVotes, missingVoters, unansweredQuestions } from './voting.js';

/** A command that a person may send now: the line for a terminal and the whole JSON for a Signal or Update. */
export interface Offer {
  readonly command: CommandName;
  /** One line of shell; words in capitals are to be replaced. */
  readonly line: string;
  /** JSON of the Signal (or Update) named `command`; `YOUR-NAME` and other words in capitals are to be replaced. */
  readonly payload: { readonly [member: string]: unknown };
}

/** Something that waits for a person. */
export interface OpenItem {
  readonly kind: 'gate' | 'rejected-gate' | 'parked-step' | 'parked-undo' | 'stopped';
  /** Gate or step id; the migration id when the run is stopped. */
  readonly id: string;
  /** What waits, as a phrase that stands after "open:". */
  readonly text: string;
  /** Who may answer; `operator`: anybody who can reach the run. */
  readonly who: 'operator' | readonly string[];
  readonly revision?: number;
  readonly generation?: number;
  readonly failure?: StepFailure;
  /** The first is the most likely next command. */
  readonly offers: readonly Offer[];
}

/** Everything that waits for a person now, most urgent first; empty while the run works. */
export function openItems(plan: Plan, state: RunState): readonly OpenItem[] {
  if (state.ended !== undefined) return [];
  const stopped = state.halted === undefined ? [] : [stoppedItem(state)];
  if (state.direction === 'rollback') return [...stopped, ...parkedUndoItems(state)];
  const parked = parkedSteps(plan, state)
    .filter((step) => state.halted === undefined || !wasStopped(state, step))
    .map((step) => parkedItem(plan, state, step));
  if (state.halted !== undefined) return [...stopped, ...parked];
  return [...parked, ...gateItems(plan, state)];
}

const wasStopped = (state: RunState, step: string): boolean => {
  const record = recordOf(state, step);
  return record.status === 'parked' && record.reason === 'stopped';
};

function base(state: RunState, id: string): { readonly [member: string]: unknown } {
  return {
    id: `${id}-by-${PLACEHOLDERS.actor}`,
    actor: PLACEHOLDERS.actor,
    proof: { kind: 'claimed' },
    digest: state.digest.slice(0, 12),
  };
}

function offer(
  state: RunState,
  command: CommandName,
  more: { words: readonly string[]; id: string; members: object },
): Offer {
  const argv: Argv = ['rehost', command, state.migration, ...more.words];
  return { command, line: toShellLine(argv), payload: { ...base(state, more.id), ...more.members } };
}

function rollbackOffer(state: RunState): Offer {
  return offer(state, 'rollback', {
    words: ['--reason', PLACEHOLDERS.reason],
    id: 'rollback',
    members: { reason: PLACEHOLDERS.reason },
  });
}

function stoppedItem(state: RunState): OpenItem {
  const by = state.halted?.by ?? 'somebody';
  return {
    kind: 'stopped',
    id: state.migration,
    text: `the run was stopped by ${by}`,
    who: 'operator',
    offers: [
      offer(state, 'retry', {
        words: [],
        id: `retry-${state.commands.length + state.commandsForgotten}`,
        members: {},
      }),
      ...(state.direction === 'forward' ? [rollbackOffer(state)] : []),
    ],
  };
}

function parkedItem(plan: Plan, state: RunState, id: string): OpenItem {
  const record = recordOf(state, id);
  const { generation } = record;
  const step = plan.phases
    .flatMap((phase) => phase.nodes.flatMap((node) => (node.kind === 'step' ? [node] : node.branches.flat())))
    .find((one) => one.id === id);
  return {
    kind: 'parked-step',
    id,
    text: `step ${id} is parked (generation ${generation})`,
    who: 'operator',
    generation,
    ...(record.status === 'parked' ? { failure: record.failure } : {}),
    offers: [
      offer(state, 'retry', {
        words: ['--step', id],
        id: `retry-${id}-${generation}`,
        members: { step: id, generation },
      }),
      ...(step === undefined || step.skip === 'never' ? [] : [skipOffer(state, id, generation)]),
      rollbackOffer(state),
    ],
  };
}

function skipOffer(state: RunState, id: string, generation: number): Offer {
  return offer(state, 'skip', {
    words: ['--step', id, '--reason', PLACEHOLDERS.reason],
    id: `skip-${id}-${generation}`,
    members: { step: id, generation, reason: PLACEHOLDERS.reason },
  });
}

function parkedUndoItems(state: RunState): readonly OpenItem[] {
  const steps = [...new Set(state.undo.filter((item) => item.status === 'parked').map((item) => item.step))];
  return steps.map((id) => {
    const { generation } = recordOf(state, id);
    const failed = state.undo.find((item) => item.step === id && item.status === 'parked');
    return {
      kind: 'parked-undo',
      id,
      text: `the undo of step ${id} is parked (generation ${generation})`,
      who: 'operator',
      generation,
      ...(failed?.failure === undefined ? {} : { failure: failed.failure }),
      offers: [
        offer(state, 'retry', {
          words: ['--step', id],
          id: `retry-${id}-${generation}`,
          members: { step: id, generation },
        }),
        skipOffer(state, id, generation),
      ],
    };
  });
}

function gateItems(plan: Plan, state: RunState): readonly OpenItem[] {
  const gate = plan.phases[state.phase]?.gate;
  const record = gate === undefined ? undefined : state.gates[gate.id];
  if (gate === undefined || record === undefined || record.status === 'open') return [];
  const { revision } = record;
  if (record.status === 'rejected') {
    const last = record.rejections.at(-1);
    return [
      {
        kind: 'rejected-gate',
        id: gate.id,
        text: `gate ${gate.id} was rejected by ${last?.actor ?? 'a voter'}: ${last?.reason ?? ''}`,
        who: 'operator',
        revision,
        offers: [
          offer(state, 'retry', {
            words: ['--gate', gate.id],
            id: `retry-${gate.id}-${revision}`,
            members: { gate: gate.id, revision },
          }),
          rollbackOffer(state),
        ],
      },
    ];
  }
  return [waitingGate(gate, state, revision)];
}

function waitingGate(gate: Gate, state: RunState, revision: number): OpenItem {
  const record = state.gates[gate.id];
  const missing =
    record === undefined
      ? countingVoters(gate, state.requester)
      : missingVoters(gate, record, state.requester);
  const votes = record === undefined ? 0 : countedVotes(record).length;
  const questions = record === undefined ? [] : unansweredQuestions(gate, record);
  const placeholder = (id: string): string => {
    // Never the expected answer itself: a pasted line must not answer a question that nobody read.
    const question = gate.questions.find((one) => one.id === id);
    return question === undefined || question.expect === 'text' ? PLACEHOLDERS.answer : PLACEHOLDERS.choice;
  };
  const answers = Object.fromEntries(questions.map((id): [string, string] => [id, placeholder(id)]));
  const words = Object.entries(answers).flatMap(([id, answer]) => ['--answer', `${id}=${answer}`]);
  return {
    kind: 'gate',
    id: gate.id,
    text: `gate ${gate.id}, evidence revision ${revision}, has ${votes} of ${gate.votes} votes; may still vote: ${missing.join(', ')}`,
    who: missing,
    revision,
    offers: [
      offer(state, 'approve', {
        words: ['--gate', gate.id, ...words],
        id: `approve-${gate.id}-${revision}`,
        members: { gate: gate.id, revision, ...(questions.length === 0 ? {} : { answers }) },
      }),
      offer(state, 'reject', {
        words: ['--gate', gate.id, '--reason', PLACEHOLDERS.reason],
        id: `reject-${gate.id}-${revision}`,
        members: { gate: gate.id, revision, reason: PLACEHOLDERS.reason },
      }),
    ],
  };
}

/** What is open now, as the end of a refusal: a sentence with its full stop. */
export function describeOpen(plan: Plan, state: RunState): string {
  if (state.ended !== undefined) return `The run has ended: ${state.ended.state}.`;
  const items = openItems(plan, state);
  if (items.length > 0) return `Open now: ${items.map((item) => item.text).join('; ')}.`;
  const running = Object.entries(state.steps)
    .filter(([, record]) => record.status === 'running' || record.status === 'undoing')
    .map(([id]) => id);
  if (running.length === 0) return 'Nothing waits for a person now.';
  return `Nothing waits for a person now: step ${running.join(', ')} is ${state.direction === 'rollback' ? 'being undone' : 'running'}.`;
}
