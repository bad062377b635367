import type { DatabaseContent } from './databases.js';
import { excluded, matchesAny } from './exclusions.js';
import type { Snapshot } from './snapshot.js';
import type { Entry } from './trees.js';

/** One thing that is not equal. `line` says it to a person; `before` and `after` are undefined where the thing is absent. */
export interface Difference {
  readonly host: string;
  readonly kind: DifferenceKind;
  /** Path, unit, account, table … that differs. */
  readonly subject: string;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  readonly line: string;
}

/** What can differ. */
export type DifferenceKind =
  | 'missing'
  | 'extra'
  | 'type'
  | 'size'
  | 'mtime'
  | 'mode'
  | 'owner'
  | 'group'
  | 'link'
  | 'hard-link'
  | 'content'
  | 'acl'
  | 'xattr'
  | 'database'
  | 'row'
  | 'unit-file'
  | 'unit-state'
  | 'account'
  | 'authorized-key'
  | 'left-over'
  | 'transient'
  | 'process'
  | 'service'
  | 'fence'
  | 'answer'
  | 'host-bound';

/** Makes a difference with its line. */
export function difference(
  kind: DifferenceKind,
  at: { readonly host: string; readonly subject: string },
  values: { readonly before?: string | undefined; readonly after?: string | undefined },
): Difference {
  const show = (value: string | undefined): string =>
    value === undefined ? 'absent' : JSON.stringify(value.slice(0, 300));
  return {
    ...at,
    kind,
    ...values,
    line: `${at.host}: ${kind}: ${at.subject}: ${show(values.before)} -> ${show(values.after)}`,
  };
}

/** Differences of a host between two moments; empty means equal. What is left out is in EXCLUSIONS and nowhere else. */
export function compare(
  before: Snapshot,
  after: Snapshot,
  options: {
    /** Ids of migrations that ran in between: their record in /var/lib/rehost may have come. */
    readonly migrations?: readonly string[];
  } = {},
): readonly Difference[] {
  const host = before.host === after.host ? before.host : `${before.host} / ${after.host}`;
  const allowed = excluded('left-over', { migration: options.migrations ?? [] });
  // The patterns of a record count only with a migration: without one nothing may have come.
  const permitted = (path: string): boolean =>
    (options.migrations ?? []).length > 0 && matchesAny(allowed, path);
  const records = (
    left: Readonly<Record<string, string>>,
    right: Readonly<Record<string, string>>,
    kind: DifferenceKind,
  ): readonly Difference[] => compareRecords({ host, kind, prefix: '' }, left, right);
  const sets = (
    left: readonly string[],
    right: readonly string[],
    kind: DifferenceKind,
  ): readonly Difference[] => compareLists({ host, kind, subject: '' }, left, right);
  return [
    ...compareEntries({ host, data: before.dataDirectories }, before.entries, after.entries),
    ...compareDatabases(host, before.databases, after.databases),
    ...records(before.system.unitFiles, after.system.unitFiles, 'unit-file'),
    ...records(before.system.units, after.system.units, 'unit-state'),
    ...keysOf(before.system.products, after.system.products).flatMap((unit) =>
      compareRecords(
        { host, kind: 'unit-state', prefix: `${unit} ` },
        before.system.products[unit] ?? {},
        after.system.products[unit] ?? {},
      ),
    ),
    ...records(before.system.accounts, after.system.accounts, 'account'),
    ...keysOf(before.system.authorizedKeys, after.system.authorizedKeys).flatMap((path) =>
      compareLists(
        { host, kind: 'authorized-key', subject: path },
        before.system.authorizedKeys[path] ?? [],
        after.system.authorizedKeys[path] ?? [],
      ),
    ),
    ...sets(
      before.system.leftOvers,
      after.system.leftOvers.filter((path) => before.system.leftOvers.includes(path) || !permitted(path)),
      'left-over',
    ),
    ...sets(before.system.transient, after.system.transient, 'transient'),
    ...sets(before.system.migrationProcesses, after.system.migrationProcesses, 'process'),
    ...sets(distinct(before.system.productProcesses), distinct(after.system.productProcesses), 'process'),
  ];
}

/** Differences of two sets of entries by path; `data` are the `<data>` of the exclusions. */
export function compareEntries(
  at: { readonly host: string; readonly data?: readonly string[] },
  before: Readonly<Record<string, Entry>>,
  after: Readonly<Record<string, Entry>>,
): readonly Difference[] {
  const { host, data = [] } = at;
  const untimed = excluded('attribute', { data });
  return keysOf(before, after).flatMap((path) => {
    const [left, right] = [before[path], after[path]];
    const subject = { host, subject: path };
    if (left === undefined)
      return [difference('extra', subject, { after: right === undefined ? undefined : summary(right) })];
    if (right === undefined) return [difference('missing', subject, { before: summary(left) })];
    return aspects(matchesAny(untimed, path), left, right)
      .filter(([, one, other]) => one !== other)
      .map(([kind, one, other]) => difference(kind, subject, { before: one, after: other }));
  });
}

type Aspect = readonly [kind: DifferenceKind, before: string | undefined, after: string | undefined];

function aspects(untimed: boolean, left: Entry, right: Entry): readonly Aspect[] {
  const both = (kind: DifferenceKind, value: (entry: Entry) => string | undefined): Aspect => [
    kind,
    value(left),
    value(right),
  ];
  return [
    both('type', ({ type, database }) => (database === true ? 'SQLite database' : typeName(type))),
    both('size', ({ type, size }) => (type === 'f' ? size : undefined)),
    both('mtime', ({ type, mtimeNs }) => (type === 'f' && !untimed ? mtimeNs : undefined)),
    both('mode', ({ type, mode }) => (type === 'l' ? undefined : mode)),
    both('owner', ({ owner }) => owner),
    both('group', ({ group }) => group),
    both('link', ({ link }) => link),
    both('hard-link', ({ hardLinks, linkCount }) =>
      hardLinks === undefined
        ? undefined
        : `${hardLinks.join(' = ')}${linkCount === undefined ? '' : ` (${linkCount} links)`}`,
    ),
    both('content', ({ sha256 }) => sha256),
    both('acl', ({ acl }) => acl?.join(',')),
    both('xattr', ({ xattrs }) => {
      const kept = Object.entries(xattrs ?? {}).filter(([name]) => !matchesAny(excluded('xattr'), name));
      return kept.length === 0
        ? undefined
        : kept
            .map((pair) => pair.join('='))
            .sort()
            .join(',');
    }),
  ];
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  f: 'file',
  d: 'directory',
  l: 'symbolic link',
  p: 'fifo',
  s: 'socket',
  b: 'block device',
  c: 'character device',
};
const typeName = (type: string): string => TYPE_NAMES[type] ?? type;
const summary = (entry: Entry): string =>
  `${typeName(entry.type)} ${entry.mode} ${entry.owner}:${entry.group}`;

/** Differences of the rows, schemas, version pragmas and integrity of databases by path. */
export function compareDatabases(
  host: string,
  before: Readonly<Record<string, DatabaseContent>>,
  after: Readonly<Record<string, DatabaseContent>>,
): readonly Difference[] {
  return keysOf(before, after).flatMap((path) => {
    const [left, right] = [before[path], after[path]];
    if (left === undefined || right === undefined) {
      return [
        difference(
          'database',
          { host, subject: path },
          { before: left && 'a database', after: right && 'a database' },
        ),
      ];
    }
    return [
      ...compareRecords({ host, kind: 'database', prefix: `${path} ` }, left.pragmas, right.pragmas),
      ...compareLists(
        { host, kind: 'database', subject: `${path} integrity` },
        left.integrity,
        right.integrity,
      ),
      ...compareLists({ host, kind: 'database', subject: `${path} schema` }, left.schema, right.schema),
      ...keysOf(left.tables, right.tables).flatMap((table) =>
        compareLists(
          { host, kind: 'row', subject: `${path} ${table}` },
          left.tables[table] ?? [],
          right.tables[table] ?? [],
        ),
      ),
    ];
  });
}

/** Members of two lists that only one has, as often as it has them more. */
export function compareLists(
  at: { readonly host: string; readonly kind: DifferenceKind; readonly subject: string },
  before: readonly string[],
  after: readonly string[],
): readonly Difference[] {
  const surplus = (from: readonly string[], other: readonly string[]): readonly string[] => {
    const left = new Map<string, number>();
    for (const item of other) left.set(item, (left.get(item) ?? 0) + 1);
    return from.filter((item) => {
      const count = left.get(item) ?? 0;
      left.set(item, count - 1);
      return count <= 0;
    });
  };
  const name = (item: string): string => (at.subject === '' ? item : at.subject);
  return [
    ...surplus(before, after).map((item) =>
      difference(at.kind, { host: at.host, subject: name(item) }, { before: item }),
    ),
    ...surplus(after, before).map((item) =>
      difference(at.kind, { host: at.host, subject: name(item) }, { after: item }),
    ),
  ];
}

function compareRecords(
  at: { readonly host: string; readonly kind: DifferenceKind; readonly prefix: string },
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly Difference[] {
  return keysOf(before, after)
    .filter((key) => before[key] !== after[key])
    .map((key) =>
      difference(
        at.kind,
        { host: at.host, subject: `${at.prefix}${key}` },
        { before: before[key], after: after[key] },
      ),
    );
}

const keysOf = (left: object, right: object): readonly string[] =>
  [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
const distinct = (items: readonly string[]): readonly string[] => [...new Set(items)];

/** The differences as lines for people, the first `limit` of them (default 50). */
export function printDifferences(differences: readonly Difference[], limit = 50): string {
  const lines = differences.slice(0, limit).map(({ line }) => line);
  const more = differences.length > limit ? [`… and ${differences.length - limit} more`] : [];
  return [`${differences.length} differences`, ...lines, ...more].join('\n');
}
