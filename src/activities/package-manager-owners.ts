import type { Host } from '../hosts/host.js';
import { readConfig, treesOf } from './package-manager-discover.js';
import { WALK_TIMEOUT_MS, type Walk } from './package-manager-walks.js';

/** More names than this are cut off: the check says that accounts are missing, not which ones of hundreds. */
const MOST_NAMES = 200;

// Names only: a number that has no name on the source is kept as a number. The cache does not move. Access lists name
// accounts too, with blank, comma and backslash of a name escaped. The source is alive: what vanishes while it is listed is no failure.
const OWNERS = `cache=$1
shift
for tree in "$@"; do
  [ -d "$tree" ] || continue
  find "$tree" -path "$cache" -prune -o -printf 'user %u\\ngroup %g\\n' || true
  ! command -v getfacl >/dev/null ||
    find "$tree" -path "$cache" -prune -o ! -type l -print0 | xargs -0 -r getfacl -s -c -p -- |
      sed -n 's/^default://;s/^\\(user\\|group\\):\\([^:][^:]*\\):.*/\\1 \\2/p' | sed 's/\\\\040/ /g;s/\\\\054/,/g;s/\\\\\\\\/\\\\/g'
done | awk '$2 !~ /^[0-9]+$/ && !seen[$0]++'`;

const UNKNOWN = `for owner in "$@"; do
  case $owner in
    'user '*) getent passwd "\${owner#* }" >/dev/null || printf '%s\\n' "$owner" ;;
    *) getent group "\${owner#* }" >/dev/null || printf '%s\\n' "$owner" ;;
  esac
done`;

/**
 * Users and groups that own entries of the source's data or stand in its access lists, and that the target does not know,
 * as `user NAME` and `group NAME`.
 *
 * Found before anything moves: under the fence the same entries would make the comparison park. Reads only.
 */
export async function missingOwners(target: Host, source: Walk): Promise<string[]> {
  const { config } = await readConfig(source.host);
  const paths = treesOf(config).map(({ path }) => path);
  const owners = await source.host.script(OWNERS, [`${config.dataDir}/cache`, ...paths], {
    timeoutMs: WALK_TIMEOUT_MS,
    signal: source.signal,
  });
  const names = owners.split('\n').filter((line) => line !== '');
  if (names.length === 0) return [];
  const unknown = await target.script(UNKNOWN, names.slice(0, MOST_NAMES));
  return unknown.split('\n').filter((line) => line !== '');
}
