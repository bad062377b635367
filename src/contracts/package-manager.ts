import { z } from 'zod';
import { toShellLine, type Argv } from '../formats/shell.js';
import { contract, nothing, type Effect, type EffectContext } from './contract.js';
import { command, landingInput, makeStepDir, shortName, written } from './files-landing.js';
import { stepDir } from './paths.js';

/** The vendor's programs on a host. @see Posit Package Manager administration guide, "Files and directories" */
export const RSPM = '/opt/rstudio-pm/bin/rspm';
/** The server program, which also prints its version. */
export const SERVER = '/opt/rstudio-pm/bin/rstudio-pm';
/** The systemd unit of the server. */
export const PACKAGE_MANAGER_UNIT = 'rstudio-pm.service';
/** The server's configuration file. */
export const GCFG_PATH = '/etc/rstudio-pm/rstudio-pm.gcfg';

const count = z.number().int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const tree = z.strictObject({
  id: z.string(),
  path: z.string(),
  device: z.string(),
  bytes: count,
  inodes: count,
  /** Last change of a regular file, seconds since 1970; caches, metrics and launcher state are not counted. */
  newest: count,
});

/** What discovery pins (identity, versions, configuration): drift against it stops a run. */
export const packageManagerFacts = z.strictObject({
  machineId: z.string(),
  os: z.string(),
  architecture: z.string(),
  version: z.string(),
  configDigest: sha256,
  dataDir: z.string(),
  sqliteDir: z.string(),
  provider: z.string(),
  port: count,
  serviceUser: z.string(),
  serviceGroup: z.string(),
  keyPath: z.string(),
  keyFingerprint: z.string(),
  launcherDir: z.string(),
  classDirs: z.array(z.strictObject({ id: z.string(), path: z.string() })),
});

/** What discovery finds besides: sizes, states and everything a preflight check looks at. */
export const packageManagerForecast = z.strictObject({
  hostKey: z.string(),
  hostname: z.string(),
  login: z.string(),
  clockMs: z.number(),
  missingTools: z.array(z.string()),
  unit: z.strictObject({ load: z.string(), active: z.string(), enabled: z.string() }),
  trees: z.array(tree),
  cacheBytes: count,
  cacheInodes: count,
  free: z.array(
    z.strictObject({
      path: z.string(),
      device: z.string(),
      bytes: count,
      inodes: count,
      mountPoint: z.boolean(),
    }),
  ),
  /** Mount points below the trees, the trees' own roots left out. */
  innerMounts: z.array(z.string()),
  keys: count,
  licences: z.array(z.string()),
  databases: z.array(z.string()),
  repositories: z.string(),
  configProblems: z.array(z.string()),
  missingPaths: z.array(z.string()),
  installedR: z.array(z.string()),
  rVersions: z.array(z.string()),
  pythonVersions: z.array(z.string()),
  remoteClasses: z.array(z.string()),
  overridden: z.array(z.string()),
  settingsDigests: z.record(z.string(), z.string()),
  groupMembers: z.array(z.string()),
  claim: z.string(),
  finished: z.string(),
  peer: z.string(),
  /** On the target: owners of the source's data, and names in its access lists, that it does not know, `user NAME` and `group NAME`. */
  missingOwners: z.array(z.string()),
  upstream: z.string(),
});

/** Outcome of discovery on one host. */
export const packageManagerDiscovery = z.strictObject({
  facts: packageManagerFacts,
  forecast: packageManagerForecast,
});
/** What discovery pins. */
export type PackageManagerFacts = z.output<typeof packageManagerFacts>;
/** Outcome of discovery on one host. */
export type PackageManagerDiscovery = z.output<typeof packageManagerDiscovery>;

const evict: Argv = [RSPM, 'evict', '--type=clear'];

const answersFile = (context: EffectContext): string =>
  `${stepDir(context.migration, context.step)}/answers.jsonl`;

/** Where a step keeps the configuration file as it was. */
export const configBackup = (context: Pick<EffectContext, 'migration' | 'step'>): string =>
  `${stepDir(context.migration, context.step)}/rstudio-pm.gcfg`;

/** Commands of an edit of the configuration file, in order; the new text goes into `temporary` before `replace`. */
export function editCommands(
  path: string,
  context: EffectContext,
): {
  readonly makeDirectory: Argv;
  readonly keep: readonly Argv[];
  readonly temporary: string;
  readonly copy: Argv;
  readonly replace: readonly Argv[];
} {
  const backup = configBackup(context);
  const temporary = `${path}.rehost`;
  return {
    makeDirectory: makeStepDir(context),
    // Under its own name only when it is whole: a repeat takes what has that name for the file as it was.
    keep: [
      ['cp', '-a', '-T', path, `${backup}.temp`],
      ['sync', `${backup}.temp`],
      ['mv', '-T', `${backup}.temp`, backup],
    ],
    temporary,
    // A copy of the file takes owner, mode and access list along; the new text is written into it.
    copy: ['cp', '-a', '-T', path, temporary],
    replace: [
      ['sync', temporary],
      ['mv', '-T', temporary, path],
    ],
  };
}

const restoreCommands = (path: string, context: EffectContext): readonly Argv[] => [
  ['cp', '-a', '-T', configBackup(context), `${path}.rehost`],
  ['mv', '-T', `${path}.rehost`, path],
];

const editing = z.strictObject({ section: z.string(), name: z.string(), values: z.array(z.string()) });

/** Contracts of what is done to Posit Package Manager itself. */
export const packageManagerContracts = {
  'packageManager.discover@1': contract({
    summary:
      'Reads version, effective configuration, places, key, sizes and state of Package Manager on one host.',
    input: z.strictObject({
      role: z.enum(['source', 'target']),
      peer: z.string().exactOptional(),
    }),
    outcome: packageManagerDiscovery,
    timeouts: 'short',
    readOnly: true,
    effects: nothing,
  }),
  'packageManager.evict@1': contract({
    summary: 'Clears cached files with rspm evict, so that fewer files are copied.',
    input: z.strictObject({ cacheDirs: z.array(z.string()), upstream: z.string() }),
    outcome: z.strictObject({
      evicted: z.boolean(),
      bytesBefore: count.optional(),
      bytesAfter: count.optional(),
      note: z.string(),
    }),
    timeouts: 'unit',
    readOnly: false,
    effects: (_input, { host }): readonly Effect[] => [
      { kind: 'command', host, argv: [RSPM, 'evict', '--help'] },
      { kind: 'command', host, argv: evict },
    ],
  }),
  'packageManager.recordAnswers@1': contract({
    summary: 'Records what the product answers (status, repositories, indexes, frozen addresses) as digests.',
    input: z.strictObject({ port: count, frozen: count }),
    outcome: z.strictObject({
      addresses: count,
      frozen: count,
      repositories: count,
      digest: sha256,
      path: z.string(),
    }),
    timeouts: 'unit',
    readOnly: false,
    effects: (_input, context): readonly Effect[] => [
      { kind: 'write', host: context.host, path: answersFile(context), mode: '0600' },
    ],
  }),
  'packageManager.compareAnswers@1': contract({
    summary: 'Asks the product for every recorded address and compares digests.',
    input: z.strictObject({ port: count, recordedOn: z.string(), path: z.string(), digest: sha256 }),
    outcome: z.strictObject({ addresses: count, equal: z.literal(true) }),
    timeouts: 'unit',
    readOnly: true,
    effects: nothing,
  }),
  'packageManager.verifyKey@1': contract({
    summary: 'Compares the encryption key of the copied data with the fingerprint of the source key.',
    input: z.object({
      tree: shortName,
      ...landingInput,
      /** The key below the tree. */
      file: z.string(),
      fingerprint: z.string(),
      owner: z.string(),
    }),
    outcome: z.strictObject({ fingerprint: z.string(), mode: z.string(), owner: z.string() }),
    timeouts: 'short',
    readOnly: true,
    effects: nothing,
  }),
  'packageManager.adapt@1': contract({
    summary: 'Changes single settings of the configuration file; comments, order and all else stay.',
    input: z.strictObject({ path: z.literal(GCFG_PATH), edits: z.array(editing) }),
    outcome: z.strictObject({ edited: z.array(z.string()), digest: sha256 }),
    timeouts: 'short',
    readOnly: false,
    effects: (input, context): readonly Effect[] => {
      const { makeDirectory, keep, copy, replace } = editCommands(input.path, context);
      const commands = [makeDirectory, ...keep, copy, ...replace].map((argv) => command(context, argv));
      return [...commands, written(context, input.path, 'owner and mode kept')];
    },
    undo: {
      shell: (input, context): readonly string[] => [
        // By hand it runs in a shell that goes on: half a copy must not take the file's place.
        '(',
        'set -eu',
        `if [ -e ${toShellLine([configBackup(context)])} ]; then`,
        ...restoreCommands(input.path, context).map((argv) => `  ${toShellLine(argv)}`),
        'fi',
        ')',
      ],
      effects: (input, context): readonly Effect[] =>
        restoreCommands(input.path, context).map((argv) => command(context, argv)),
    },
  }),
  'packageManager.checkConfig@1': contract({
    summary: 'Runs rspm check-config, which must pass.',
    input: z.strictObject({}),
    outcome: z.strictObject({ output: z.string() }),
    timeouts: 'short',
    readOnly: true,
    effects: nothing,
  }),
  'packageManager.proof@1': contract({
    summary: 'Looks at the started product: service state, log, command-line group, own licence.',
    input: z.strictObject({
      unit: z.string(),
      group: z.string(),
      members: z.array(z.string()),
      licences: z.array(z.string()),
      dataDir: z.string(),
    }),
    outcome: z.strictObject({ active: z.literal(true), notes: z.array(z.string()) }),
    timeouts: 'short',
    readOnly: true,
    effects: nothing,
  }),
} as const;
