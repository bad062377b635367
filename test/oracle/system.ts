import { excluded, matchesAny } from './exclusions.js';
import { fieldsOf, pathText, quoted, runSections, type Exec } from './exec.js';

/** What systemd, accounts, keys and left-overs look like on a host. Keys are names or paths, values readable lines. */
export interface SystemState {
  /** Unit file → enabled, disabled, masked, static…, for every installed unit. */
  readonly unitFiles: Readonly<Record<string, string>>;
  /** Unit → `active/sub` of every service, socket, timer and path that is not excluded. */
  readonly units: Readonly<Record<string, string>>;
  /** Product unit → its properties (state, fragment, drop-ins, reload needed, user). */
  readonly products: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** `passwd NAME`, `group NAME`, `shadow NAME` (digest) → line. */
  readonly accounts: Readonly<Record<string, string>>;
  /** Path of each authorized_keys → its lines. */
  readonly authorizedKeys: Readonly<Record<string, readonly string[]>>;
  /** Paths with "rehost" in the name anywhere on the host but /proc and /sys. */
  readonly leftOvers: readonly string[];
  /** Transient units and run-time drop-ins: file names beneath /run/systemd, and loaded units named rehost-*. */
  readonly transient: readonly string[];
  /** Command lines of processes that work for a migration (their text names its directories). */
  readonly migrationProcesses: readonly string[];
  /** Command lines of processes that run a product's program or hold a file of its data open. */
  readonly productProcesses: readonly string[];
}

/** What to look at besides the defaults. */
export interface SystemOptions {
  /** Product units, for example `rstudio-pm.service`. */
  readonly units: readonly string[];
  readonly dataDirectories: readonly string[];
  readonly programDirectories: readonly string[];
  /** False only where systemd is not PID 1 (developing the oracle); everything about units is then empty. */
  readonly systemd: boolean;
}

const PROPERTIES = [
  'LoadState',
  'ActiveState',
  'SubState',
  'UnitFileState',
  'FragmentPath',
  'DropInPaths',
  'NeedDaemonReload',
  'User',
  'Group',
];

/**
 * Units, accounts, authorized keys, left-overs and processes of a host.
 *
 * Tools: systemctl, getent, find, readlink. Reads only. @throws OracleError
 */
export async function readSystem(exec: Exec, host: string, options: SystemOptions): Promise<SystemState> {
  const sections = await runSections(exec, host, {
    sections: [
      {
        name: 'unit_files',
        body: options.systemd ? 'systemctl list-unit-files --all --no-legend --plain --no-pager' : 'true',
      },
      {
        name: 'units',
        body: options.systemd ? 'systemctl list-units --all --no-legend --plain --no-pager --full' : 'true',
      },
      { name: 'products', body: options.systemd ? showProducts(options.units) : 'true' },
      { name: 'accounts', body: ACCOUNTS },
      { name: 'authorized_keys', body: AUTHORIZED_KEYS },
      { name: 'left_overs', body: LEFT_OVERS },
      { name: 'transient', body: TRANSIENT },
      { name: 'processes', body: processes(options) },
    ],
  });
  const lines = (name: string): readonly string[] => pathLines(sections.get(name) ?? Buffer.alloc(0));
  const fields = (name: string): readonly Buffer[] => fieldsOf(sections.get(name) ?? Buffer.alloc(0));
  const found = fields('processes').map(pathText);
  const unitFiles = byFirstWord(
    lines('unit_files').filter((line) => !/\s(transient|generated)\b/.test(line)),
    (words) => words[1] ?? '',
  );
  return {
    unitFiles,
    units: unitStates(lines('units')),
    products: parseProducts(lines('products')),
    accounts: Object.fromEntries(
      lines('accounts').map((line) => [line.split(':', 1)[0] ?? '', line.slice(line.indexOf(':') + 1)]),
    ),
    authorizedKeys: pairs(fields('authorized_keys')),
    leftOvers: fields('left_overs').map(pathText).sort(),
    transient: [
      ...fields('transient').map(pathText),
      ...lines('units')
        .filter((line) => line.startsWith('rehost-'))
        .map((line) => line.split(/\s+/, 1)[0] ?? '')
        .filter((unit) => unitFiles[unit] === undefined)
        .map((unit) => `unit ${unit}`),
    ]
      .filter((path) => !/\/(session-|user-|user@)[^/]*(\/|$)/.test(path))
      .sort(),
    migrationProcesses: found
      .filter((line) => line.startsWith('migration '))
      .map((line) => line.slice(10))
      .sort(),
    productProcesses: found
      .filter((line) => line.startsWith('product '))
      .map((line) => line.slice(8))
      .sort(),
  };
}

const showProducts = (units: readonly string[]): string =>
  [
    ...units.map(
      (unit) =>
        `echo "unit ${unit}"; systemctl show -p ${PROPERTIES.join(',')} -- ${quoted(unit)} || return 1`,
    ),
    'true',
  ].join('\n');

// Hashes of passwords are not kept: a digest is enough to see a change.
const ACCOUNTS = `getent passwd | sed 's/^/passwd /' && getent group | sed 's/^/group /' &&
getent shadow | while IFS= read -r line; do printf 'shadow %s:%s\\n' "\${line%%:*}" "$(printf '%s' "$line" | sha256sum | cut -c1-16)"; done`;

const AUTHORIZED_KEYS = `getent passwd | cut -d: -f6 | sort -u | while IFS= read -r home; do
  for file in "$home/.ssh/authorized_keys" "$home/.ssh/authorized_keys2"; do
    if [ -f "$file" ]; then printf '%s\\0' "$file"; cat "$file" || exit 1; printf '\\0'; fi
  done
done`;

// A directory that vanishes while find looks is no failure here: only names are wanted.
const LEFT_OVERS = `find / \\( -path /proc -o -path /sys -o -path '/var/lib/rehost/*/*' \\) -prune -o -name '*rehost*' -print0 -o -path '/var/lib/rehost/*' -print0 2>/dev/null
true`;

const TRANSIENT = `for dir in /run/systemd/transient /run/systemd/system /run/systemd/system.control /run/systemd/system.attached; do
  if [ -d "$dir" ]; then find "$dir" -mindepth 1 -print0 || return 1; fi
done`;

function processes({ dataDirectories, programDirectories }: SystemOptions): string {
  const programs = programDirectories.map((path) => `${path}/`);
  const matches = programs.map((path) => `*${quoted(path)}*`).join('|') || "''";
  const open =
    dataDirectories.map((path) => `-lname ${quoted(`${path}/*`)} -o -lname ${quoted(path)}`).join(' -o ') ||
    '-false';
  // $$ is the oracle's own shell; its text came through stdin, so its command line names nothing.
  return `for proc in /proc/[0-9]*; do
  command=$(tr '\\0' ' ' <"$proc/cmdline" 2>/dev/null) || continue
  [ -n "$command" ] || continue
  exe=$(readlink "$proc/exe" 2>/dev/null)
  case $command in */var/lib/rehost/*|*.rehost-*) printf 'migration %s\\0' "$command" ;; esac
  case "$exe $command" in ${matches}) printf 'product %s\\0' "$command"; continue ;; esac
  if [ -n "$(find "$proc/fd" "$proc/cwd" \\( ${open} \\) -print 2>/dev/null | head -n 1)" ]; then printf 'product %s\\0' "$command"; fi
done
true`;
}

function pathLines(bytes: Buffer): readonly string[] {
  return bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
}

function byFirstWord(
  lines: readonly string[],
  value: (words: readonly string[]) => string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', ...rest] = line.trim().split(/\s+/);
      return [name, value([name, ...rest])];
    }),
  );
}

function unitStates(lines: readonly string[]): Readonly<Record<string, string>> {
  const patterns = excluded('unit');
  const wanted = lines
    .map((line) => line.replace(/^[●*\s]+/, ''))
    .filter((line) => /^\S+\.(service|socket|timer|path)\s/.test(line) && !line.startsWith('rehost-'))
    .filter((line) => !matchesAny(patterns, line.split(/\s+/, 1)[0] ?? ''))
    // a unit that is merely known to systemd and one that it has forgotten are the same
    .filter((line) => !/^\S+\s+\S+\s+inactive\s+dead\b/.test(line));
  return byFirstWord(wanted, (words) => `${words[2] ?? ''}/${words[3] ?? ''}`);
}

function parseProducts(lines: readonly string[]): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const products: Record<string, Record<string, string>> = {};
  let current: Record<string, string> = {};
  for (const line of lines) {
    if (line.startsWith('unit ')) {
      current = {};
      products[line.slice(5)] = current;
    } else current[line.slice(0, line.indexOf('='))] = line.slice(line.indexOf('=') + 1);
  }
  return products;
}

function pairs(fields: readonly Buffer[]): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {};
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [path, content] = [fields[index], fields[index + 1]];
    if (path !== undefined && content !== undefined) found[pathText(path)] = pathLines(content);
  }
  return found;
}
