import { createHash } from 'node:crypto';
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
      { name: 'command_lines', body: COMMAND_LINES },
      { name: 'programs', body: PROGRAMS },
      { name: 'open_files', body: openFiles(options.dataDirectories) },
    ],
  });
  const lines = (name: string): readonly string[] => pathLines(sections.get(name) ?? Buffer.alloc(0));
  const fields = (name: string): readonly Buffer[] => fieldsOf(sections.get(name) ?? Buffer.alloc(0));
  const processes = parseProcesses(
    {
      commandLines: sections.get('command_lines') ?? Buffer.alloc(0),
      programs: fields('programs'),
      openFiles: fields('open_files'),
    },
    options.programDirectories,
  );
  const unitFiles = byFirstWord(
    lines('unit_files').filter((line) => !/\s(transient|generated)\b/.test(line)),
    (words) => words[1] ?? '',
  );
  return {
    unitFiles,
    units: unitStates(lines('units')),
    products: parseProducts(lines('products')),
    accounts: Object.fromEntries(lines('accounts').map(accountOf)),
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
    migrationProcesses: processes.migration,
    productProcesses: processes.product,
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

const ACCOUNTS =
  "getent passwd | sed 's/^/passwd /' && getent group | sed 's/^/group /' && getent shadow | sed 's/^/shadow /'";

// Hashes of passwords are not kept: a digest is enough to see a change.
function accountOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  const value = line.slice(colon + 1);
  const kept = line.startsWith('shadow ')
    ? createHash('sha256').update(value).digest('hex').slice(0, 16)
    : value;
  return [line.slice(0, colon), kept];
}

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

// Three finds instead of a look at each process: a process that ends while they look is none.
function openFiles(dataDirectories: readonly string[]): string {
  const names = dataDirectories.map((path) => `-lname ${quoted(`${path}/*`)} -o -lname ${quoted(path)}`);
  return names.length === 0
    ? 'true'
    : `find /proc/[0-9]*/fd /proc/[0-9]*/cwd \\( ${names.join(' -o ')} \\) -print0 2>/dev/null; true`;
}
const PROGRAMS = "find /proc/[0-9]*/exe -printf '%p\\0%l\\0' 2>/dev/null; true";
// -v keeps the heads even where there is one file only; arguments are separated by NUL and head leaves them so
const COMMAND_LINES = 'head -v -c 4096 /proc/[0-9]*/cmdline 2>/dev/null; true';

// The trees are read at the same time: what this snapshot itself runs names every file that it reads. A unit of a
// migration that ran one of these has a shell above it, which is seen.
const OWN_TOOLS = /^(?:sha256sum|getfacl|getfattr|stat|find|xargs|sort|gzip|cat) /;

interface Processes {
  readonly migration: readonly string[];
  readonly product: readonly string[];
}

function parseProcesses(
  sections: {
    readonly commandLines: Buffer;
    readonly programs: readonly Buffer[];
    readonly openFiles: readonly Buffer[];
  },
  programDirectories: readonly string[],
): Processes {
  const pidOf = (path: Buffer): string => /^\/proc\/(\d+)\//.exec(path.toString('latin1'))?.[1] ?? '';
  const commands = new Map<string, string>();
  for (const block of sections.commandLines
    .toString('latin1')
    .split(/(?:^|\n\n?)==> (?=\/proc\/\d+\/cmdline <==\n)/)) {
    const [, pid, command] = /^\/proc\/(\d+)\/cmdline <==\n([^]*)$/.exec(block) ?? [];
    if (pid !== undefined && command !== undefined && command.trim() !== '') {
      commands.set(pid, pathText(Buffer.from(command.replaceAll('\0', ' ').trim(), 'latin1')));
    }
  }
  const holders = new Set(sections.openFiles.map(pidOf));
  for (let index = 0; index + 1 < sections.programs.length; index += 2) {
    const [path, program] = [sections.programs[index], String(sections.programs[index + 1])];
    if (path !== undefined && programDirectories.some((directory) => program.startsWith(`${directory}/`)))
      holders.add(pidOf(path));
  }
  for (const [pid, command] of commands) {
    if (programDirectories.some((directory) => command.includes(`${directory}/`))) holders.add(pid);
  }
  return {
    migration: [...commands.values()]
      .filter((command) => /\/var\/lib\/rehost\/|\.rehost-/.test(command) && !OWN_TOOLS.test(command))
      .sort(),
    product: [...commands]
      .filter(([pid, command]) => holders.has(pid) && !OWN_TOOLS.test(command))
      .map(([, command]) => command)
      .sort(),
  };
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
