import { z } from 'zod';
import { quoteWord } from '../formats/shell.js';
import { contract, type EffectContext } from './contract.js';
import {
  command,
  landingInput,
  landingOf,
  makeStepDir,
  shortName,
  stepFile,
  written,
} from './files-landing.js';

const relativePath = z
  .string()
  .max(512)
  .refine(
    (path) => /^[^/\0\n][^\0\n]*$/.test(path) && !/(?:^|\/)\.{1,2}(?:\/|$)|\/\/|\/$/.test(path),
    'a path below the tree, without "..", "//" or newline',
  );

const verifyInput = z.object({
  tree: shortName,
  ...landingInput,
  /** Databases, relative to the tree. Each stands in incoming with its `-wal`, as taken unopened under the fence. */
  files: z.array(relativePath).min(1).max(20),
});

/** Input of `sqlite.verify@1`. */
export type SqliteVerifyInput = z.output<typeof verifyInput>;

/** File with one line a database: path, tables, rows, digest of the counts. */
export const sqliteResultPath = (context: EffectContext): string =>
  stepFile(context, `databases-g${context.generation}`);

const databasesOf = (input: SqliteVerifyInput, context: EffectContext): readonly string[] =>
  (Array.isArray(input.files) ? input.files : [String(input.files)]).map(
    (file: string) => `${landingOf(input, context.migration).incoming}/${file}`,
  );

const CHECKPOINT = 'PRAGMA wal_checkpoint(TRUNCATE); PRAGMA integrity_check;';

// A query for each table that prints its name and count; names are quoted by SQLite itself.
const TABLES = `SELECT 'SELECT ' || quote(name) || ', count(*) FROM "' || replace(name, '"', '""') || '";' FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name;`;

/**
 * The unit's script: folds each database's log into it, checks it, and counts its rows.
 *
 * Only ever opens files under incoming; the file `progress` names the one at hand. Owner and mode must be the same afterwards; `-wal` and `-shm` are gone.
 * Exit 70: damaged. Exit 71: owner or mode changed. Exit 72: not there. Exit 73: a log could not be folded in.
 */
export function sqliteVerifyScript(input: SqliteVerifyInput, context: EffectContext): string {
  const databases = databasesOf(input, context).map(quoteWord).join(' ');
  const result = quoteWord(sqliteResultPath(context));
  return `set -eu
LC_ALL=C
export LC_ALL
umask 077
result=${result}
: > "$result.new"
for database in ${databases}; do
  printf '%s' "$database" > progress
  [ -f "$database" ] || { echo "rehost: $database is not there" >&2; exit 72; }
  before=$(stat -c '%u:%g %a' -- "$database")
  answer=$(sqlite3 -batch -init /dev/null "$database" ${quoteWord(CHECKPOINT)} 2>&1) || { printf '%s\\n' "$answer" | head -n 12 >&2; exit 70; }
  folded=$(printf '%s\\n' "$answer" | head -n 1)
  case $folded in 0\\|*) ;; *) echo "rehost: $database: the log could not be folded in: $folded" >&2; exit 73 ;; esac
  checked=$(printf '%s\\n' "$answer" | tail -n +2)
  [ "$checked" = ok ] || { printf '%s\\n' "$checked" | head -n 12 >&2; exit 70; }
  sqlite3 -batch -init /dev/null "$database" ${quoteWord(TABLES)} > "$result.queries"
  sqlite3 -batch -init /dev/null "$database" < "$result.queries" > "$result.counts"
  [ ! -s "$database-wal" ] || { echo "rehost: $database-wal still holds pages" >&2; exit 73; }
  rm -f -- "$database-wal" "$database-shm"
  after=$(stat -c '%u:%g %a' -- "$database")
  [ "$after" = "$before" ] || { echo "rehost: $database: owner and mode were $before, are $after" >&2; exit 71; }
  rows=0
  while IFS= read -r line; do rows=$((rows + \${line##*|})); done < "$result.counts"
  echo "$(wc -l < "$result.counts") $rows $(sha256sum < "$result.counts" | cut -d ' ' -f 1)" >> "$result.new"
done
rm -f -- "$result.queries" "$result.counts"
mv -f -- "$result.new" "$result"
`;
}

/** Contracts for SQLite databases. */
export const sqliteContracts = {
  'sqlite.verify@1': contract({
    summary: 'Folds the log into each SQLite database of incoming, checks its integrity and counts its rows.',
    input: verifyInput,
    outcome: z.object({
      databases: z
        .array(z.object({ file: z.string(), tables: z.int(), rows: z.int(), countsDigest: z.string() }))
        .max(20),
    }),
    timeouts: 'unit',
    readOnly: false,
    effects: (input, context) => {
      const result = sqliteResultPath(context);
      return [
        command(context, makeStepDir(context)),
        ...databasesOf(input, context).flatMap((database) => [
          command(context, ['sqlite3', '-batch', '-init', '/dev/null', database, CHECKPOINT]),
          command(context, ['sqlite3', '-batch', '-init', '/dev/null', database, TABLES]),
          command(context, ['sqlite3', '-batch', '-init', '/dev/null', database]),
          command(context, ['rm', '-f', '--', `${database}-wal`, `${database}-shm`]),
        ]),
        command(context, ['rm', '-f', '--', `${result}.queries`, `${result}.counts`]),
        command(context, ['mv', '-f', '--', `${result}.new`, result]),
        written(context, result, '0600'),
      ];
    },
  }),
} as const;
