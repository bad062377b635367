import type { PackageManagerDiscovery } from '../../contracts/package-manager.js';

/** One directory that moves: where it lies on the source, where it lands on the target. */
export interface TreePair {
  readonly id: string;
  readonly sourcePath: string;
  readonly targetPath: string;
  readonly bytes: number;
  readonly inodes: number;
  /** The target's directory is a mount point: incoming lies inside it. */
  readonly inside: boolean;
}

/** Pairs the trees of both hosts by id; a tree that one host lacks is a preflight blocker and left out here. */
export function pairTrees(
  source: PackageManagerDiscovery,
  target: PackageManagerDiscovery,
): readonly TreePair[] {
  return source.forecast.trees.flatMap((tree) => {
    const landing = target.forecast.trees.find((candidate) => candidate.id === tree.id);
    if (landing === undefined) return [];
    const free = target.forecast.free.find((candidate) => candidate.path === landing.path);
    return [
      {
        id: tree.id,
        sourcePath: tree.path,
        targetPath: landing.path,
        bytes: tree.bytes,
        inodes: tree.inodes,
        inside: free?.mountPoint ?? false,
      },
    ];
  });
}

/** The directory of SQLite's files on the target, under the given root of its tree. */
export function sqliteTree(
  facts: PackageManagerDiscovery['facts'],
  trees: readonly TreePair[],
): { tree: string; below: string } {
  const own = trees.find((tree) => tree.id === 'sqlite');
  if (own !== undefined) return { tree: 'sqlite', below: '' };
  return { tree: 'data', below: facts.sqliteDir.slice(facts.dataDir.length) };
}
