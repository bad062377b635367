import { fenceDropInPath, fenceDropInText, fenceLines, type FencedUnit } from '../contracts/service-shell.js';
import { failure, RehostFailure } from '../failures.js';
import type { Host } from './host.js';

/** Proof of a fence at the moment it was raised; plain JSON, an outcome carries it to every later check. */
export interface FenceMark extends FencedUnit {
  /** ISO 8601 UTC by the host's clock. */
  readonly since: string;
  /** The unit's last start before the fence; another one later means that it was started. Empty when there was none. */
  readonly invocationId: string;
  readonly activeEnterTimestamp: string;
  /** Change time of the drop-in, seconds: one that was taken away and put back has another. */
  readonly dropInChangedAt: string;
  /** Programs that are the service: a process that runs one breaks the fence, however it was started. */
  readonly executables: readonly string[];
}

/** What a service is now. */
export interface ServiceState {
  readonly loaded: boolean;
  readonly active: boolean;
  readonly enabled: boolean;
  readonly fenced: boolean;
  readonly activeState: string;
  readonly invocationId: string;
  readonly activeEnterTimestamp: string;
  readonly executables: readonly string[];
}

/** Whether a fence still holds; each reason names what was seen. */
export type FenceState =
  { readonly kind: 'held' } | { readonly kind: 'broken'; readonly reasons: readonly string[] };

const SHOW = `unit=$1 drop_in=$2
systemctl show -p LoadState -p ActiveState -p InvocationID -p ActiveEnterTimestampMonotonic -p ExecStart -- "$unit"
printf 'enabled=%s\\n' "$(systemctl is-enabled -- "$unit" 2>/dev/null || true)"
printf 'now=%s\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
if [ -e "$drop_in" ]; then
  printf 'dropIn=%s\\n' "$(base64 -w0 <"$drop_in")"
  printf 'dropInChangedAt=%s\\n' "$(stat -c %.9Z -- "$drop_in")"
fi`;

/** Programs that run scripts: a service under one is known by its script, not by the interpreter. */
const INTERPRETER = /^(?:env|sh|bash|dash|ksh|zsh|perl|ruby|node|java|php|python[0-9.]*)$/;

async function showUnit(host: Host, unit: string): Promise<ReadonlyMap<string, string>> {
  const text = await host.script(SHOW, [unit, fenceDropInPath(unit)]);
  return new Map(
    text.split('\n').map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]),
  );
}

/** Reads a service's state; changes nothing. A unit that does not exist is neither loaded nor active. */
export async function readServiceState(host: Host, unit: string): Promise<ServiceState> {
  return stateFrom(await showUnit(host, unit));
}

function stateFrom(fields: ReadonlyMap<string, string>): ServiceState {
  const field = (name: string): string => fields.get(name) ?? '';
  return {
    loaded: field('LoadState') === 'loaded',
    active: ['active', 'activating', 'reloading', 'deactivating'].includes(field('ActiveState')),
    enabled: ['enabled', 'enabled-runtime', 'alias'].includes(field('enabled')),
    fenced: fields.has('dropIn'),
    activeState: field('ActiveState'),
    invocationId: field('InvocationID'),
    activeEnterTimestamp: field('ActiveEnterTimestampMonotonic'),
    executables: executablesOf(field('ExecStart')),
  };
}

/** The programs of systemd's `ExecStart` property; for an interpreter, the script that it runs. */
export function executablesOf(execStart: string): readonly string[] {
  const commands = [...execStart.matchAll(/path=(\S+) ; argv\[\]=(.*?) ; ignore_errors=/g)];
  return commands.flatMap(([, path = '', argv = '']) => {
    if (!INTERPRETER.test(path.replace(/^.*\//, ''))) return [path];
    const words = argv.split(' ').slice(1);
    return words
      .filter((word) => word.startsWith('/') && !INTERPRETER.test(word.replace(/^.*\//, '')))
      .slice(0, 1);
  });
}

/** `systemctl stop` waits for the unit's own `TimeoutStopSec`, 90 s by default. Who set it longer than this is asked. */
const STOP_TIMEOUT_MS = 300_000;

/**
 * Raises the fence and proves that the service is stopped; the mark is what later checks compare with.
 *
 * Repeat: safe; a repeat after the service was started behind the fence stops it again and gives a new mark.
 * @throws ServiceStillRunning when it does not stop, CommandFailed when the unit does not exist
 */
export async function raiseFence(
  host: Host,
  fenced: FencedUnit,
  options: { readonly stopTimeoutMs?: number } = {},
): Promise<FenceMark> {
  const { executables } = await readServiceState(host, fenced.unit);
  const late = await stopBehindFence(host, fenced, options);
  const fields = await showUnit(host, fenced.unit);
  const state = stateFrom(fields);
  if (state.active) {
    throw failure('ServiceStillRunning', {
      message: `${fenced.unit} on host ${host.name} is ${state.activeState} after it was stopped, wanted inactive`,
      detail: 'The fence stands, so it cannot be started again; what still runs may write.',
      hint: `See "systemctl status ${fenced.unit}" on ${host.name} for what does not end, end it, then run "rehost retry".`,
    });
  }
  // It ended between the two looks, and what comes after the stop was not done: a retry does it.
  if (late !== undefined) throw late;
  const { invocationId, activeEnterTimestamp } = state;
  const dropInChangedAt = fields.get('dropInChangedAt') ?? '';
  const since = fields.get('now') ?? '';
  return { ...fenced, since, invocationId, activeEnterTimestamp, dropInChangedAt, executables };
}

// A stop that takes longer than we wait for is told by our caller as what it is, not as a slow command.
async function stopBehindFence(
  host: Host,
  fenced: FencedUnit,
  { stopTimeoutMs = STOP_TIMEOUT_MS }: { readonly stopTimeoutMs?: number },
): Promise<RehostFailure | undefined> {
  try {
    const script = ['umask 022', ...fenceLines(fenced)].join('\n');
    // Without the Activity's signal: an abandoned script would go on, and disable the service after an undo enabled it.
    await host.script(script, [], { timeoutMs: stopTimeoutMs });
    return undefined;
  } catch (error) {
    if (error instanceof RehostFailure && error.type === 'CommandTimedOut') return error;
    throw error;
  }
}

// Prints one line per process: "exe PID COMMAND" for one that runs an executable of the service, "write PID PATH COMMAND"
// for one that holds a file below a data directory open for writing. Units of rehost and this shell are left out.
const PROCESSES = `executables=$1
shift
command_of() { tr '\\0\\n' '  ' <"/proc/$1/cmdline" 2>/dev/null | cut -c1-120; }
ours() { grep -q '/rehost-' "/proc/$1/cgroup" 2>/dev/null; }
[ -r /proc/1/exe ] || { echo "the processes of this host cannot be looked into" >&2; exit 1; }
for process in /proc/[0-9]*; do
  pid=\${process#/proc/}
  # Root without CAP_SYS_PTRACE, as in many containers, may not see the program of a process that changed its user: then
  # the first word of its command line is taken. Kernel threads have none.
  exe=$(readlink "$process/exe" 2>/dev/null) || exe=$(tr '\\0' '\\n' <"$process/cmdline" 2>/dev/null | head -n 1) || continue
  [ -n "$exe" ] || continue
  exe=\${exe% (deleted)}
  case "
$executables
" in
    *"
$exe
"*) ours "$pid" || printf 'exe %s %s\\n' "$pid" "$(command_of "$pid")"; continue ;;
  esac
  case \${exe##*/} in
    env | sh | bash | dash | ksh | zsh | perl* | ruby* | node | java | php* | python*) ;;
    *) continue ;;
  esac
  [ -n "$executables" ] || continue
  tr '\\0' '\\n' <"$process/cmdline" 2>/dev/null | sed -n '2,4p' | grep -q -x -F -- "$executables" || continue
  ours "$pid" || printf 'exe %s %s\\n' "$pid" "$(command_of "$pid")"
done
for directory in "$@"; do
  pattern=$(printf '%s' "$directory" | sed 's/[][*?\\\\]/\\\\&/g')
  find /proc/[0-9]*/fd -mindepth 1 -maxdepth 1 -lname "$pattern/*" -printf '%p %l\\n' 2>/dev/null | while read -r link path; do
    pid=\${link#/proc/}
    pid=\${pid%%/*}
    flags=$(sed -n 's/^flags:[[:space:]]*//p' "/proc/$pid/fdinfo/\${link##*/}" 2>/dev/null) || continue
    case $flags in *[1256]) ;; *) continue ;; esac
    ours "$pid" || printf 'write %s %s by %s\\n' "$pid" "$path" "$(command_of "$pid")"
  done || true
done`;

/**
 * Looks whether a fence still holds: drop-in, starts since, processes of the service, files open for writing.
 *
 * Files open for reading do not break it: rehost's own copies and manifests read below the same directories.
 */
export async function fenceState(
  host: Host,
  mark: FenceMark,
  options: { readonly dataDirectories: readonly string[] },
): Promise<FenceState> {
  const fields = await showUnit(host, mark.unit);
  const state = stateFrom(fields);
  const args = [mark.executables.join('\n'), ...options.dataDirectories];
  const processes = (await host.script(PROCESSES, args)).split('\n').filter((line) => line !== '');
  const dropIn = Buffer.from(fields.get('dropIn') ?? '', 'base64')
    .toString()
    .trim();
  const path = fenceDropInPath(mark.unit);
  const touched =
    dropIn !== fenceDropInText(mark.migration).trim() ||
    fields.get('dropInChangedAt') !== mark.dropInChangedAt;
  const reasons = [
    ...(state.fenced ? [] : [`the drop-in ${path} is gone`]),
    ...(state.fenced && touched ? [`the drop-in ${path} was changed or taken away since ${mark.since}`] : []),
    ...(state.active ? [`${mark.unit} is ${state.activeState}`] : []),
    ...startedSince(mark, state),
    ...processes.map(processReason),
  ];
  return reasons.length === 0 ? { kind: 'held' } : { kind: 'broken', reasons };
}

// systemd forgets both of an unloaded unit, and after a reboot both are empty: only another value means a start.
function startedSince(mark: FenceMark, state: ServiceState): readonly string[] {
  const other = (now: string, then: string): boolean => now !== '' && now !== '0' && now !== then;
  const started =
    other(state.invocationId, mark.invocationId) ||
    other(state.activeEnterTimestamp, mark.activeEnterTimestamp);
  return started ? [`${mark.unit} was started since ${mark.since}`] : [];
}

function processReason(line: string): string {
  const [kind, pid, ...rest] = line.split(' ');
  const text = rest.join(' ').trim();
  return kind === 'exe'
    ? `process ${pid} runs the service: ${text}`
    : `process ${pid} has a file open for writing: ${text}`;
}

/** Answers nothing while the fence holds. @throws FenceBroken naming every reason, with pid and command */
export async function assertFence(
  host: Host,
  mark: FenceMark,
  options: { readonly dataDirectories: readonly string[] },
): Promise<void> {
  const state = await fenceState(host, mark, options);
  if (state.kind === 'held') return;
  throw failure('FenceBroken', {
    message: `the fence of ${mark.unit} on host ${host.name} is broken: ${state.reasons[0] ?? ''}`,
    detail: `${state.reasons.join('\n')}\nThe fence was raised at ${mark.since}. What was copied under it may lack what was written since.`,
    hint: `Stop what is named on ${host.name}, then run "rehost rollback" and migrate again; "rehost retry" is right only when nothing was written.`,
  });
}
