/*
 * All that the oracle does not compare, and why. Nothing is left out anywhere else: the code reads this list.
 */

/** What an exclusion leaves out. */
export type ExclusionKind =
  'path' | 'database-bytes' | 'attribute' | 'left-over' | 'unit' | 'table' | 'xattr' | 'host-bound';

/** One thing that is not compared. Patterns are shell patterns; `<data>` is each data directory, `<migration>` each migration id. */
export interface Exclusion {
  readonly kind: ExclusionKind;
  readonly patterns: readonly string[];
  readonly what: string;
  readonly reason: string;
}

/** The only list of what the oracle leaves out. */
export const EXCLUSIONS: readonly Exclusion[] = [
  {
    kind: 'path',
    patterns: ['<data>/cache'],
    what: "the product's cache directory",
    reason: 'evicted before the copy and fetched again by the product at any time',
  },
  {
    kind: 'path',
    patterns: ['/var/log', '/run', '/var/run'],
    what: 'logs and run-time state',
    reason:
      'written by every command; left-overs in /run (units, names with "rehost") are looked for separately',
  },
  {
    kind: 'path',
    patterns: [
      '/etc/passwd-',
      '/etc/group-',
      '/etc/shadow-',
      '/etc/gshadow-',
      '/etc/subuid-',
      '/etc/subgid-',
      '/etc/.pwd.lock',
    ],
    what: 'backup and lock files of the account tools',
    reason: 'useradd leaves them behind when its effect is taken back; the accounts themselves are compared',
  },
  {
    kind: 'attribute',
    patterns: [
      '/etc/passwd',
      '/etc/group',
      '/etc/shadow',
      '/etc/gshadow',
      '/etc/subuid',
      '/etc/subgid',
      '/etc/hosts',
      '/etc/hostname',
      '/etc/resolv.conf',
      '/etc/mtab',
    ],
    what: 'mtime of account files and of files that a container engine writes at each start',
    reason: 'rewritten with equal content; the content is compared',
  },
  {
    kind: 'attribute',
    patterns: ['*/.ssh/authorized_keys', '*/.ssh/known_hosts'],
    what: 'mtime of authorized_keys and known_hosts',
    reason: 'a line added and taken away again changes it; lines, bytes, owner and mode are compared',
  },
  {
    kind: 'attribute',
    patterns: ['<data>/launcher*/*'],
    what: "mtime of the launcher's state files",
    reason: 'written again with equal content at each start of the product; the content is compared',
  },
  {
    kind: 'attribute',
    patterns: ['directory', 'link'],
    what: 'size and mtime of directories and symbolic links',
    reason: 'changed by any entry that comes and goes; no product reads them',
  },
  {
    kind: 'database-bytes',
    patterns: ['*', '*-wal', '*-shm', '*-journal'],
    what: 'size, mtime and bytes of SQLite databases, and their -wal, -shm and -journal files',
    reason:
      'a checkpoint changes bytes without changing data; rows, schema, version pragmas and integrity of database plus -wal are compared instead, as are owner, mode, ACL and xattrs of the database file',
  },
  {
    kind: 'table',
    patterns: ['sqlite_stat*'],
    what: "rows of SQLite's own statistics tables",
    reason: "written by ANALYZE at the database's own time; not data",
  },
  {
    kind: 'xattr',
    patterns: ['system.posix_acl_*'],
    what: 'ACLs in their form as extended attributes',
    reason: 'they hold numeric ids; the same ACLs are compared by name as getfacl prints them',
  },
  {
    kind: 'left-over',
    patterns: ['/var/lib/rehost', '/var/lib/rehost/<migration>', '/var/lib/rehost/<migration>/*'],
    what: 'the record of the migrations that were run',
    reason: 'the one left-over that is allowed: evidence, logs and UNDO.md stay for the auditor',
  },
  {
    kind: 'unit',
    patterns: [
      'apt-*',
      'dpkg-*',
      'e2scrub*',
      'fstrim*',
      'dbus.service',
      'ldconfig*',
      'logrotate*',
      'man-db*',
      'motd*',
      'phpsessionclean*',
      'systemd-*',
      'user@*',
      'user-runtime-dir@*',
      'session-*',
      'run-*',
      'init.scope',
      'modprobe@*',
      'ssh@*',
      'sshd@*',
      'getty@*',
      'console-getty*',
      'serial-getty@*',
      '*.mount',
      '*.automount',
    ],
    what: "the active state of the operating system's own units",
    reason: 'they start and end by timers, log-ins and requests; their files and enabled states are compared',
  },
  {
    kind: 'host-bound',
    patterns: ['*.lic', 'verify'],
    what: "licence files and licence state at the top of the data directory (nowhere deeper), and the launcher's directory",
    reason:
      'they belong to their host: never copied; the target must still have its own, which is compared with its state before',
  },
];

/** Patterns of one kind with `<data>` and `<migration>` filled in. */
export function excluded(
  kind: ExclusionKind,
  names: { readonly data?: readonly string[]; readonly migration?: readonly string[] } = {},
): readonly string[] {
  const fill = (pattern: string): readonly string[] => {
    if (pattern.includes('<data>'))
      return (names.data ?? []).map((path) => pattern.replaceAll('<data>', literalPattern(path)));
    if (pattern.includes('<migration>'))
      return (names.migration ?? []).map((id) => pattern.replaceAll('<migration>', id));
    return [pattern];
  };
  return EXCLUSIONS.filter((exclusion) => exclusion.kind === kind).flatMap(({ patterns }) =>
    patterns.flatMap(fill),
  );
}

/** A path as a shell pattern that matches only itself. */
export const literalPattern = (path: string): string => path.replace(/[*?[\]\\]/g, '\\$&');

/** Whether a text matches one of the patterns; `*` also matches slashes, as in `find -path`. */
export function matchesAny(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => expression(pattern).test(text));
}

const expressions = new Map<string, RegExp>();
function expression(pattern: string): RegExp {
  const known = expressions.get(pattern);
  if (known !== undefined) return known;
  const source = pattern.replace(/\\(.)|[*?]|[.+^${}()|[\]\\/]/g, (part, escaped: string | undefined) => {
    if (part === '*') return '[^]*';
    if (part === '?') return '[^]';
    return `\\${escaped ?? part}`;
  });
  const made = new RegExp(`^${source}$`);
  expressions.set(pattern, made);
  return made;
}

/** The list as text for people: what is not compared and why. */
export function printExclusions(): string {
  return EXCLUSIONS.map(
    ({ kind, what, patterns, reason }) => `${kind}: ${what}\n  ${patterns.join(' ')}\n  because: ${reason}`,
  ).join('\n');
}
