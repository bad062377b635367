/*
 * The swap's shell text. Variables: live, incoming, former, live_inode, incoming_inode, journal, step (the step's directory).
 * Exit 65: not what was recorded. Exit 66: a rename crossed file systems.
 */

// `--no-copy` (coreutils 9.5 and newer) refuses instead of copying; older ones are caught by the changed inode.
const COMMON = String.raw`inode() { stat -c %i -- "$1" 2>/dev/null || echo absent; }
if mv --help | grep -q -- --no-copy; then no_copy=--no-copy; else no_copy=; fi
move() {
  before=$(inode "$1")
  mv -T $no_copy -- "$1" "$2" || exit 66
  [ "$(inode "$2")" = "$before" ] || { echo "rehost: the inode of $2 changed: it was copied, not renamed" >&2; exit 66; }
}`;

const JOURNAL = String.raw`journal() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*" >> "$journal"; }`;

/** live → former, incoming → live. Where a run stopped is read from the inodes, never from the journal. */
export const SWAP_TREES = String.raw`umask 077
${COMMON}
${JOURNAL}
state="live $(inode "$live"), incoming $(inode "$incoming"), former $(inode "$former")"
wrong() { echo "rehost: the trees are not as recorded (live $live_inode, incoming $incoming_inode): $state" >&2; exit 65; }
if [ "$(inode "$live")" = "$incoming_inode" ]; then
  [ "$(inode "$former")" = "$live_inode" ] && [ ! -e "$incoming" ] || wrong
else
  [ "$(inode "$incoming")" = "$incoming_inode" ] || wrong
  if [ "$live_inode" != absent ] && [ "$(inode "$live")" = "$live_inode" ]; then
    [ ! -e "$former" ] || wrong
    journal "live to former: inode $live_inode"
    move "$live" "$former"
  fi
  [ "$(inode "$live")" = absent ] && [ "$(inode "$former")" = "$live_inode" ] || wrong
  journal "incoming to live: inode $incoming_inode"
  move "$incoming" "$live"
fi
sync -f "$(dirname -- "$live")"`;

/** live → incoming, former → live; safe from any point of the swap, and when nothing was swapped. */
export const SWAP_TREES_UNDO = String.raw`${COMMON}
if [ -e "$former" ]; then
  if [ -e "$live" ]; then
    if [ "$(inode "$live")" != "$incoming_inode" ] && [ -e "$incoming" ]; then
      echo "rehost: $live is neither absent nor what was swapped in; look at $former and $incoming by hand" >&2
      exit 65
    fi
    [ ! -e "$incoming" ]
    move "$live" "$incoming"
  fi
  move "$former" "$live"
elif [ "$live_inode" = absent ] && [ "$(inode "$live")" = "$incoming_inode" ] && [ ! -e "$incoming" ]; then
  move "$live" "$incoming"
fi
sync -f "$(dirname -- "$live")"`;

// One entry: named in a list, moved once. An entry that is gone from its place was moved by a former run.
const EACH = String.raw`list() { find "$1" -mindepth 1 -maxdepth 1 ! -name '.rehost-*' ! -name lost+found -printf '%f\0' | LC_ALL=C sort -z; }
each() {
  xargs -0 -r -n 1 sh -c 'here=$1/$4 there=$2/$4
[ -e "$here" ] || [ -L "$here" ] || exit 0
if [ -e "$there" ] || [ -L "$there" ]; then echo "rehost: $there is in the way of $here" >&2; exit 255; fi
before=$(stat -c %i -- "$here")
mv -T $3 -- "$here" "$there" || exit 255
[ "$(stat -c %i -- "$there")" = "$before" ] || { echo "rehost: the inode of $there changed: it was copied, not renamed" >&2; exit 255; }' rehost "$2" "$3" "$no_copy" < "$1" || exit 66
}`;

/**
 * Entry by entry inside a mount point. The names on both sides are written down first; `swap.second` marks that all
 * live entries are away and incoming ones come in, so that a repeat knows whose an entry of the live directory is.
 */
export const SWAP_ENTRIES = String.raw`umask 077
${COMMON}
${JOURNAL}
${EACH}
[ "$(inode "$live")" = "$live_inode" ] && [ "$(inode "$incoming")" = "$incoming_inode" ] || {
  echo "rehost: the trees are not as recorded (live $live_inode, incoming $incoming_inode)" >&2
  exit 65
}
record() { [ -e "$step/swap.$1" ] || { cat > "$step/swap.$1.new"; mv -f -- "$step/swap.$1.new" "$step/swap.$1"; }; }
stat -c '%u:%g %a' -- "$live" | record root
list "$incoming" | record incoming-names
list "$live" | record former-names
mkdir -p -m 0700 -- "$former"
if [ ! -e "$step/swap.second" ]; then
  journal "entries of live to former"
  each "$step/swap.former-names" "$live" "$former"
  sync -f "$live"
  journal "entries of incoming to live"
  : > "$step/swap.second"
fi
each "$step/swap.incoming-names" "$incoming" "$live"
chown --reference "$incoming" -- "$live"
chmod --reference "$incoming" -- "$live"
sync -f "$live"`;

/** The way back, entry by entry, from any point; nothing to do when no names were written down. */
export const SWAP_ENTRIES_UNDO = String.raw`${COMMON}
${EACH}
if [ -e "$step/swap.former-names" ]; then
  if [ -e "$step/swap.second" ]; then
    # A finished migration has discarded the emptied directory.
    [ -d "$incoming" ] || mkdir -m 0700 -- "$incoming"
    each "$step/swap.incoming-names" "$live" "$incoming"
    rm -f -- "$step/swap.second"
  fi
  each "$step/swap.former-names" "$former" "$live"
  read -r owner mode < "$step/swap.root"
  chown "$owner" -- "$live"
  chmod "$mode" -- "$live"
  if [ -d "$former" ]; then rmdir -- "$former"; fi
  rm -f -- "$step/swap.former-names" "$step/swap.incoming-names" "$step/swap.root"
  sync -f "$live"
fi`;
