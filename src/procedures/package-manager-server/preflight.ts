import { formatBytes } from '../../formats/quantities.js';
import { compareVersions } from '../../formats/version.js';
import type { PreflightCheck } from '../../plan/types.js';
import { directionChecks } from './preflight-direction.js';
import { hostChecks, stateChecks, type CheckedHost, type Verdict } from './preflight-host.js';
import { isSupportedRelease, SUPPORTED_RELEASES } from './supported.js';

/** What both hosts told and what the spec wants of them. */
export interface PreflightInput {
  readonly source: CheckedHost;
  readonly target: CheckedHost;
  readonly owners: 'name' | 'numeric';
  /** Blockers that somebody answers for, from the spec. */
  readonly waivers?: readonly Waiver[];
  /** ISO 8601 UTC; decides whether a waiver still counts. */
  readonly now?: string;
}

/** A blocker that somebody answers for, on record. `until`: last day, ISO 8601, UTC. */
export interface Waiver {
  readonly check: string;
  readonly by: string;
  readonly reason: string;
  readonly until: string;
}

const CLOCK_SKEW_MS = 120_000;
/** Room kept free beside the copy: a full file system stops a service that nobody is moving. */
const MARGIN = 1.1;

/** Every check with what was found, what is wanted and what to do; blockers block, warnings are acknowledged at the begin gate. */
export function preflight(input: PreflightInput): readonly PreflightCheck[] {
  const verdicts = [
    ...productChecks(input),
    ...sourceChecks(input),
    ...(['source', 'target'] as const).flatMap((role) => [
      ...hostChecks(input[role], role),
      ...stateChecks(input[role], role),
    ]),
    ...layoutChecks(input),
    ...pairChecks(input),
    ...spaceChecks(input),
    ...accountChecks(input),
    ...directionChecks(input),
  ];
  return verdicts.map(({ ok, otherwise, ...check }) =>
    waive({ ...check, severity: ok ? 'ok' : otherwise }, input),
  );
}

// A waived blocker stays visible: as a warning that the begin gate asks about, with name, reason and day.
function waive(check: PreflightCheck, { waivers = [], now = '' }: PreflightInput): PreflightCheck {
  const waiver = waivers.find((one) => one.check === check.id);
  if (check.severity !== 'blocker' || waiver === undefined) return check;
  if (waiver.until < now.slice(0, 10)) {
    return { ...check, remedy: `${check.remedy} The waiver by ${waiver.by} ended on ${waiver.until}.` };
  }
  const remedy = `Waived by ${waiver.by} until ${waiver.until}: ${waiver.reason}`;
  return { ...check, severity: 'warning', remedy };
}

/** The blocking ones, for a plan that must not be applied. */
export const blockers = (checks: readonly PreflightCheck[]): readonly PreflightCheck[] =>
  checks.filter((check) => check.severity === 'blocker');

function productChecks({ source, target }: PreflightInput): readonly Verdict[] {
  const [from, to] = [source.found.facts, target.found.facts];
  return [
    {
      id: 'PM-VERSION',
      title: 'the target has the same release or a newer one',
      ok: compareVersions(to.version, from.version) >= 0,
      otherwise: 'blocker',
      found: `source ${from.version}, target ${to.version}`,
      wanted: 'target not older than source',
      remedy: `Upgrade Package Manager on ${target.name} to ${from.version} or newer.`,
      requirements: ['TEAM2-PM-14'],
    },
    {
      id: 'PM-SUPPORTED',
      title: 'both releases are known to this procedure',
      ok: isSupportedRelease(from.version) && isSupportedRelease(to.version),
      otherwise: 'warning',
      found: `source ${from.version}, target ${to.version}`,
      wanted: SUPPORTED_RELEASES.map(({ first, last }) => `${first} to ${last}`).join(', '),
      remedy:
        'Try the move in the lab or on copies of the hosts first; the warning is acknowledged at the begin gate.',
      requirements: ['TEAM2-PM-14'],
    },
    {
      id: 'PM-PROVIDER',
      title: 'the product database is SQLite on both hosts',
      ok: from.provider === 'sqlite' && to.provider === 'sqlite',
      otherwise: 'blocker',
      found: `source ${from.provider}, target ${to.provider}`,
      wanted: 'sqlite on both',
      remedy:
        'This release moves SQLite installations; set Database.Provider alike on both hosts before the move.',
      requirements: ['TEAM2-PM-37', 'TEAM2-PM-38'],
    },
  ];
}

function sourceChecks({ source }: PreflightInput): readonly Verdict[] {
  const { facts } = source.found;
  return [
    {
      id: 'PM-KEY',
      title: 'the source has exactly one encryption key',
      ok: source.found.forecast.keys === 1,
      otherwise: 'blocker',
      found: `${source.found.forecast.keys} keys`,
      wanted: 'exactly one (environment, data directory or persistent class)',
      remedy: `Find out which key the data on ${source.name} was encrypted with, and move the others away.`,
      requirements: ['TEAM2-PM-36'],
    },
    {
      id: 'PM-KEY-FILE',
      title: 'the encryption key is a file of the data',
      ok: facts.keyPath !== 'environment',
      otherwise: 'blocker',
      found:
        facts.keyPath === 'environment' ? 'PACKAGEMANAGER_ENCRYPTION_KEY in the environment' : facts.keyPath,
      wanted: 'a file that travels with the data',
      remedy:
        'Put the key into {DataDir}/rstudio-pm.key (mode 0600) and remove the variable, then restart the source.',
      requirements: ['TEAM2-PM-36'],
    },
    {
      id: 'PM-ACTIVE',
      title: 'the source serves, so that its answers can be recorded',
      ok: source.found.forecast.unit.active === 'active',
      otherwise: 'blocker',
      found: source.found.forecast.unit.active,
      wanted: 'active',
      remedy: `Start rstudio-pm on ${source.name}; what it answers is the proof for the target.`,
      requirements: ['TEAM2-PM-02'],
    },
    {
      id: 'PM-UPSTREAM',
      title: 'cleared caches can be fetched again',
      ok: source.found.forecast.upstream === 'reachable',
      otherwise: 'warning',
      found: source.found.forecast.upstream,
      wanted: 'reachable',
      remedy:
        'Nothing to do: the caches then stay on the source as they are. They are never copied; the target fills its own.',
      requirements: ['TEAM2-PM-16'],
    },
  ];
}

function layoutChecks({ source, target }: PreflightInput): readonly Verdict[] {
  const outside = (host: CheckedHost): string =>
    host.found.forecast.trees
      .map((tree) => tree.id)
      .sort()
      .join(', ');
  return [
    {
      id: 'PM-LAYOUT',
      title: 'both hosts keep the same directories outside the data directory',
      ok: outside(source) === outside(target),
      otherwise: 'blocker',
      found: `source: ${outside(source)}; target: ${outside(target)}`,
      wanted: 'the same on both',
      remedy: `Set SQLite.Dir and the storage classes on ${target.name} as on ${source.name} (own paths are fine).`,
      requirements: ['TEAM2-PM-33', 'TEAM2-PM-39'],
    },
    {
      id: 'PM-MOUNTS',
      title: 'no other file system is mounted below what is swapped on the target',
      ok: target.found.forecast.innerMounts.length === 0,
      otherwise: 'blocker',
      found: target.found.forecast.innerMounts.join(', ') || 'none',
      wanted: 'none: a swap by renames takes what is mounted below along into the restore point',
      remedy: `On ${target.name}, mount it elsewhere and name that directory in the configuration (SQLite.Dir, FileStorage), or unmount it.`,
      requirements: [],
    },
    {
      id: 'HOST-ARCH',
      title: 'both hosts have the same architecture',
      ok: source.found.facts.architecture === target.found.facts.architecture,
      otherwise: 'blocker',
      found: `source ${source.found.facts.architecture}, target ${target.found.facts.architecture}`,
      wanted: 'the same',
      remedy:
        'Changes of architecture are not part of this migration: choose a target of the same architecture.',
      requirements: [],
    },
    {
      id: 'HOST-PEER',
      title: `${target.name} reaches ${source.name} over SSH`,
      ok: target.found.forecast.peer.startsWith('ok '),
      otherwise: 'blocker',
      found: target.found.forecast.peer,
      wanted: 'the sshd of the source with its own host key',
      remedy: `Open the way from ${target.name} to ${source.name}, or set peerAddress and peerPort of ${source.name} in the inventory.`,
      requirements: ['TEAM2-PM-30'],
    },
  ];
}

function pairChecks({ source, target, owners }: PreflightInput): readonly Verdict[] {
  const skew = Math.abs(source.found.forecast.clockMs - target.found.forecast.clockMs);
  const different = Object.entries(source.found.forecast.settingsDigests)
    .filter(([key, digest]) => target.found.forecast.settingsDigests[key] !== digest)
    .map(([key]) => key);
  const missing = target.found.forecast.missingOwners;
  return [
    {
      id: 'HOST-CLOCK',
      title: 'the clocks agree',
      ok: skew <= CLOCK_SKEW_MS,
      otherwise: 'warning',
      found: `${Math.round(skew / 1000)} s apart`,
      wanted: `at most ${CLOCK_SKEW_MS / 1000} s`,
      remedy: 'Set up time synchronisation on both hosts; rehost itself compares no times of two machines.',
      requirements: [],
    },
    {
      id: 'PM-SETTINGS',
      title: 'the settings of both hosts are alike',
      ok: different.length === 0,
      otherwise: 'warning',
      found: different.length === 0 ? 'alike' : `different: ${different.slice(0, 12).join(', ')}`,
      wanted: 'alike, but for what belongs to a host',
      remedy: `The target keeps its own configuration: carry over what users need before the move, on ${target.name}.`,
      requirements: [],
    },
    {
      id: 'PM-SERVICE-USER',
      title: 'the service user exists on both hosts under one name',
      ok: owners === 'numeric' || source.found.facts.serviceUser === target.found.facts.serviceUser,
      otherwise: 'blocker',
      found: `source ${source.found.facts.serviceUser}, target ${target.found.facts.serviceUser}`,
      wanted: 'the same name (owners: name)',
      remedy: `Run the service on ${target.name} as ${source.found.facts.serviceUser}, or say "owners: numeric" in the spec.`,
      requirements: ['TEAM2-PM-31'],
    },
    {
      id: 'PM-OWNERS',
      title: 'every account that owns data exists on the target',
      ok: owners === 'numeric' || missing.length === 0,
      otherwise: 'blocker',
      found: missing.length === 0 ? 'all of them' : `${target.name} lacks ${missing.join(', ')}`,
      wanted: 'each under the same name (owners: name)',
      remedy: `Create them on ${target.name}, give the entries another owner on ${source.name}, or say "owners: numeric" in the spec.`,
      requirements: ['TEAM2-PM-31'],
    },
  ];
}

// Trees that land on one file system need their room together.
function spaceChecks({ source, target }: PreflightInput): readonly Verdict[] {
  const { trees, free } = target.found.forecast;
  const landing = (id: string) => trees.find((tree) => tree.id === id)?.path;
  const room = (id: string) => free.find(({ path }) => path === landing(id));
  return source.found.forecast.trees.flatMap((tree): readonly Verdict[] => {
    const here = room(tree.id);
    const together = source.found.forecast.trees.filter(
      ({ id }) => id === tree.id || (here !== undefined && room(id)?.device === here.device),
    );
    const sum = (field: 'bytes' | 'inodes'): number =>
      Math.ceil(together.reduce((total, one) => total + one[field], 0) * MARGIN);
    const [bytes, inodes] = [sum('bytes'), sum('inodes')];
    const common = {
      otherwise: 'blocker' as const,
      remedy: `Make room on the file system of ${landing(tree.id) ?? tree.path} on ${target.name}.`,
      requirements: ['TEAM2-PM-24', 'TEAM2-PM-30'],
    };
    const also = together.length > 1 ? ` for ${together.length} trees` : '';
    return [
      {
        ...common,
        id: `SPACE-BYTES-${tree.id}`,
        title: `room for the copy of ${tree.path} beside what the target has`,
        ok: (here?.bytes ?? 0) >= bytes,
        found: `${formatBytes(here?.bytes ?? 0)} free`,
        wanted: `${formatBytes(bytes)}${also}`,
      },
      {
        ...common,
        id: `SPACE-INODES-${tree.id}`,
        title: `inodes for the copy of ${tree.path}`,
        ok: (here?.inodes ?? 0) >= inodes,
        found: `${here?.inodes ?? 0} inodes free`,
        wanted: `${inodes} inodes${also}`,
      },
    ];
  });
}

function accountChecks({ source, target }: PreflightInput): readonly Verdict[] {
  const absent = source.found.forecast.groupMembers.filter(
    (name) => !target.found.forecast.groupMembers.includes(name),
  );
  return [
    {
      id: 'PM-CLI-GROUP',
      title: 'members of the command-line group exist on the target',
      ok: absent.length === 0,
      otherwise: 'warning',
      found: absent.length === 0 ? 'all members' : `missing: ${absent.join(', ')}`,
      wanted: 'every member of the group on the source',
      remedy: `Add them on ${target.name}: usermod -aG ${target.found.facts.serviceGroup} NAME (accounts are per host).`,
      requirements: [],
    },
  ];
}
