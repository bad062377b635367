import { RSPM, type packageManagerContracts } from '../contracts/package-manager.js';
import { watchUnit, type Host } from '../hosts/index.js';
import type { ActionContext, ActionResult, Handler } from './action.js';
import { stopOnCancel, watchOptions } from './watch.js';
import { WALK_TIMEOUT_MS } from './package-manager-discover.js';

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
  const bytesBefore = await cacheBytes(host, input.cacheDirs);
  const skip = await reasonToSkip(input, host);
  if (skip !== undefined) {
    return { changed: false, values: { evicted: false, bytesBefore, bytesAfter: bytesBefore, note: skip } };
  }
  const unit = {
    migration: context.call.migration,
    step: context.call.step,
    generation: context.call.generation,
    script: `${RSPM} evict --type=clear`,
  };
  const watched = watchUnit(host, unit, { ...watchOptions(context), accept: 'any' });
  const result = await stopOnCancel(context, unit, watched);
  const bytesAfter = await cacheBytes(host, input.cacheDirs);
  const cleared = result.exitStatus === 0;
  const note = cleared
    ? 'caches were cleared'
    : `rspm evict ended with status ${result.exitStatus}: ${result.stderr.slice(-200)}`;
  return { changed: bytesAfter !== bytesBefore, values: { evicted: cleared, bytesBefore, bytesAfter, note } };
}

// The vendor's order is evict, then stop: without a way out the caches could not be filled again. @see TEAM2-PM-16
async function reasonToSkip(input: Input, host: Host): Promise<string | undefined> {
  if (input.upstream !== 'reachable') return `not cleared: the upstream is ${input.upstream}`;
  const help = await host.run([RSPM, 'evict', '--help']);
  return `${help.stdout}${help.stderr}`.includes('clear')
    ? undefined
    : 'not cleared: this release of rspm has no "evict --type=clear"';
}

async function cacheBytes(host: Host, directories: readonly string[]): Promise<number> {
  const text = await host.script(
    'for d in "$@"; do if [ -d "$d" ]; then du -sb "$d" | cut -f1; fi; done',
    directories,
    { timeoutMs: WALK_TIMEOUT_MS },
  );
  return text.split('\n').reduce((sum, line) => sum + Number(line), 0);
}
