/*
 * Shell texts of units. They are constant; values go into their arguments.
 */

/** Prints the boot identity: boot id and start time of PID 1 (containers share a boot id, never that time). */
export const PRINT_BOOT = `boot_identity() {
  read -r boot </proc/sys/kernel/random/boot_id
  read -r stat </proc/1/stat
  set -- \${stat##*) }
  shift 19
  printf '%s+%s' "$boot" "$1"
}`;

/**
 * The unit's own program: elects itself, runs the script, writes the exit record.
 *
 * \`started\` is made by ln, which like \`set -C\` fails when the name exists but never shows half a content. It stops a
 * late start from running a finished or killed unit again once systemd has forgotten its name.
 * Arguments: directory, spec hash, journal, unit.
 */
export const UNIT_PROGRAM = `set -u
directory=$1 hash=$2 journal=$3 unit=$4
umask 077
export LC_ALL=C.UTF-8 REHOST_DIR="$directory"
cd -- "$directory" || exit 70
exec </dev/null >>stdout 2>>stderr
${PRINT_BOOT}
uptime_ms() { read -r up rest </proc/uptime; printf '%s' "\${up%.*}\${up#*.}0"; }
[ ! -e exit ] || exit 0
boot=$(boot_identity)
invocation=\${INVOCATION_ID:-none}
started_at=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
printf '{"boot":"%s","spec":"%s","invocationId":"%s","pid":%s,"startedAt":"%s"}\\n' "$boot" "$hash" "$invocation" "$$" "$started_at" >"started.$$"
sync "started.$$"
ln -T "started.$$" started 2>/dev/null || { rm -f "started.$$"; exit 0; }
rm -f "started.$$"
printf '%s %s %s %s\\n' "$started_at" "$unit" "$invocation" "$boot" >>"$journal"
sync "$journal" .
began=$(uptime_ms)
sh -eu "$directory/script"
status=$?
printf '{"exitStatus":%s,"spec":"%s","invocationId":"%s","startedAt":"%s","endedAt":"%s","durationMs":%s}\\n' "$status" "$hash" "$invocation" "$started_at" "$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)" "$(($(uptime_ms) - began))" >exit.temp &&
  sync exit.temp && mv -T exit.temp exit && sync . || { echo "rehost: the exit record could not be written (status $status)" >&2; exit 74; }
exit "$status"
`;

/**
 * Starts a unit or finds it. Arguments: directory, unit, hash, generation, unit name up to the generation, journal,
 * longest run in seconds, then properties. Stdin: files as \`SIZE NAME\` lines followed by their bytes, then \`0 end\`.
 *
 * Answers one word: started, attached, finished, stopped, conflict HASH, superseded N, former-alive UNIT. Everything
 * happens under one lock of the step, so a launcher of an older generation that wakes up late finds the newer number.
 */
export const START_UNIT = `directory=$1 unit=$2 hash=$3 generation=$4 stem=$5 journal=$6 limit=$7
shift 7
umask 077
step=\${directory%/*}
mkdir -p -- "$directory/inputs"
exec 9>>"$step/lock"
flock -w 30 9 || { echo "another start of this step holds its lock" >&2; exit 75; }
property() { systemctl show -p "$2" --value -- "$1"; }
highest=0
[ ! -s "$step/generation" ] || read -r highest <"$step/generation"
[ "$generation" -ge "$highest" ] || { echo "superseded $highest"; exit 0; }
if [ "$highest" -gt 0 ] && [ "$generation" -gt "$highest" ]; then
  former=$stem$highest.service
  if [ "$(property "$former" LoadState)" = loaded ]; then
    group=$(property "$former" ControlGroup)
    systemctl stop -- "$former" || true
    systemctl reset-failed -- "$former" 2>/dev/null || true
    case $(property "$former" ActiveState) in inactive | failed) ;; *) echo "former-alive $former"; exit 0 ;; esac
    for procs in /sys/fs/cgroup"$group"/cgroup.procs /sys/fs/cgroup/systemd"$group"/cgroup.procs; do
      if [ -n "$group" ] && [ -r "$procs" ] && read -r pid <"$procs"; then echo "former-alive $former"; exit 0; fi
    done
  fi
fi
if [ "$generation" -gt "$highest" ]; then
  echo "$generation" >"$step/generation.temp"
  sync "$step/generation.temp"
  mv -T "$step/generation.temp" "$step/generation"
fi
if [ -s "$directory/spec" ]; then
  read -r found <"$directory/spec"
  [ "$found" = "$hash" ] || { echo "conflict $found"; exit 0; }
else
  while read -r size name; do
    [ "$name" != end ] || break
    head -c "$size" >"$directory/$name"
    [ "$(stat -c %s "$directory/$name")" = "$size" ] || { echo "the unit's files did not arrive whole" >&2; exit 75; }
  done
  [ "\${name-}" = end ] || { echo "the unit's files did not arrive whole" >&2; exit 75; }
  echo "$hash" >"$directory/spec.temp"
  for file in "$directory"/* "$directory"/inputs/*; do
    [ ! -f "$file" ] || sync -- "$file"
  done
  mv -T "$directory/spec.temp" "$directory/spec"
  sync "$directory"
fi
[ ! -e "$directory/exit" ] || { echo finished; exit 0; }
[ ! -e "$directory/stopped" ] || { echo stopped; exit 0; }
[ ! -e "$directory/started" ] || { echo attached; exit 0; }
if said=$(systemd-run --quiet --unit="$unit" -p RemainAfterExit=yes -p KillMode=control-group -p TimeoutStopSec=20 -p "RuntimeMaxSec=$limit" "$@" \\
  /bin/sh "$directory/program" "$directory" "$hash" "$journal" "$unit" 2>&1 9>&-); then
  echo started
elif [ "$(property "$unit" LoadState)" = loaded ]; then
  echo attached
else
  printf '%s\\n' "$said" >&2
  exit 1
fi`;

/**
 * Everything about a unit in one round trip. Arguments: directory, unit, progress file.
 *
 * The unit's state is read before the record, so that a unit that ends in between is never seen as ended without a
 * record; the other order of start and poll is settled by reading both again. Whether the host shuts down is asked last:
 * systemd ends its units first, and while it ends itself it answers unknown or nothing at all (measured).
 */
export const POLL_UNIT = `directory=$1 unit=$2 progress=$3
${PRINT_BOOT}
encoded() { if [ -e "$2" ]; then printf '%s=%s\\n' "$1" "$(tail -c "$3" -- "$2" | base64 -w0)"; fi; }
look() {
  state=$(systemctl show -p LoadState -p ActiveState -p SubState -p Result -p ExecMainStatus -p InvocationID -- "$unit")
  [ -e "$directory/started" ] && started=yes || started=
  [ -e "$directory/exit" ] && ended=yes || ended=
}
look
case $state in *LoadState=not-found*) if [ -n "$started" ] && [ -z "$ended" ]; then look; fi ;; esac
printf 'boot=%s\\n%s\\n' "$(boot_identity)" "$state"
case $(systemctl is-system-running 2>/dev/null || true) in stopping | unknown | offline | '') echo stopping=yes ;; esac
encoded spec "$directory/spec" 100
[ -z "$started" ] || encoded started "$directory/started" 4096
[ -z "$ended" ] || encoded exit "$directory/exit" 4096
[ ! -e "$directory/stopped" ] || echo stopped=yes
encoded progress "$progress" 4096
encoded stderr "$directory/stderr" 8192
where=$directory
[ -e "$where" ] || where=/
stat -f -c 'free=%a %S %d' -- "$where"`;

/**
 * Stops a unit and waits until nothing of it is left. Arguments: directory, unit, \`mark\` or \`free\`.
 *
 * \`mark\` leaves \`stopped\` beside an unfinished unit, so that a late start does not begin it anew.
 */
export const STOP_UNIT = `directory=$1 unit=$2 mode=$3
umask 077
property() { systemctl show -p "$2" --value -- "$1"; }
if [ "$mode" = mark ] && [ -d "\${directory%/*}" ]; then
  exec 9>>"\${directory%/*}/lock"
  flock -w 30 9 || { echo "a start of this step holds its lock" >&2; exit 75; }
  mkdir -p -- "$directory"
  [ -e "$directory/exit" ] || : >"$directory/stopped"
fi
[ "$(property "$unit" LoadState)" = loaded ] || exit 0
group=$(property "$unit" ControlGroup)
systemctl stop -- "$unit" 9>&- || true
systemctl reset-failed -- "$unit" 2>/dev/null || true
tries=0
while [ -n "$group" ]; do
  left=
  for procs in /sys/fs/cgroup"$group"/cgroup.procs /sys/fs/cgroup/systemd"$group"/cgroup.procs; do
    if [ -r "$procs" ]; then left=$left$(tr '\\n' ' ' <"$procs"); fi
  done
  [ -n "$left" ] || break
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || { echo "processes of $unit are still alive: $left" >&2; exit 1; }
  sleep 0.1
done
case $(property "$unit" ActiveState) in inactive | failed) ;; *) echo "$unit is still $(property "$unit" ActiveState)" >&2; exit 1 ;; esac`;
