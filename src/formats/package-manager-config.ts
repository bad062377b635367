/*
 * The effective configuration of Posit Package Manager: the gcfg file with the environment of the unit applied over it.
 */
import { gcfgValues, parseGcfg, type Gcfg } from './gcfg.js';

/** Where the product keeps things, after file, environment and defaults. Paths are absolute, without trailing slash. */
export interface PackageManagerConfig {
  readonly dataDir: string;
  readonly sqliteDir: string;
  readonly provider: string;
  readonly launcherDir: string | undefined;
  readonly tempDir: string;
  readonly rVersions: readonly string[];
  readonly pythonVersions: readonly string[];
  /** Port of the first HTTP listener. */
  readonly port: number;
  /** URL of the upstream that caches are fetched from again, when one is configured. */
  readonly upstream: string | undefined;
  readonly airGapped: boolean;
  /** Storage classes kept elsewhere than under the data directory, by the section that names them. */
  readonly classDirs: readonly { readonly id: string; readonly path: string }[];
  /** Storage classes in object storage: they are not on this host. */
  readonly remoteClasses: readonly string[];
  /** Lines of the file that are not gcfg. */
  readonly problems: readonly { readonly line: number; readonly message: string }[];
  /** Names of the properties that the environment overrides, never their values. */
  readonly overridden: readonly string[];
}

/** Default place of the data. @see Posit Package Manager administration guide, "Data directory" */
export const DEFAULT_DATA_DIR = '/var/lib/rstudio-pm';
const DEFAULT_PORT = 4242;
const PREFIX = 'PACKAGEMANAGER_';

type Environment = Readonly<Record<string, string>>;

const trimmed = (path: string): string => (path === '/' ? path : path.replace(/\/+$/, ''));

/** Resolves the effective configuration from the file's text and the unit's environment. */
export function resolvePackageManagerConfig(text: string, environment: Environment): PackageManagerConfig {
  const gcfg = parseGcfg(text);
  const list = (section: string, name: string): readonly string[] => {
    const override = environment[`${PREFIX}${section}_${name}`.toUpperCase()];
    return override === undefined ? gcfgValues(gcfg, section, name) : [override];
  };
  const dataDir = trimmed(list('Server', 'DataDir').at(-1) ?? DEFAULT_DATA_DIR);
  const within = (path: string): string => trimmed(path.replaceAll('{Server.DataDir}', dataDir));
  const value = (section: string, name: string): string | undefined => list(section, name).at(-1);
  const launcherDir = value('Server', 'LauncherDir');
  return {
    dataDir,
    sqliteDir: within(value('SQLite', 'Dir') ?? `${dataDir}/db`),
    provider: (value('Database', 'Provider') ?? 'sqlite').toLowerCase(),
    launcherDir: launcherDir === undefined ? undefined : within(launcherDir),
    tempDir: within(value('Server', 'TempDir') ?? '/tmp'),
    rVersions: list('Server', 'RVersion'),
    pythonVersions: list('Server', 'PythonVersion'),
    port: portOf(value('HTTP', 'Listen')),
    upstream: value('CRAN', 'UpstreamURL') ?? value('Manifest', 'URL'),
    airGapped: isTrue(value('Server', 'AirGapped') ?? value('Server', 'Offline')),
    classDirs: classDirs(gcfg, dataDir, within),
    remoteClasses: gcfg.entries
      .filter((entry) => entry.section.toLowerCase() === 'storage' && entry.value?.toLowerCase() === 's3')
      .map((entry) => entry.name),
    problems: gcfg.problems,
    overridden: Object.keys(environment)
      .filter((name) => name.startsWith(PREFIX))
      .sort(),
  };
}

function portOf(listen: string | undefined): number {
  const port = Number(/:(\d+)$/.exec(listen ?? '')?.[1] ?? DEFAULT_PORT);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : DEFAULT_PORT;
}

const isTrue = (text: string | undefined): boolean => /^(true|yes|on|1)$/i.test(text ?? '');

// The vendor's keys below [FileStorage …] are not documented to us: any absolute path there is a directory of a class.
function classDirs(
  gcfg: Gcfg,
  dataDir: string,
  within: (path: string) => string,
): PackageManagerConfig['classDirs'] {
  return gcfg.entries
    .filter((entry) => entry.section.toLowerCase() === 'filestorage' && entry.value !== undefined)
    .map((entry) => ({ id: (entry.subsection ?? entry.name).toLowerCase(), path: within(entry.value ?? '') }))
    .filter(({ path }) => path.startsWith('/') && !isWithin(path, dataDir));
}

/** Whether a path is the directory or lies below it; both absolute and without trailing slash. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory === '/' ? '' : directory}/`);
}

/** The settings of a file as `section.name = value` in lower-case names, for a comparison that ignores layout. */
export function listSettings(text: string): readonly { readonly key: string; readonly value: string }[] {
  const gcfg = parseGcfg(text);
  const keys = new Map<string, { section: string; name: string }>();
  for (const entry of gcfg.entries) {
    const sub = entry.subsection === undefined ? '' : ` "${entry.subsection}"`;
    keys.set(`${entry.section}${sub}.${entry.name}`.toLowerCase(), {
      section: entry.section,
      name: entry.name,
    });
  }
  return [...keys.entries()]
    .map(([key, at]) => ({ key, value: gcfgValues(gcfg, at.section, at.name).join('\n') }))
    .sort((left, right) => (left.key < right.key ? -1 : 1));
}

/** Whether the setting's value is a secret and must not leave the host. */
export const isSecretSetting = (key: string): boolean => /password|secret|token|key$|url$/i.test(key);

/** Reads `Environment=` and `EnvironmentFile=` text as name and value pairs; later ones win. @see systemd.exec(5) */
export function parseEnvironment(text: string): Environment {
  const pairs = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith(';') && line.includes('='))
    .map((line): readonly [string, string] => {
      const at = line.indexOf('=');
      const raw = line.slice(at + 1).trim();
      const quoted = /^(["'])([\s\S]*)\1$/.exec(raw);
      return [line.slice(0, at).trim(), quoted?.[2] ?? raw];
    });
  return Object.fromEntries(pairs);
}
