/*
 * Commands that people send to a run, one JSON object each, by Update or by the Signal of the same name.
 * The guards are written by hand because they run in the Workflow, where a schema library costs memory per run.
 */

/** Names of the commands: also the names of the Updates and Signals. */
export const COMMAND_NAMES = ['approve', 'reject', 'retry', 'skip', 'stop', 'rollback'] as const;
/** Name of a command. */
export type CommandName = (typeof COMMAND_NAMES)[number];

/** What every command carries. */
export interface CommandBase {
  /** Chosen by the sender, up to 200 characters; a repeat with the same id gets the same answer and changes nothing. */
  readonly id: string;
  /** Name of the person, as in the plan's voters. */
  readonly actor: string;
  /** How the name is proven; this release knows only a claim. */
  readonly proof: { readonly kind: 'claimed' };
  /** Digest of the plan that the person saw, or its first 12 or more characters. */
  readonly digest: string;
}

/** A vote for a gate; `answers` must cover every question that no earlier vote on this revision answered. */
export interface ApproveRequest extends CommandBase {
  readonly gate: string;
  readonly revision: number;
  readonly answers?: { readonly [question: string]: string };
  readonly reason?: string;
}

/** A vote against a gate: it parks until `retry`. */
export interface RejectRequest extends CommandBase {
  readonly gate: string;
  readonly revision: number;
  readonly reason: string;
}

/**
 * Lets something go on: a parked step (`step`, `generation`), a rejected gate (`gate`, `revision`), or, with neither,
 * a stopped run with all steps that the stop ended.
 */
export interface RetryRequest extends CommandBase {
  readonly step?: string;
  readonly generation?: number;
  readonly gate?: string;
  readonly revision?: number;
  readonly reason?: string;
}

/** Goes on without a parked step, where its rule allows; votes of several people where the rule says so. */
export interface SkipRequest extends CommandBase {
  readonly step: string;
  readonly generation: number;
  readonly reason: string;
}

/** Stops running units and parks; nothing is undone. */
export interface StopRequest extends CommandBase {
  readonly reason?: string;
}

/** Takes everything back; `acceptLoss` must be true when the preview lists losses. */
export interface RollbackRequest extends CommandBase {
  readonly reason: string;
  readonly acceptLoss?: boolean;
}

/** A checked command. */
export type Command =
  | ({ readonly kind: 'approve' } & ApproveRequest)
  | ({ readonly kind: 'reject' } & RejectRequest)
  | ({ readonly kind: 'retry' } & RetryRequest)
  | ({ readonly kind: 'skip' } & SkipRequest)
  | ({ readonly kind: 'stop' } & StopRequest)
  | ({ readonly kind: 'rollback' } & RollbackRequest);

/** The JSON object of each command, by name. */
export interface CommandRequests {
  readonly approve: ApproveRequest;
  readonly reject: RejectRequest;
  readonly retry: RetryRequest;
  readonly skip: SkipRequest;
  readonly stop: StopRequest;
  readonly rollback: RollbackRequest;
}

/** A checked command, or a sentence that says what is wrong with the JSON. */
export type Parsed =
  { readonly ok: true; readonly command: Command } | { readonly ok: false; readonly message: string };

type Check = (value: unknown) => string | undefined;

/** Words in printed commands and payloads that a person replaces; sent as they are they are refused. */
export const PLACEHOLDERS = {
  actor: 'YOUR-NAME',
  reason: 'WHY',
  answer: 'ANSWER',
  choice: 'YES-OR-NO',
} as const;
const UNREPLACED: readonly string[] = Object.values(PLACEHOLDERS);

const DIGEST_PREFIX = /^[0-9a-f]{12,64}$/i;

// Names and reasons are printed into Markdown and into terminals: no control characters.
function isPlain(text: string): boolean {
  return Array.from(text).every((character) => character >= ' ' && character !== '\u007f');
}

const text =
  (limit: number): Check =>
  (value) => {
    if (typeof value !== 'string' || value.trim() === '') return 'must be a non-empty text';
    if (UNREPLACED.includes(value.trim())) return `still is the placeholder ${value.trim()}: replace it`;
    if (value.length > limit) return `must be at most ${limit} characters long, not ${value.length}`;
    return isPlain(value) ? undefined : 'must be one line without control characters';
  };
const whole: Check = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 ? undefined : 'must be a whole number';
const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false');
const digest: Check = (value) =>
  typeof value === 'string' && DIGEST_PREFIX.test(value)
    ? undefined
    : 'must be the plan digest, or its first 12 or more hexadecimal characters';
const proof: Check = (value) =>
  isObject(value) && value['kind'] === 'claimed' ? undefined : 'must be {"kind":"claimed"}';
const answers: Check = (value) => {
  if (!isObject(value)) return 'must be an object of question id and answer';
  const wrong = Object.entries(value).find(([, answer]) => text(1000)(answer) !== undefined);
  return wrong === undefined ? undefined : `has a bad answer to "${wrong[0]}": it ${text(1000)(wrong[1])}`;
};

const BASE = { id: text(200), actor: text(100), proof, digest };
const REASON = text(1000);

interface Shape {
  readonly required: { readonly [member: string]: Check };
  readonly optional: { readonly [member: string]: Check };
}

const SHAPES: { readonly [Name in CommandName]: Shape } = {
  approve: { required: { ...BASE, gate: text(100), revision: whole }, optional: { answers, reason: REASON } },
  reject: { required: { ...BASE, gate: text(100), revision: whole, reason: REASON }, optional: {} },
  retry: {
    required: BASE,
    optional: { step: text(200), generation: whole, gate: text(100), revision: whole, reason: REASON },
  },
  skip: { required: { ...BASE, step: text(200), generation: whole, reason: REASON }, optional: {} },
  stop: { required: BASE, optional: { reason: REASON } },
  rollback: { required: { ...BASE, reason: REASON }, optional: { acceptLoss: flag } },
};

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Checks the JSON of a command; all problems stand in one sentence. */
export function parseCommand(name: CommandName, payload: unknown): Parsed {
  if (!isObject(payload))
    return { ok: false, message: `"${name}" takes one JSON object, for example ${example(name)}` };
  const shape = SHAPES[name];
  const problems = [
    ...Object.entries(shape.required).flatMap(([member, check]) => problemOf(member, check, payload[member])),
    ...Object.entries(shape.optional).flatMap(([member, check]) =>
      payload[member] === undefined ? [] : problemOf(member, check, payload[member]),
    ),
    ...Object.keys(payload)
      .filter((member) => !Object.hasOwn(shape.required, member) && !Object.hasOwn(shape.optional, member))
      .map((member) => `"${member}" is not a member of "${name}"`),
    ...(name === 'retry' ? retryProblems(payload) : []),
  ];
  if (problems.length > 0)
    return { ok: false, message: `"${name}" was not understood: ${problems.join('; ')}` };
  return { ok: true, command: { kind: name, ...payload } as unknown as Command };
}

function problemOf(member: string, check: Check, value: unknown): readonly string[] {
  const problem = value === undefined ? 'is missing' : check(value);
  return problem === undefined ? [] : [`"${member}" ${problem}`];
}

function retryProblems(payload: Readonly<Record<string, unknown>>): readonly string[] {
  const { step, generation, gate, revision } = payload;
  if (step !== undefined && gate !== undefined) return ['name a "step" or a "gate", not both'];
  if ((step === undefined) !== (generation === undefined)) return ['"step" and "generation" go together'];
  if ((gate === undefined) !== (revision === undefined)) return ['"gate" and "revision" go together'];
  return [];
}

const EXAMPLE_BASE = {
  id: 'any-unique-text',
  actor: PLACEHOLDERS.actor,
  proof: { kind: 'claimed' },
  digest: '0123456789ab',
};

/** The JSON of a command as an example, one line. */
export function example(name: CommandName): string {
  const members: { readonly [Name in CommandName]: object } = {
    approve: { gate: 'begin', revision: 1, answers: {} },
    reject: { gate: 'begin', revision: 1, reason: PLACEHOLDERS.reason },
    retry: { step: 'STEP', generation: 1 },
    skip: { step: 'STEP', generation: 1, reason: PLACEHOLDERS.reason },
    stop: {},
    rollback: { reason: PLACEHOLDERS.reason },
  };
  return JSON.stringify({ ...EXAMPLE_BASE, ...members[name] });
}
