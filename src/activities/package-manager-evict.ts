import { RSPM, type packageManagerContracts } from '../contracts/package-manager.js';
import { RehostFailure } from '../failures.js';
import { watchUnit, type Host } from '../hosts/index.js';
import type { ActionContext, ActionResult, Handler } from './action.js';
import { stopOnCancel, watchOptions } from './watch.js';
import { WALK_TIMEOUT_MS, type Walk } from './package-manager-walks.js';

type Evict = Handler<(typeof packageManagerContracts)['packageManager.evict@1']>;
type Input = Parameters<Evict['act']>[0];
type Values = Awaited<ReturnType<Evict['act']>>['values'];

/**
 * Clears cached files, unless nothing could fetch them again; then a note says why, and the run goes on.
 *
 * Repeat: safe, a second run finds nothing left to clear.
 */
export async function evictCaches(input: Input, context: ActionContext): Promise<ActionResult<Values>> {
  const { host } = context;
  const bytesBefore = await cacheBytes(context, input.cacheDirs);
  const skip = await reasonToSkip(input, host);
  if (skip !== undefined) {
    const sizes = bytesBefore === undefined ? {} : { bytesBefore, bytesAfter: bytesBefore };
    return { changed: false, values: { evicted: false, ...sizes, note: skip } };
  }
  const unit = {
    migration: context.call.migration,
    step: context.call.step,
    generation: context.call.generation,
    script: `${RSPM} evict --type=clear`,
  };
  const watched = watchUnit(host, unit, { ...watchOptions(context), accept: 'any' });
  const result = await stopOnCancel(context, unit, watched);
  const bytesAfter = await cacheBytes(context, input.cacheDirs);
  const evicted = result.exitStatus === 0;
  const note = evicted
    ? 'caches were cleared'
    : `rspm evict ended with status ${result.exitStatus}: ${result.stderr.slice(-200)}`;
  if (bytesBefore === undefined || bytesAfter === undefined) {
    return { changed: evicted, values: { evicted, note: `${note}; the cache was too big to be measured` } };
  }
  return { changed: bytesAfter !== bytesBefore, values: { evicted, bytesBefore, bytesAfter, note } };
}

// The vendor's order is evict, then stop: without a way out the caches could not be filled again. @see TEAM2-PM-16
async function reasonToSkip(input: Input, host: Host): Promise<string | undefined> {
  if (input.upstream !== 'reachable') return `not cleared: the upstream is ${input.upstream}`;
  const help = await host.run([RSPM, 'evict', '--help']);
  return `${help.stdout}${help.stderr}`.includes('clear')
    ? undefined
    : 'not cleared: this release of rspm has no "evict --type=clear"';
}

// The sizes are for the report alone: a cache that takes too long to measure is cleared without them.
async function cacheBytes(
  { host, signal }: Walk,
  directories: readonly string[],
): Promise<number | undefined> {
  const script = 'for d in "$@"; do if [ -d "$d" ]; then du -sb "$d" | cut -f1; fi; done';
  try {
    const text = await host.script(script, directories, { timeoutMs: WALK_TIMEOUT_MS, signal });
    return text.split('\n').reduce((sum, line) => sum + Number(line), 0);
  } catch (error) {
    if (error instanceof RehostFailure && error.type === 'CommandTimedOut') return undefined;
    throw error;
  }
}
