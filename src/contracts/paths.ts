/*
 * Where rehost's own files lie on a host. Every path that the project writes outside of a product is made here.
 */

/** Root of everything that rehost keeps on a host; directory, mode 0700, owner root. */
export const STATE_ROOT = '/var/lib/rehost';
/** The claim of the host: names the one migration that may work on it. */
export const CLAIM_PATH = `${STATE_ROOT}/claim`;
/** One line per finished migration, JSON, newest last: what `apply` answers "already moved by" from. */
export const FINISHED_PATH = `${STATE_ROOT}/finished.jsonl`;

/** Directory of one migration on a host. */
export const migrationDir = (migration: string): string => `${STATE_ROOT}/${migration}`;
/** Break-glass instructions, always current. */
export const undoPath = (migration: string): string => `${migrationDir(migration)}/UNDO.md`;
/** Left-overs of the migration on this host, one JSON object per line. */
export const ledgerPath = (migration: string): string => `${migrationDir(migration)}/ledger.jsonl`;
/** One line per real execution of a unit on this host. */
export const journalPath = (migration: string): string => `${migrationDir(migration)}/journal`;
/** Directory of one step: script, log, progress, exit record, manifests. */
export const stepDir = (migration: string, step: string): string => `${migrationDir(migration)}/${step}`;
/** Directory of one generation of a step's unit: inputs, output, progress, exit record. */
export const unitDir = (migration: string, step: string, generation: number | string): string =>
  `${stepDir(migration, step)}/g${generation}`;
/** Name of the transient systemd unit of a step. */
export const unitName = (migration: string, step: string, generation: number): string =>
  `rehost-${migration}-${step}-g${generation}`;

const parentOf = (path: string): string => path.replace(/\/[^/]+\/?$/, '') || '/';

/** Where a copy of `directory` lands: on its own file system, beside it. */
export const incomingPath = (directory: string, migration: string): string =>
  `${parentOf(directory) === '/' ? '' : parentOf(directory)}/.rehost-${migration}-incoming${suffix(directory)}`;
/** Where the former content of `directory` is kept after the swap: the restore point. */
export const formerPath = (directory: string, migration: string): string =>
  `${parentOf(directory) === '/' ? '' : parentOf(directory)}/.rehost-${migration}-former${suffix(directory)}`;

// Two trees may share a parent (a data directory and a storage class beside it): the own name keeps them apart.
const suffix = (directory: string): string => `-${directory.replace(/\/+$/, '').split('/').pop() ?? ''}`;
