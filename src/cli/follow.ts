import type { RehostClient, RunSummary } from '../client.js';
import { RehostFailure } from '../failures.js';
import type { StatusView } from '../run/status.js';
import type { CommandContext } from './context.js';
import { EXIT, exitCodeOf } from './exit-codes.js';
import { gateOf, openLines, watchLine } from './status-lines.js';

/** How far a run is followed. `attention`: until it waits for a person or ends; `end`: until it ends. */
export interface FollowOptions {
  readonly until: 'attention' | 'end';
  /** Stop watching after this time, in ms. */
  readonly forMs?: number;
}

const LOOK_EVERY_MS = 1000;
const REPEAT_UNCHANGED_MS = 30_000;
// A worker that is being replaced, or a server that restarts, is no reason to stop watching at once.
const PATIENCE_MS = 60_000;

const ENDED: ReadonlySet<StatusView['state']> = new Set(['done', 'rolled-back', 'abandoned', 'cancelled']);

/**
 * Prints one line per change of a run on stderr and answers the exit code that its state means.
 *
 * Ctrl-C ends the watching, never the run. Temporal or workers may be away for a minute.
 */
export async function follow(
  context: CommandContext,
  run: RunSummary,
  options: FollowOptions,
): Promise<number> {
  const client = await context.client();
  const lines = new ChangedLines(context);
  const startedAt = Date.now();
  for (;;) {
    const view = await patientStatus(client, run, context);
    if (context.io.interrupted.aborted || view === undefined) return detach(context, run);
    lines.show(view);
    if (isOver(view, options)) {
      showEnd(context, view);
      return waitsForPerson(view) ? EXIT.parked : exitCodeOf(view.state);
    }
    if (options.forMs !== undefined && Date.now() - startedAt >= options.forMs) {
      context.say(`Stopped watching; the run goes on. Follow it: rehost watch ${run.migration}`);
      return EXIT.stoppedWatching;
    }
    if (!(await pause(LOOK_EVERY_MS, context.io.interrupted))) return detach(context, run);
  }
}

function isOver(view: StatusView, options: FollowOptions): boolean {
  if (ENDED.has(view.state)) return true;
  if (options.until === 'end') return false;
  return view.state === 'gate' || view.state === 'parked' || waitsForPerson(view);
}

/** A rollback goes on being one while an undo of it is parked. */
const waitsForPerson = (view: StatusView): boolean => view.open.some((item) => item.kind === 'parked-undo');

function showEnd(context: CommandContext, view: StatusView): void {
  context.say(view.headline);
  for (const item of view.open) context.say(openLines(item, gateOf(view, item.id)).join('\n'));
}

function detach(context: CommandContext, run: RunSummary): number {
  context.say(`Detached; the run goes on. Follow it: rehost watch ${run.migration}`);
  return EXIT.detached;
}

async function patientStatus(
  client: RehostClient,
  run: RunSummary,
  context: CommandContext,
): Promise<StatusView | undefined> {
  const givenUpAt = Date.now() + PATIENCE_MS;
  let told = false;
  while (!context.io.interrupted.aborted) {
    try {
      return await client.status(run);
    } catch (error) {
      const passes =
        error instanceof RehostFailure && (error.type === 'NoWorker' || error.type === 'TemporalUnreachable');
      if (!passes || Date.now() > givenUpAt) throw error;
      if (!told) context.say(`${error.message}; asking again for a minute`);
      told = true;
      await pause(LOOK_EVERY_MS, context.io.interrupted);
    }
  }
  return undefined;
}

/** Waits; answers false when the wait was interrupted. */
export async function pause(ms: number, interrupted: AbortSignal): Promise<boolean> {
  if (interrupted.aborted) return false;
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      interrupted.removeEventListener('abort', stop);
      resolve(true);
    }, ms);
    const stop = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    interrupted.addEventListener('abort', stop, { once: true });
  });
}

/** Prints a status line when something changed, or as a sign of life. */
class ChangedLines {
  #last = '';
  #at = 0;
  readonly #context: CommandContext;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  show(view: StatusView): void {
    const line = watchLine(view, new Date());
    // The clock alone is no news, downtime counts by itself.
    const news = line.slice(9).replace(/, downtime.*/, '');
    if (news === this.#last && Date.now() - this.#at < REPEAT_UNCHANGED_MS) return;
    this.#last = news;
    this.#at = Date.now();
    if (this.#context.mode === 'jsonl') this.#context.io.out(`${JSON.stringify(view)}\n`);
    else this.#context.say(line);
  }
}
