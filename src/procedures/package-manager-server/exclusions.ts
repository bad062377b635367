import type { PackageManagerFacts } from '../../contracts/package-manager.js';
import { isWithin } from '../../formats/package-manager-config.js';

/** What is left out of the copy and of the comparison, and why; patterns are anchored at the tree's root. */
export interface Exclusion {
  readonly pattern: string;
  readonly reason: string;
  /** Belongs to the host: the target's own is carried over into the moved data. */
  readonly hostBound: boolean;
}

const always: readonly Exclusion[] = [
  { pattern: '/*.lic', reason: 'a licence belongs to its host', hostBound: true },
  { pattern: '/verify', reason: 'licence state belongs to its host', hostBound: true },
  { pattern: '/cache', reason: 'cleared cache: filled again on demand', hostBound: false },
];

/** The exclusions of the data directory; other trees have none. */
export function dataExclusions(facts: PackageManagerFacts): readonly Exclusion[] {
  const { launcherDir, dataDir } = facts;
  const inside = launcherDir !== '' && launcherDir !== dataDir && isWithin(launcherDir, dataDir);
  return inside
    ? [
        ...always,
        {
          pattern: launcherDir.slice(dataDir.length),
          reason: 'state of the launcher carries the host name',
          hostBound: true,
        },
      ]
    : always;
}
