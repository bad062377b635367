import type { z } from 'zod';
import type { packageManagerForecast } from '../contracts/package-manager.js';
import type { Host } from '../hosts/host.js';

type Forecast = z.output<typeof packageManagerForecast>;
type Sizes = Pick<Forecast, 'trees' | 'cacheBytes' | 'cacheInodes'>;

/** Where a walk runs, and the signal with which its Activity stops waiting; the host ends it at its time limit. */
export interface Walk {
  readonly host: Host;
  readonly signal: AbortSignal;
}

/** Longest walk over a tree: millions of entries on a cold disk take minutes, and one attempt of an inspection has ten. */
export const WALK_TIMEOUT_MS = 480_000;

/**
 * Sizes of the trees and of the cache in bytes and entries; all walks at the same time, so that together they take as
 * long as the longest. Reads only.
 *
 * @throws CommandTimedOut when a walk takes longer than `WALK_TIMEOUT_MS`
 */
export async function walkData(
  walk: Walk,
  data: {
    readonly dataDir: string;
    readonly trees: readonly { readonly id: string; readonly path: string }[];
  },
): Promise<Sizes> {
  const [trees, cache] = await Promise.all([
    Promise.all(data.trees.map((tree) => measureTree(walk, tree))),
    measureCache(walk, `${data.dataDir}/cache`),
  ]);
  return { trees, ...cache };
}

// Blocks, entries, and the newest change of what users and the product itself keep: what a start alone rewrites is left
// out. What is mounted below is counted: the copy brings it, too.
const MEASURE = `[ -d "$1" ] || exit 0
stat -c %d "$1"
find "$1" \\( -type f ! -path "$1/cache/*" ! -path "$1/metrics/*" ! -path "$1/*launcher*" -printf '%k %T@\\n' \\) -o -printf '%k\\n' |
  awk '{ b += $1 * 1024; n += 1; if ($2 + 0 > t) t = $2 + 0 } END { printf "%.0f %d %d\\n", b, n, t }'`;

async function measureTree(
  { host, signal }: Walk,
  tree: { readonly id: string; readonly path: string },
): Promise<Forecast['trees'][number]> {
  const text = await host.script(MEASURE, [tree.path], { timeoutMs: WALK_TIMEOUT_MS, signal });
  const [device = '', sums = '0 0 0'] = text.trim().split('\n');
  const [bytes, inodes, newest] = sums.split(' ').map(Number);
  return { ...tree, device, bytes: bytes ?? 0, inodes: inodes ?? 0, newest: newest ?? 0 };
}

const MEASURE_CACHE =
  'if [ -d "$1" ]; then du -s -B1 "$1" | cut -f1; du -s --inodes "$1" | cut -f1; else echo 0; echo 0; fi';

async function measureCache(
  { host, signal }: Walk,
  path: string,
): Promise<Pick<Forecast, 'cacheBytes' | 'cacheInodes'>> {
  const text = await host.script(MEASURE_CACHE, [path], { timeoutMs: WALK_TIMEOUT_MS, signal });
  const [bytes = '0', inodes = '0'] = text.trim().split('\n');
  return { cacheBytes: Number(bytes), cacheInodes: Number(inodes) };
}
