import { z } from 'zod';
import { ledgerPath, STATE_ROOT } from '../contracts/paths.js';
import type { Host } from './host.js';

const leftOver = z.object({
  /** Unique within the migration on this host; adding the same id again replaces the entry. */
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9:._/@-]*$/),
  /** For example `key`, `authorized-keys-line`, `drop-in`, `database`, `tree`. */
  kind: z.string(),
  /** The thing itself, for people: a path, a line, a name. */
  what: z.string(),
  step: z.string(),
  /** Shell lines that remove it; none when only a person may. */
  remove: z.array(z.string()).readonly().optional(),
});

/** Something that a migration left on a host and that is to go some day. */
export type LeftOver = z.output<typeof leftOver>;

// The whole file is written anew by temp name and rename, under a lock: a reader never sees half a line.
const CHANGE = `directory=$1 ledger=$2 prefix=$3
umask 077
mkdir -p -- "$directory"
exec 9>>"$directory/.ledger.lock"
flock -w 30 9 || { echo "another change of the ledger holds its lock" >&2; exit 75; }
touch -- "$ledger"
line=$(cat)
{
  grep -v -F -- "$prefix" "$ledger" || true
  [ -z "$line" ] || printf '%s\\n' "$line"
} >"$ledger.temp"
sync -- "$ledger.temp"
mv -T -- "$ledger.temp" "$ledger"
sync -- "$directory"`;

// The id stands first, so that a line is found by its beginning.
const prefixOf = (id: string): string => `{"id":${JSON.stringify(id)},`;

async function change(host: Host, migration: string, edit: { id: string; line: string }): Promise<void> {
  const path = ledgerPath(migration);
  const args = [path.replace(/\/[^/]+$/, ''), path, prefixOf(edit.id)];
  await host.script(CHANGE, args, { stdin: edit.line });
}

/** Writes a left-over down on the host it lies on; write it before the thing is made. Repeat: safe. */
export async function addLeftOver(host: Host, migration: string, entry: LeftOver): Promise<void> {
  const { id, ...rest } = leftOver.parse(entry);
  await change(host, migration, { id, line: JSON.stringify({ id, ...rest }) });
}

/** Takes a left-over from the ledger, after the thing is gone. Repeat: safe. */
export async function removeLeftOver(host: Host, migration: string, id: string): Promise<void> {
  await change(host, migration, { id, line: '' });
}

/** Left-overs on a host, oldest first: of one migration, or of every migration that ever worked there. */
export async function listLeftOvers(
  host: Host,
  migration?: string,
): Promise<readonly (LeftOver & { readonly migration: string })[]> {
  const text = await host.script(
    `for ledger in "$1"/$2/ledger.jsonl; do
  [ -e "$ledger" ] || continue
  name=\${ledger%/*}
  while IFS= read -r line; do printf '%s %s\\n' "\${name##*/}" "$line"; done <"$ledger"
done`.replace('$2', migration === undefined ? '*' : '"$2"'),
    [STATE_ROOT, migration ?? ''],
  );
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const at = line.indexOf(' ');
      return { ...leftOver.parse(JSON.parse(line.slice(at + 1))), migration: line.slice(0, at) };
    });
}
