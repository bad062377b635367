import type { Argv } from './shell.js';

/** What one pull of a tree needs; paths are absolute. */
export interface RsyncPull {
  readonly sshConfig: string;
  /** Name of the source in that SSH configuration. */
  readonly alias: string;
  readonly incoming: string;
  readonly owners: 'name' | 'numeric';
  /** Patterns anchored at the tree's root. */
  readonly excludes: readonly string[];
  readonly limitBytesPerSecond?: number;
}

/** Name of the directory in which rsync keeps what it received of an interrupted file. */
export const PARTIAL_DIRECTORY = '.rsync-partial';

/**
 * The pull of a whole tree. Repeat: safe, an interrupted file goes on where it stopped.
 *
 * `--modify-window=-1`: the default compares whole seconds and misses a same-size change within one, tried.
 * `--timeout`: longer than the 20 s in which SSH notices a dead link, so that a short cut ends no healthy copy.
 * `--no-inc-recursive`: the number of entries is known before the first byte, so that progress can be honest.
 * @see rsync(1)
 */
export function rsyncArgv(pull: RsyncPull): Argv {
  return [
    'rsync',
    '--archive',
    '--hard-links',
    '--acls',
    '--xattrs',
    '--sparse',
    ...(pull.owners === 'numeric' ? ['--numeric-ids'] : []),
    `--partial-dir=${PARTIAL_DIRECTORY}`,
    '--delete',
    '--modify-window=-1',
    '--no-inc-recursive',
    '--no-protect-args',
    '--timeout=120',
    '--info=progress2',
    '--stats',
    '--no-human-readable',
    '--outbuf=L',
    ...(pull.limitBytesPerSecond === undefined
      ? []
      : [`--bwlimit=${Math.max(1, Math.floor(pull.limitBytesPerSecond / 1024))}`]),
    ...pull.excludes.map((pattern) => `--exclude=${pattern}`),
    '-e',
    `ssh -F ${pull.sshConfig}`,
    `${pull.alias}:tree/`,
    `${pull.incoming}/`,
  ];
}

/**
 * The same pull for some directories only, every file of them whatever its size and time say.
 *
 * A database's pages can change under a memory map without a new size or modification time.
 */
export function rsyncWholeArgv(pull: RsyncPull, directories: readonly string[]): Argv {
  const [program, ...options] = rsyncArgv(pull);
  const filters = directories.flatMap((directory) =>
    [...parentsOf(directory), directory]
      .map((path) => `--include=${path}/`)
      .concat(`--include=${directory}/**`),
  );
  const shell = options.indexOf('-e');
  return [
    program,
    '--ignore-times',
    ...options.slice(0, shell),
    ...new Set(filters),
    '--exclude=*',
    ...options.slice(shell),
  ];
}

const parentsOf = (path: string): readonly string[] => {
  const segments = path.split('/').slice(1, -1);
  return segments.map((_segment, index) => `/${segments.slice(0, index + 1).join('/')}`);
};

/** What to do about an exit status of rsync. */
export type RsyncVerdict = 'done' | 'vanished' | 'retry' | 'disk-or-file' | 'partial' | 'final';

/** Meaning of an exit status as rsync documents it, and what rehost makes of it. */
export interface RsyncExit {
  /** Words of the manual page. */
  readonly documented: string;
  readonly verdict: RsyncVerdict;
}

// @see rsync(1), EXIT VALUES: the words are the manual's, the verdicts are ours.
const EXITS: Readonly<Record<number, RsyncExit>> = {
  0: { documented: 'Success', verdict: 'done' },
  1: { documented: 'Syntax or usage error', verdict: 'final' },
  2: { documented: 'Protocol incompatibility', verdict: 'final' },
  3: { documented: 'Errors selecting input/output files, dirs', verdict: 'final' },
  4: { documented: 'Requested action not supported', verdict: 'final' },
  5: { documented: 'Error starting client-server protocol', verdict: 'retry' },
  6: { documented: 'Daemon unable to append to log-file', verdict: 'final' },
  10: { documented: 'Error in socket I/O', verdict: 'retry' },
  11: { documented: 'Error in file I/O', verdict: 'disk-or-file' },
  12: { documented: 'Error in rsync protocol data stream', verdict: 'retry' },
  13: { documented: 'Errors with program diagnostics', verdict: 'final' },
  14: { documented: 'Error in IPC code', verdict: 'final' },
  // A host that goes down in order ends the sender by a signal, and its status arrives here before the link is gone.
  20: { documented: 'Received SIGUSR1 or SIGINT', verdict: 'retry' },
  21: { documented: 'Some error returned by waitpid()', verdict: 'final' },
  22: { documented: 'Error allocating core memory buffers', verdict: 'final' },
  23: { documented: 'Partial transfer due to error', verdict: 'partial' },
  24: { documented: 'Partial transfer due to vanished source files', verdict: 'vanished' },
  25: { documented: 'The --max-delete limit stopped deletions', verdict: 'final' },
  30: { documented: 'Timeout in data send/receive', verdict: 'retry' },
  35: { documented: 'Timeout waiting for daemon connection', verdict: 'retry' },
};

/** Some source files vanished while they were copied: normal for a warm pass, wrong under the fence. */
export const VANISHED = 24;

/** Some entries could not be transferred: an error of a file system, or a source that changed while it was read. */
export const PARTIAL = 23;

/**
 * Lines with which rsync tells that a file was removed, shortened or rewritten while it was read; an extended regular
 * expression for `grep -E` in the C locale.
 *
 * A rotated log and a truncated write-ahead log of SQLite give status 23 with nothing but such lines (tried with 3.2.7
 * and 3.4.1). Only the sender may miss an entry: where the receiver does, something else works in incoming.
 * @see rsync's source: sender.c, fileio.c, receiver.c
 */
export const LIVE_CHANGE_LINES = [
  '^(file|directory) has vanished: ',
  '^rsync: \\[sender\\] .*: No such file or directory \\(2\\)$',
  '^rsync: \\[sender\\] read errors mapping .*: No data available \\(61\\)$',
  '^(WARNING|ERROR): .* failed verification -- update discarded',
].join('|');

/** How rsync tells of a full file system, in any line; for `grep -E` as well. */
export const DISK_FULL = 'No space left on device|Disk quota exceeded';

/** Lines that only sum up others. */
export const SUMMARY_LINES = [
  '^$',
  '^IO error encountered -- skipping file deletion$',
  '^rsync (error|warning): some files',
].join('|');

/** What an exit status means; 255 is ssh's own (ssh(1), EXIT STATUS), unknown ones are final. */
export function rsyncExit(status: number): RsyncExit {
  if (status === 255) return { documented: 'an error occurred (of ssh, not of rsync)', verdict: 'retry' };
  return EXITS[status] ?? { documented: 'an exit value that rsync(1) does not list', verdict: 'final' };
}

/** Statuses after which the same pull is tried again in the same unit. */
export const RETRIED_STATUSES: readonly number[] = [
  ...Object.entries(EXITS)
    .filter(([, exit]) => exit.verdict === 'retry')
    .map(([status]) => Number(status)),
  255,
];
