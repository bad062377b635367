import { excluded, matchesAny } from './exclusions.js';
import { OracleError, fieldsOf, pathText, quoted, runSections, type Exec } from './exec.js';
import { walkFunction } from './trees.js';

/** What an SQLite database holds, `-wal` included. Rows are sorted texts `type:value`, so that their order does not count. */
export interface DatabaseContent {
  readonly integrity: readonly string[];
  readonly pragmas: Readonly<Record<string, string>>;
  /** `type name on table: sql`, sorted. */
  readonly schema: readonly string[];
  readonly tables: Readonly<Record<string, readonly string[]>>;
}

/** Databases by printable path. */
export type Databases = Readonly<Record<string, DatabaseContent>>;

// One cell: its storage class and its whole value. hex() keeps line ends, NUL and bytes that are not UTF-8; %!.17g tells any two reals apart.
const CELL = `typeof(@)||':'||CASE typeof(@) WHEN 'real' THEN printf('%!.17g',@) WHEN 'integer' THEN @ WHEN 'null' THEN '' ELSE hex(@) END`;
const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;

// Prints one SELECT per table. Virtual tables are left to their shadow tables, which hold what they hold.
const SELECTS = `SELECT 'SELECT ''row'',''' || hex(t.name) || '''' ||
 (SELECT group_concat(',' || replace(${sqlText(CELL)}, '@', '"' || replace(c.name, '"', '""') || '"'), '') FROM pragma_table_xinfo(t.name) c WHERE c.hidden <> 1)
 || ' FROM "' || replace(t.name, '"', '""') || '";'
 FROM sqlite_master t WHERE t.type = 'table' AND t.sql NOT LIKE 'CREATE VIRTUAL%';`;
const HEAD = `SELECT 'integrity', hex(integrity_check) FROM pragma_integrity_check;
SELECT 'pragma', 'user_version', user_version FROM pragma_user_version;
SELECT 'pragma', 'application_id', application_id FROM pragma_application_id;
SELECT 'pragma', 'encoding', encoding FROM pragma_encoding;
SELECT 'schema', hex(type), hex(name), hex(tbl_name), hex(coalesce(sql, '')) FROM sqlite_master;`;

// Works on a copy: opening a database in WAL mode writes beside it. Equal stamps of database and -wal before and after
// the copy prove that both belong together; a service that writes all the time makes it fail, never lie.
const DUMP = `
for db; do
  [ "$(head -c 15 -- "$db")" = 'SQLite format 3' ] || [ -s "$db-wal" ] || continue
  dir=$(mktemp -d) || exit 255
  tries=0
  while :; do
    rm -f "$dir"/*
    before=$(stat -c '%i %s %y' -- "$db" && stat -c '%i %s %y' -- "$db-wal" "$db-journal" 2>/dev/null; :)
    cp -- "$db" "$dir/copy" || exit 255
    [ ! -e "$db-wal" ] || cp -- "$db-wal" "$dir/copy-wal"
    [ ! -e "$db-journal" ] || cp -- "$db-journal" "$dir/copy-journal"
    after=$(stat -c '%i %s %y' -- "$db" && stat -c '%i %s %y' -- "$db-wal" "$db-journal" 2>/dev/null; :)
    [ "$before" != "$after" ] || break
    tries=$((tries + 1))
    if [ "$tries" -ge 10 ]; then echo "$db changes while it is copied" >&2; rm -rf "$dir"; exit 255; fi
    sleep 0.2
  done
  printf '%s\\0' "$db"
  if { printf '%s\\n' "$HEAD" && sqlite3 -batch -init /dev/null "$dir/copy" "$SELECTS"; } >"$dir/queries"; then
    sqlite3 -batch -init /dev/null -bail "$dir/copy" <"$dir/queries" || printf 'failed|%s\\n' $?
  else
    printf 'failed|unreadable\\n'
  fi
  printf '\\0'
  rm -rf "$dir"
done`;

/**
 * Rows, schema and integrity of every SQLite database beneath the roots, found by its first bytes or by a `-wal` beside it.
 *
 * Tools: find, grep, sqlite3, on a copy in the host's temporary directory, removed at once. A database that cannot be
 * read is reported by `integrity`, it is not an error. @throws OracleError
 */
export async function readDatabases(
  exec: Exec,
  host: string,
  options: { readonly roots: readonly string[]; readonly prune: readonly string[] },
): Promise<Databases> {
  const sections = await runSections(exec, host, {
    setup: `${walkFunction(options.roots, options.prune)}
HEAD=${quoted(HEAD)}; SELECTS=${quoted(SELECTS)}; DUMP=${quoted(DUMP)}; export HEAD SELECTS
candidates() {
  walk -type f -size +0 -print0 | xargs -0 -r sh -c 'grep -lazZ -m1 -e "^SQLite format 3$" -- "$@"; [ $? -le 1 ]' sh || return 1
  walk -type f -name '*-wal' -size +0 -print0 | sed -z 's/-wal$//'
}
dump() { command -v sqlite3 >/dev/null || { candidates | grep -qa . && { echo 'sqlite3 is not installed' >&2; return 1; }; return 0; }
  candidates | sort -zu | xargs -0 -r sh -c "$DUMP" sh; }`,
    sections: [{ name: 'databases', body: 'dump' }],
  });
  const fields = fieldsOf(sections.get('databases') ?? Buffer.alloc(0));
  const databases: Record<string, DatabaseContent> = {};
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [path, dump] = [fields[index], fields[index + 1]];
    if (path !== undefined && dump !== undefined) databases[pathText(path)] = parseDump(String(dump));
  }
  return databases;
}

const text = (hex: string): string => Buffer.from(hex, 'hex').toString('utf8');

function parseDump(dump: string): DatabaseContent {
  const integrity: string[] = [];
  const pragmas: Record<string, string> = {};
  const schema: string[] = [];
  const tables: Record<string, string[]> = {};
  for (const line of dump.split('\n')) {
    const [kind, first = '', ...rest] = line.split('|');
    if (kind === 'integrity') integrity.push(text(first));
    else if (kind === 'failed') integrity.push(`sqlite3 failed: ${first}`);
    else if (kind === 'pragma') pragmas[first] = rest.join('|');
    else if (kind === 'schema')
      schema.push(`${text(first)} ${text(rest[0] ?? '')} on ${text(rest[1] ?? '')}: ${text(rest[2] ?? '')}`);
    else if (kind === 'row') (tables[text(first)] ??= []).push(rest.map(cellText).join(' | '));
    else if (line !== '')
      throw new OracleError(`a line of sqlite3 that is not understood: ${line.slice(0, 200)}`);
  }
  const kept = Object.entries(tables).filter(([name]) => !matchesAny(excluded('table'), name));
  for (const [, rows] of kept) rows.sort();
  return { integrity, pragmas, schema: schema.sort(), tables: Object.fromEntries(kept) };
}

// Text that is printable stays readable; anything else stays hexadecimal, so that two values never look equal.
function cellText(cell: string): string {
  if (!cell.startsWith('text:')) return cell;
  const bytes = Buffer.from(cell.slice(5), 'hex');
  return `text:${JSON.stringify(pathText(bytes))}`;
}
