import { CLAIM_PATH, migrationDir, undoPath } from '../contracts/paths.js';
import { failure } from '../failures.js';
import { UNDO_ORDERS, type UndoOrder } from '../plan/types.js';
import type { Host } from './host.js';

/** Which undo of a migration: its step's place in the plan, the step, and when in a rollback it is run. */
export interface UndoPlace {
  readonly sequence: number;
  readonly step: string;
  readonly order: UndoOrder;
}

/** One undo as it stands in UNDO.md of the host that it touches. */
export interface UndoFragment extends UndoPlace {
  readonly title: string;
  /** POSIX shell lines, safe to repeat and when there is nothing to undo. */
  readonly shell: readonly string[];
  /** Hosts that hold other parts of the way back. */
  readonly otherHosts: readonly string[];
}

/** Headings of the three orders, in the sequence of a rollback. */
const HEADINGS: Readonly<Record<UndoOrder, string>> = {
  'isolate-target': 'Isolate the target',
  'restore-service': 'Restore the service of the source',
  'clean-up': 'Clean up',
};

const RENDER = `render() {
  requester=$(sed -n 's/.*"requester":"\\([^"]*\\)".*/\\1/p' "$claim" 2>/dev/null || true)
  workflow=$(sed -n 's/.*"workflowId":"\\([^"]*\\)".*/\\1/p' "$claim" 2>/dev/null || true)
  since=$(sed -n 's/.*"since":"\\([^"]*\\)".*/\\1/p' "$claim" 2>/dev/null || true)
  grep -q -F "\\"migration\\":\\"$migration\\"" "$claim" 2>/dev/null || { requester= workflow= since=; }
  {
    printf '# The way back by hand: migration %s on host %s\\n\\n' "$migration" "$name"
    printf 'Written by rehost at %s, before and after every change on this host.\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    [ -z "$requester" ] || printf 'Requested by %s, Workflow %s, since %s.\\n' "$requester" "$workflow" "$since"
    printf '\\n'
    if [ -z "$(ls "$fragments" | grep '^[123]-' || true)" ]; then
      printf 'Nothing is left to undo on this host.\\n'
    else
      printf 'Use this when Temporal or its worker is gone: first make sure that no worker of rehost runs any more.\\n'
      printf 'Run the blocks as root in a POSIX shell, from top to bottom. Each may be run again, also when it was done before.\\n'
      if [ -s "$fragments/hosts" ]; then
        printf '\\nOther hosts of this migration hold their part in the same file (%s):\\n\\n' "$directory/UNDO.md"
        sed 's/^/- /' "$fragments/hosts"
        printf '\\nWork through section 1 on every host, then section 2 on every host, then section 3. Within a section the highest step number comes first, on whichever host it is.\\n'
      fi
      section 1 "$first"
      section 2 "$second"
      section 3 "$third"
    fi
  } >"$directory/UNDO.md.temp"
  sync "$directory/UNDO.md.temp"
  mv -T "$directory/UNDO.md.temp" "$directory/UNDO.md"
  sync "$directory"
}
section() {
  printf '\\n## %s. %s\\n' "$1" "$2"
  found=
  for fragment in $(ls -r "$fragments" | grep "^$1-" || true); do
    found=yes
    printf '\\n'
    cat "$fragments/$fragment"
  done
  [ -n "$found" ] || printf '\\nNothing on this host.\\n'
}`;

/** Arguments of both: migration, host, directory, claim, the three headings, fragment, then other hosts. */
const HEAD = `migration=$1 name=$2 directory=$3 claim=$4 first=$5 second=$6 third=$7 fragment=$8
shift 8
umask 077
fragments=$directory/.undo
${RENDER}`;

const RECORD = `${HEAD}
mkdir -p -- "$fragments"
exec 9>>"$directory/.undo.lock"
flock -w 30 9 || { echo "another change of UNDO.md holds its lock" >&2; exit 75; }
cat >"$fragments/.$fragment.temp"
[ "$(tail -n 1 "$fragments/.$fragment.temp")" = '\`\`\`' ] || { echo "the undo did not arrive whole" >&2; exit 75; }
sync "$fragments/.$fragment.temp"
mv -T "$fragments/.$fragment.temp" "$fragments/$fragment"
for other in "$@"; do
  grep -q -x -F -- "$other" "$fragments/hosts" 2>/dev/null || printf '%s\\n' "$other" >>"$fragments/hosts"
done
sync "$fragments"
render`;

const REMOVE = `${HEAD}
[ -e "$fragments/$fragment" ] || exit 0
exec 9>>"$directory/.undo.lock"
flock -w 30 9 || { echo "another change of UNDO.md holds its lock" >&2; exit 75; }
rm -f "$fragments/$fragment"
sync "$fragments"
render`;

/** Name of a fragment's file: order, place, step; sorted backwards it is newest first. */
function fragmentName({ sequence, step, order }: UndoPlace): string {
  return `${UNDO_ORDERS.indexOf(order) + 1}-${String(sequence).padStart(6, '0')}-${step}.md`;
}

/** One undo as Markdown: a heading with step number and title, and its lines in one fenced block. */
export function renderFragment(fragment: UndoFragment): string {
  const { sequence, step, title, shell } = fragment;
  if (shell.some((line) => line.includes('```'))) {
    throw failure('ContractViolated', {
      message: `the undo of step ${step} holds a Markdown fence, which would end its block in UNDO.md`,
      hint: 'This is a bug of rehost: please report it with the plan.',
    });
  }
  const heading = `### Step ${sequence}, ${step}: ${title.replaceAll('\n', ' ')}`;
  return `${heading}\n\n\`\`\`sh\n${shell.join('\n')}\n\`\`\`\n`;
}

const values = (host: Host, migration: string, place: UndoPlace): readonly string[] => [
  migration,
  host.name,
  migrationDir(migration),
  CLAIM_PATH,
  ...UNDO_ORDERS.map((order) => HEADINGS[order]),
  fragmentName(place),
];

/**
 * Writes an undo into UNDO.md of the host that it touches; call it before the step acts.
 *
 * The file is whole at any time (temp name, fsync, rename) and newest first within each order. Repeat: safe, the same
 * place replaces its block.
 */
export async function recordUndo(host: Host, migration: string, fragment: UndoFragment): Promise<void> {
  const args = [...values(host, migration, fragment), ...fragment.otherHosts];
  await host.script(RECORD, args, { stdin: renderFragment(fragment) });
}

/** Takes an undo out of UNDO.md, after it was carried out. Repeat: safe, also when it never stood there. */
export async function removeUndo(host: Host, migration: string, place: UndoPlace): Promise<void> {
  await host.script(REMOVE, values(host, migration, place));
}

/** The text of UNDO.md on a host, or undefined when the migration has not written one there. */
export async function readUndoFile(host: Host, migration: string): Promise<string | undefined> {
  return host.readFile(undoPath(migration));
}
