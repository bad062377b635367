import type { z } from 'zod';
import {
  GCFG_PATH,
  PACKAGE_MANAGER_UNIT,
  SERVER,
  type PackageManagerDiscovery,
  type PackageManagerFacts,
  type packageManagerForecast,
} from '../contracts/package-manager.js';
import { CLAIM_PATH, FINISHED_PATH } from '../contracts/paths.js';
import { digestOf, sha256 } from '../digest.js';
import { failure } from '../failures.js';
import {
  isSecretSetting,
  isWithin,
  listSettings,
  parseEnvironment,
  resolvePackageManagerConfig,
  type PackageManagerConfig,
} from '../formats/package-manager-config.js';
import type { Host } from '../hosts/host.js';
import { walkData } from './package-manager-walks.js';

/** What a discovery asks for besides the host. */
export interface DiscoverOptions {
  readonly role: 'source' | 'target';
  /** Ends the walks over the data. */
  readonly signal: AbortSignal;
}

/** What one host alone tells; `peer` and `missingOwners` need the other end, and are found by who knows both. */
export interface OwnDiscovery extends Omit<PackageManagerDiscovery, 'forecast'> {
  readonly forecast: Forecast;
}

type Forecast = Omit<z.output<typeof packageManagerForecast>, 'peer' | 'missingOwners'>;

interface UnitFacts {
  readonly load: string;
  readonly active: string;
  readonly enabled: string;
  readonly user: string;
  readonly group: string;
  readonly environment: Readonly<Record<string, string>>;
}

const TOOLS =
  'rsync find sort sed xargs sha256sum stat getfacl getfattr flock systemd-run systemctl df du getent';
const SECRET_ENVIRONMENT = 'PACKAGEMANAGER_ENCRYPTION_KEY';

/** What the facts were made of, for the forecast. */
interface Reading {
  readonly facts: PackageManagerFacts;
  readonly unit: UnitFacts;
  readonly config: PackageManagerConfig;
  readonly text: string;
  readonly machine: Machine;
  readonly keys: number;
}

/**
 * Reads everything a plan needs to know of Package Manager on one host; changes nothing.
 *
 * Repeat: safe. Secrets: the encryption key leaves the host as SHA-256 only, settings as digests.
 * @throws ProductMissing when the host has no Package Manager
 */
export async function discoverPackageManager(host: Host, options: DiscoverOptions): Promise<OwnDiscovery> {
  const reading = await readHost(host);
  return { facts: reading.facts, forecast: await readForecast({ host, options, ...reading }) };
}

/** The pinned facts alone: what is read again at admission and after every gate, without a look at the data. */
export async function readPackageManagerFacts(host: Host): Promise<PackageManagerFacts> {
  return (await readHost(host)).facts;
}

async function readHost(host: Host): Promise<Reading> {
  const [{ unit, text, config }, machine] = await Promise.all([readConfig(host), readMachine(host)]);
  const [version, key, launcherDir] = await Promise.all([
    readVersion(host, unit),
    readKey(host, config, unit),
    readLauncherDir(host, config, machine.hostname),
  ]);
  const facts = {
    machineId: machine.machineId,
    os: machine.os,
    architecture: machine.architecture,
    version,
    configDigest: sha256(text),
    dataDir: config.dataDir,
    sqliteDir: config.sqliteDir,
    provider: config.provider,
    port: config.port,
    serviceUser: unit.user,
    serviceGroup: unit.group,
    keyPath: key.path,
    keyFingerprint: key.fingerprint,
    launcherDir,
    classDirs: config.classDirs.map(({ id, path }) => ({ id, path })),
  };
  return { facts, unit, config, text, machine, keys: key.count };
}

/** The effective configuration: file and environment of the unit. */
export async function readConfig(
  host: Host,
): Promise<{ readonly unit: UnitFacts; readonly text: string; readonly config: PackageManagerConfig }> {
  const [unit, text] = await Promise.all([
    readUnit(host),
    host.readFile(GCFG_PATH).then((content) => content ?? ''),
  ]);
  return { unit, text, config: resolvePackageManagerConfig(text, unit.environment) };
}

async function readUnit(host: Host): Promise<UnitFacts> {
  const shown = await host.check([
    ...['systemctl', 'show', PACKAGE_MANAGER_UNIT, '--no-pager'],
    ...['-p', 'LoadState,ActiveState,UnitFileState,User,Group,Environment,EnvironmentFiles'],
  ] as unknown as readonly [string, ...string[]]);
  const value = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(shown)?.[1] ?? '';
  const files = [...shown.matchAll(/^EnvironmentFiles=(\S+)/gm)].map((match) => match[1] ?? '');
  const texts = await Promise.all(files.map(async (file) => (await host.readFile(file)) ?? ''));
  return {
    load: value('LoadState'),
    active: value('ActiveState'),
    enabled: value('UnitFileState'),
    user: value('User') || 'rstudio-pm',
    group: value('Group') || value('User') || 'rstudio-pm',
    environment: parseEnvironment([splitEnvironment(value('Environment')), ...texts].join('\n')),
  };
}

// systemctl prints all assignments on one line, quoted where they hold blanks.
const splitEnvironment = (line: string): string =>
  [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '').join('\n');

async function readVersion(host: Host, unit: UnitFacts): Promise<string> {
  const result = await host.run([SERVER, '--version']);
  const version = /\d{4}\.\d{1,2}\.\d+\S*/.exec(result.stdout)?.[0];
  if (result.end.kind === 'exited' && result.end.exitStatus === 0 && version !== undefined) return version;
  throw failure('ProductMissing', {
    message: `host ${host.name} has no Package Manager: ${SERVER} --version gave no version`,
    detail: `unit ${PACKAGE_MANAGER_UNIT}: LoadState=${unit.load}; stderr: ${result.stderr.trim().slice(-400)}`,
    hint: `Install Posit Package Manager on ${host.name} (Phase 1), or correct the host in the spec, then run "rehost plan" again.`,
  });
}

interface Machine {
  readonly machineId: string;
  readonly os: string;
  readonly architecture: string;
  readonly hostname: string;
  readonly clockMs: number;
}

async function readMachine(host: Host): Promise<Machine> {
  const text = await host.script(
    '. /etc/os-release; cat /etc/machine-id; printf "%s %s\\n" "$ID" "${VERSION_ID:-}"; uname -m; cat /proc/sys/kernel/hostname; date +%s%3N',
  );
  const [machineId = '', os = '', architecture = '', hostname = '', clock = ''] = text.trim().split('\n');
  return { machineId, os, architecture, hostname, clockMs: Number(clock) };
}

async function readKey(
  host: Host,
  config: PackageManagerConfig,
  unit: UnitFacts,
): Promise<{ path: string; fingerprint: string; count: number }> {
  const environment = unit.environment[SECRET_ENVIRONMENT];
  const candidates = [
    `${config.dataDir}/rstudio-pm.key`,
    `${config.dataDir}/persistent/encryption/rstudio-pm.key`,
  ];
  const text = await host.script(
    'for f in "$@"; do if [ -f "$f" ]; then sha256sum -- "$f"; fi; done',
    candidates,
  );
  const found = text
    .split('\n')
    .map((line) => /^([0-9a-f]{64}) {2}(.*)$/.exec(line))
    .flatMap((match) => (match === null ? [] : [{ path: match[2] ?? '', fingerprint: match[1] ?? '' }]));
  const all = [
    ...(environment === undefined ? [] : [{ path: 'environment', fingerprint: sha256(environment) }]),
    ...found,
  ];
  return { path: all[0]?.path ?? '', fingerprint: all[0]?.fingerprint ?? '', count: all.length };
}

// The default's name carries the host's name; the exact form is not documented to us, so it is looked for.
async function readLauncherDir(host: Host, config: PackageManagerConfig, hostname: string): Promise<string> {
  if (config.launcherDir !== undefined) return config.launcherDir;
  const found = await lines(
    host,
    'find "$1" -maxdepth 1 -type d -name "*launcher*$2*" 2>/dev/null | sort || true',
    [config.dataDir, hostname],
  );
  return found[0] ?? '';
}

interface ForecastSources extends Reading {
  readonly host: Host;
  readonly options: DiscoverOptions;
}

async function readForecast(sources: ForecastSources): Promise<Forecast> {
  const { host, config, unit, machine, options } = sources;
  const trees = treesOf(config);
  const paths = [...config.rVersions, ...config.pythonVersions];
  const walks = walkData({ host, signal: options.signal }, { dataDir: config.dataDir, trees });
  // What fails first is told below; the walks' own failure must not be without a listener until then.
  walks.catch(() => undefined);
  return {
    hostKey: await host.hostKey(),
    hostname: machine.hostname,
    login: await readLogin(host),
    clockMs: machine.clockMs,
    missingTools: await lines(host, 'for t in $1; do command -v "$t" >/dev/null || echo "$t"; done', [
      options.role === 'target' ? `${TOOLS} sqlite3 ssh-keygen ssh ssh-keyscan` : TOOLS,
    ]),
    unit: { load: unit.load, active: unit.active, enabled: unit.enabled },
    ...(await walks),
    free: await Promise.all(trees.map((tree) => readFree(host, tree.path))),
    innerMounts: await readInnerMounts(host, trees),
    keys: sources.keys,
    licences: await lines(host, 'find "$1" -maxdepth 1 -name "*.lic" -printf "%f\\n" 2>/dev/null || true', [
      config.dataDir,
    ]),
    databases: await lines(
      host,
      'find "$1" -maxdepth 1 -type f \\( -name "*.db" -o -name "*.sqlite" -o -name "*.sqlite3" \\) -printf "%f\\n" 2>/dev/null | sort || true',
      [config.sqliteDir],
    ),
    repositories:
      unit.active === 'active'
        ? await readRepositories(host, config.port)
        : 'not asked: the service is not active',
    configProblems: config.problems.map((problem) => `line ${problem.line}: ${problem.message}`),
    missingPaths: await lines(host, 'for p in "$@"; do [ -e "$p" ] || echo "$p"; done', paths),
    installedR: await lines(host, 'for p in /opt/R/*; do [ -x "$p/bin/R" ] && echo "$p"; done; true'),
    rVersions: [...config.rVersions],
    pythonVersions: [...config.pythonVersions],
    remoteClasses: [...config.remoteClasses],
    overridden: [...config.overridden],
    settingsDigests: settingsDigests(sources.text),
    groupMembers: await lines(host, 'getent group "$1" | cut -d: -f4 | tr , "\\n"', [unit.group]),
    claim: (await host.readFile(CLAIM_PATH)) ?? '',
    finished: lastLine((await host.readFile(FINISHED_PATH)) ?? ''),
    upstream: await readUpstream(host, config),
  };
}

/** The directories that move: the data directory and everything of the product that leaves it. */
export function treesOf(
  config: Pick<PackageManagerConfig, 'dataDir' | 'sqliteDir' | 'classDirs'>,
): readonly { id: string; path: string }[] {
  const outside = isWithin(config.sqliteDir, config.dataDir)
    ? []
    : [{ id: 'sqlite', path: config.sqliteDir }];
  return [{ id: 'data', path: config.dataDir }, ...outside, ...config.classDirs];
}

// The kernel writes blanks of a path as \040, and so on. @see proc_pid_mountinfo(5)
async function readInnerMounts(host: Host, trees: readonly { readonly path: string }[]): Promise<string[]> {
  const points = (await lines(host, "cut -d ' ' -f 5 /proc/self/mountinfo")).map((point) =>
    point.replace(/\\([0-7]{3})/g, (_whole, octal: string) => String.fromCharCode(parseInt(octal, 8))),
  );
  return [...new Set(points)].filter((point) => trees.some(({ path }) => point.startsWith(`${path}/`)));
}

async function readFree(host: Host, path: string): Promise<Forecast['free'][number]> {
  const text = await host.script(
    'd=$1; while [ ! -d "$d" ]; do d=$(dirname "$d"); done; p=$(dirname "$1"); while [ ! -d "$p" ]; do p=$(dirname "$p"); done; stat -c %d "$p"; df -B1 --output=avail "$p" | tail -n 1; df --output=iavail "$p" | tail -n 1; [ "$(stat -c %d "$d")" = "$(stat -c %d "$p")" ] && echo same || echo mount',
    [path],
  );
  const [device = '', bytes = '0', inodes = '0', mount = ''] = text
    .trim()
    .split('\n')
    .map((line) => line.trim());
  // File systems without fixed inodes (btrfs, some network ones) print "-": then inodes are not a limit.
  const free = /^\d+$/.test(inodes) ? Number(inodes) : Number.MAX_SAFE_INTEGER;
  return { path, device, bytes: Number(bytes), inodes: free, mountPoint: mount === 'mount' };
}

async function readRepositories(host: Host, port: number): Promise<string> {
  const answer = await host.request({ port, path: '/__api__/repos' });
  if (answer.status !== 200) return `status ${answer.status}`;
  const list: unknown = JSON.parse(answer.text);
  return Array.isArray(list)
    ? `${list.length} repositories, digest ${digestOf(list).slice(0, 12)}`
    : 'not a list';
}

async function readUpstream(host: Host, config: PackageManagerConfig): Promise<string> {
  if (config.airGapped) return 'air-gapped by configuration';
  if (config.upstream === undefined) return 'not configured';
  const result = await host.run(['curl', '-sfIL', '-o', '/dev/null', '--max-time', '10', config.upstream]);
  return result.end.kind === 'exited' && result.end.exitStatus === 0 ? 'reachable' : 'not reachable';
}

async function readLogin(host: Host): Promise<string> {
  return (await host.check(['id', '-un'], { as: 'login' })).trim();
}

// Digests per setting let a plan name what differs between the hosts without carrying a value; secrets are left out.
function settingsDigests(text: string): Record<string, string> {
  const settings = listSettings(text).filter(({ key }) => !isSecretSetting(key));
  return Object.fromEntries(settings.map(({ key, value }) => [key, sha256(value).slice(0, 12)]));
}

async function lines(host: Host, script: string, args: readonly string[] = []): Promise<string[]> {
  return (await host.script(script, args)).split('\n').filter((line) => line !== '');
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
