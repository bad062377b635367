import { compareAnswers, type Answers } from './answers.js';
import { compareDatabases, compareEntries, difference, type Difference } from './compare.js';
import type { DatabaseContent } from './databases.js';
import { excluded, matchesAny } from './exclusions.js';
import type { Snapshot } from './snapshot.js';
import type { Entry } from './trees.js';

/** What a finished migration must have brought about. */
export interface MigrationRules {
  /** Moved trees: where each lies on the source and on the target. The first is the data directory. */
  readonly trees: readonly { readonly source: string; readonly target: string }[];
  /** Directories of the launcher, relative to their tree: host-bound besides `*.lic` and `verify`. */
  readonly launcherDirectories?: readonly string[];
  /** The product's unit. Default `rstudio-pm.service`. */
  readonly unit?: string;
  /** The target before: proves that its host-bound files stayed. */
  readonly targetBefore?: Snapshot;
  /** The source before: proves that its data was not touched (caches are excluded anyway). */
  readonly sourceBefore?: Snapshot;
  /** Answers of the source before the fence and of the target after the start. */
  readonly answers?: { readonly source: Answers; readonly target: Answers };
}

/**
 * Differences between what was moved and what arrived; empty means that the migration is right.
 *
 * Compared: every entry of the trees (owners by name), rows of databases, host-bound files with the target's state
 * before, the service (active and enabled on the target; inactive, disabled and fenced on the source, and no process
 * that works on its data), product answers. Take both snapshots when the run is over.
 */
export function compareMigration(
  source: Snapshot,
  target: Snapshot,
  rules: MigrationRules,
): readonly Difference[] {
  const host = `${source.host} -> ${target.host}`;
  const bound = (path: string): boolean => isHostBound(path, rules);
  return [
    ...rules.trees.flatMap((tree) => {
      const left = beneath(source, tree.source, (path) => !bound(path));
      const right = beneath(target, tree.target, (path) => !bound(path));
      const present =
        Object.keys(left.entries).length > 0
          ? []
          : [difference('missing', { host, subject: tree.source }, { after: 'the source has no such tree' })];
      return [
        ...present,
        ...compareEntries({ host }, left.entries, right.entries),
        ...compareDatabases(host, left.databases, right.databases),
      ];
    }),
    ...compareHostBound(target, rules),
    ...compareSource(source, rules),
    ...compareService(source, target, rules.unit ?? 'rstudio-pm.service'),
    ...(rules.answers === undefined ? [] : compareAnswers(host, rules.answers.source, rules.answers.target)),
  ];
}

// Anchored at the top of the tree: `packages/foo/verify` is data.
function isHostBound(path: string, rules: MigrationRules): boolean {
  return matchesAny(excluded('host-bound'), path.split('/', 1)[0] ?? '') || isLaunchers(path, rules);
}

const isLaunchers = (path: string, rules: MigrationRules): boolean =>
  (rules.launcherDirectories ?? []).some(
    (directory) => path === directory || path.startsWith(`${directory}/`),
  );

/** Entries and databases of one tree by path relative to it; the root itself is `.`. */
function beneath(
  snapshot: Snapshot,
  root: string,
  wanted: (path: string) => boolean,
): {
  readonly entries: Readonly<Record<string, Entry>>;
  readonly databases: Readonly<Record<string, DatabaseContent>>;
} {
  const relative = (path: string): string | undefined =>
    path === root ? '.' : path.startsWith(`${root}/`) ? path.slice(root.length + 1) : undefined;
  const pick = <T>(records: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(records).flatMap(([path, value]) => {
        const name = relative(path);
        return name !== undefined && wanted(name) ? [[name, value]] : [];
      }),
    );
  const entries = Object.fromEntries(
    Object.entries(pick(snapshot.entries)).map(([path, entry]) => [
      path,
      withRelativeLinks(entry, relative, wanted),
    ]),
  );
  return { entries, databases: pick(snapshot.databases) };
}

// A hard link from outside of the tree cannot travel with it: only the members inside count.
function withRelativeLinks(
  entry: Entry,
  relative: (path: string) => string | undefined,
  wanted: (path: string) => boolean,
): Entry {
  const inside = (entry.hardLinks ?? [])
    .map(relative)
    .filter((path) => path !== undefined)
    .filter(wanted);
  return { ...entry, linkCount: undefined, hardLinks: inside.length > 1 ? inside : undefined };
}

// What lies in the launcher's directory changes with each start: only the directory itself must have stayed.
function compareHostBound(target: Snapshot, rules: MigrationRules): readonly Difference[] {
  const before = rules.targetBefore;
  if (before === undefined) return [];
  const stays = (path: string): boolean =>
    isLaunchers(path, rules) ? (rules.launcherDirectories ?? []).includes(path) : isHostBound(path, rules);
  return rules.trees.flatMap((tree) =>
    compareEntries(
      { host: target.host },
      beneath(before, tree.target, stays).entries,
      beneath(target, tree.target, stays).entries,
    ).map((found) => ({
      ...found,
      kind: 'host-bound' as const,
      line: found.line.replace(': ', ': host-bound: '),
    })),
  );
}

function compareSource(source: Snapshot, rules: MigrationRules): readonly Difference[] {
  const before = rules.sourceBefore;
  if (before === undefined) return [];
  return rules.trees.flatMap((tree) => {
    const [left, right] = [
      beneath(before, tree.source, () => true),
      beneath(source, tree.source, () => true),
    ];
    return [
      ...compareEntries({ host: source.host }, left.entries, right.entries),
      ...compareDatabases(source.host, left.databases, right.databases),
    ];
  });
}

function compareService(source: Snapshot, target: Snapshot, unit: string): readonly Difference[] {
  const wanted = (snapshot: Snapshot, property: string, values: readonly string[]): readonly Difference[] => {
    const found = snapshot.system.products[unit]?.[property];
    if (found !== undefined && values.includes(found)) return [];
    return [
      difference(
        'service',
        { host: snapshot.host, subject: `${unit} ${property}` },
        { before: values.join(' or '), after: found },
      ),
    ];
  };
  const dropIns = source.system.products[unit]?.['DropInPaths'] ?? '';
  return [
    ...wanted(target, 'ActiveState', ['active']),
    ...wanted(target, 'UnitFileState', ['enabled']),
    ...wanted(source, 'ActiveState', ['inactive']),
    ...wanted(source, 'UnitFileState', ['disabled']),
    ...(/(^|\s)\/etc\/systemd\/system\/\S*rehost\S*\.conf/.test(dropIns)
      ? []
      : [
          difference(
            'fence',
            { host: source.host, subject: `${unit} DropInPaths` },
            { before: 'a persistent drop-in of rehost', after: dropIns },
          ),
        ]),
    ...source.system.productProcesses.map((command) =>
      difference('fence', { host: source.host, subject: 'process' }, { after: command }),
    ),
  ];
}
