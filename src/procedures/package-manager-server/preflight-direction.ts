import { formatBytes } from '../../formats/quantities.js';
import type { CheckedHost, Verdict } from './preflight-host.js';

/**
 * How much newer the target's data may be than the source's. A source that people use changes every day; a target in
 * its acceptance tests may well be written to a few hours later.
 */
const NEWER_MS = 24 * 3_600_000;

/** Whether the ends are swapped: a target that holds more than the source, or newer data, is not a staging server. */
export function directionChecks(ends: {
  readonly source: CheckedHost;
  readonly target: CheckedHost;
}): readonly Verdict[] {
  const { source, target } = ends;
  const [held, moved] = [contentOf(target), contentOf(source)];
  const more = held.bytes > moved.bytes || held.inodes > moved.inodes;
  const newer = held.newestMs - moved.newestMs > NEWER_MS;
  const { finished } = target.found.forecast;
  const record = finished === '' ? 'no record' : finished.slice(0, 200);
  return [
    {
      id: 'PM-DIRECTION',
      title: 'the target looks like a staging server, not like production',
      ok: !more && !newer,
      otherwise: 'blocker',
      found: `target holds ${describe(held)}, source ${describe(moved)}; finished migrations on the target: ${record}`,
      wanted: `no more data on the target than on the source, and none that is more than ${NEWER_MS / 3_600_000} h newer (caches not counted)`,
      remedy: `${remedyOf(finished)} What ${target.name} holds would be replaced.`,
      requirements: ['TEAM2-PM-28', 'TEAM2-PM-29'],
    },
  ];
}

const remedyOf = (finished: string): string =>
  finished === ''
    ? 'Check that source and target are not swapped in the spec, and that users work on the source.'
    : 'A finished migration made this host production: nothing is left to move. To move it elsewhere, name it as source.';

interface Content {
  readonly bytes: number;
  readonly inodes: number;
  readonly newestMs: number;
}

function contentOf(host: CheckedHost): Content {
  const { trees, cacheBytes, cacheInodes } = host.found.forecast;
  const sum = (field: 'bytes' | 'inodes'): number => trees.reduce((total, tree) => total + tree[field], 0);
  return {
    bytes: Math.max(0, sum('bytes') - cacheBytes),
    inodes: Math.max(0, sum('inodes') - cacheInodes),
    newestMs: Math.max(0, ...trees.map((tree) => tree.newest * 1000)),
  };
}

const describe = ({ bytes, inodes, newestMs }: Content): string =>
  `${formatBytes(bytes)} in ${inodes} entries, last changed ${newestMs === 0 ? 'never' : new Date(newestMs).toISOString().slice(0, 16)}`;
