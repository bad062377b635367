import { randomBytes } from 'node:crypto';
import type { RunSummary } from '../client.js';
import { failure, RehostFailure } from '../failures.js';
import { toShellLine } from '../formats/shell.js';
import type { CommandBase, CommandName, CommandRequests } from '../run/commands.js';
import type { OpenItem } from '../run/open-items.js';
import type { StatusView } from '../run/status.js';
import type { CommandContext } from './context.js';

/** Flags of every command to a run. */
export interface SendOptions {
  readonly signal?: boolean;
  readonly id?: string;
  readonly reason?: string;
}

/** The members that every command carries; the id is new unless a person fixed one. */
export function commandBase(context: CommandContext, digest: string, options: SendOptions): CommandBase {
  return {
    id: options.id ?? randomBytes(8).toString('hex'),
    actor: context.configuration.actor,
    proof: { kind: 'claimed' },
    digest,
  };
}

/** Sends a command by Update, or by Signal when asked, and prints the answer. */
export async function send<Name extends CommandName>(
  context: CommandContext,
  run: RunSummary,
  what: { readonly name: Name; readonly request: CommandRequests[Name]; readonly options: SendOptions },
): Promise<void> {
  const client = await context.client();
  const { name, request } = what;
  const sending = { workflowId: run.workflowId, name, request, signalHint: signalLine(run, name, request) };
  if (what.options.signal === true) {
    await client.signal(sending);
    const note = `sent ${name} ${request.id} as a Signal; "rehost status ${run.migration}" shows what became of it`;
    context.print({ text: note, value: { id: request.id, command: name, sent: 'signal' } });
    return;
  }
  const answer = await client.command(sending);
  context.print({ text: answer.message, value: answer });
}

const NOT_FLAGS: ReadonlySet<string> = new Set(['digest', 'proof', 'acceptLoss']);

// The whole command again with --signal and the same id: a late Update and the Signal then count once.
function signalLine(run: RunSummary, name: CommandName, request: CommandBase): string {
  // Whoever sends it again has read the preview: the Signal must not ask for what a lost answer has cost already.
  const confirmed = name === 'rollback' ? ['--confirm', run.target] : [];
  const flags = Object.entries(request as unknown as Readonly<Record<string, unknown>>).flatMap(
    ([member, value]) => {
      if (NOT_FLAGS.has(member) || value === undefined) return [];
      if (member === 'answers') {
        return Object.entries(value as Readonly<Record<string, string>>).flatMap(([id, text]) => [
          '--answer',
          `${id}=${text}`,
        ]);
      }
      return [`--${member}`, typeof value === 'string' ? value : JSON.stringify(value)];
    },
  );
  return toShellLine(['rehost', name, run.migration, ...flags, ...confirmed, '--signal']);
}

/**
 * The status that a command refers to; undefined when no worker answers and the command goes as a Signal.
 * @throws NoWorker when it does not
 */
export async function statusFor(
  context: CommandContext,
  run: RunSummary,
  options: SendOptions,
): Promise<StatusView | undefined> {
  const client = await context.client();
  try {
    return await client.status(run);
  } catch (error) {
    if (options.signal === true && error instanceof RehostFailure && error.type === 'NoWorker')
      return undefined;
    throw error;
  }
}

/** Digest of a run's plan: from its status, else from what it published last. */
export function digestFor(run: RunSummary, view: StatusView | undefined): string {
  const digest = view?.digest ?? run.memo?.digest;
  if (digest !== undefined) return digest;
  throw failure('NoWorker', {
    message: `the plan of ${run.migration} is not known without a worker`,
    hint: 'Start a worker with "rehost worker", then run the command again.',
  });
}

/**
 * The one open item of some kinds that a person means, by id or by being the only one.
 * @throws Refused when nothing of the kind is open, UsageInvalid when several are
 */
export function chooseOpen(
  view: StatusView,
  kinds: readonly OpenItem['kind'][],
  named: { readonly id: string | undefined; readonly flag: string },
): OpenItem {
  const items = view.open.filter(
    (item) => kinds.includes(item.kind) && (named.id === undefined || item.id === named.id),
  );
  const [first, second] = items;
  if (first !== undefined && second === undefined) return first;
  if (first === undefined) {
    const what =
      named.id === undefined ? 'nothing of this kind' : `"${named.id}" is not open: nothing of this kind`;
    const open = view.open.map((item) => item.text).join('; ');
    throw failure('Refused', {
      message: `${what} waits for a person now`,
      detail: open === '' ? view.headline : `Open now: ${open}.`,
      hint: `Run "rehost status ${view.migration}" to see what is open.`,
    });
  }
  throw failure('UsageInvalid', {
    message: `${items.length} are open: ${items.map((item) => item.id).join(', ')}`,
    hint: `Name one with ${named.flag}, for example ${named.flag} ${first.id}.`,
  });
}

/** A flag's value, or a failure that names the flag: for what only a person can know without a worker. */
export function needed<Value>(value: Value | undefined, flag: string): Value {
  if (value !== undefined) return value;
  throw failure('UsageInvalid', {
    message: `${flag} is needed, because no worker answers that could tell it`,
    hint: `Add ${flag}, or start a worker with "rehost worker" first.`,
  });
}

/** The reason of a decision: from the flag, else asked for at a terminal. @throws UsageInvalid */
export async function reasonFor(context: CommandContext, options: SendOptions): Promise<string> {
  const given = options.reason?.trim();
  if (given !== undefined && given !== '') return given;
  const typed = context.io.interactive ? (await context.io.ask('Reason: '))?.trim() : undefined;
  if (typed !== undefined && typed !== '') return typed;
  throw failure('UsageInvalid', {
    message: 'a reason is needed; it goes into the report',
    hint: 'Add --reason "…" and run the command again.',
  });
}
