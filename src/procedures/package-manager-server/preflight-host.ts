import type { PackageManagerDiscovery } from '../../contracts/package-manager.js';
import type { PreflightCheck } from '../../plan/types.js';

/** One end of the migration as the checks see it. */
export interface CheckedHost {
  readonly name: string;
  readonly found: PackageManagerDiscovery;
}

/** A check before its severity is known: `otherwise` is what it is when it is not ok. */
export type Verdict = Omit<PreflightCheck, 'severity'> & {
  readonly ok: boolean;
  readonly otherwise: 'blocker' | 'warning';
};

/** What either host must have: tools, a readable configuration, its own file systems. */
export function hostChecks(host: CheckedHost, role: 'source' | 'target'): readonly Verdict[] {
  const { forecast } = host.found;
  return [
    {
      id: `HOST-TOOLS-${role.toUpperCase()}`,
      title: `${host.name} has the tools that are run there`,
      ok: forecast.missingTools.length === 0,
      otherwise: 'blocker',
      found:
        forecast.missingTools.length === 0 ? 'all present' : `missing: ${forecast.missingTools.join(', ')}`,
      wanted:
        'rsync, coreutils, findutils, sed, acl, attr, util-linux, systemd (on the target also sqlite3 and the OpenSSH client)',
      remedy: `Install the missing tools on ${host.name}, for example: apt-get install rsync acl attr sqlite3 openssh-client`,
      requirements: [],
    },
    {
      id: `PM-CONFIG-${role.toUpperCase()}`,
      title: `the configuration of ${host.name} is readable`,
      ok: forecast.configProblems.length === 0,
      otherwise: 'blocker',
      found: forecast.configProblems.length === 0 ? 'no problem' : forecast.configProblems.join('; '),
      wanted: 'a valid /etc/rstudio-pm/rstudio-pm.gcfg',
      remedy: `Correct the file on ${host.name}; "rspm check-config" there must pass.`,
      requirements: ['TEAM2-PM-33'],
    },
    {
      id: `PM-STORAGE-${role.toUpperCase()}`,
      title: `all storage classes of ${host.name} are on its own file systems`,
      ok: forecast.remoteClasses.length === 0,
      otherwise: 'blocker',
      found:
        forecast.remoteClasses.length === 0
          ? 'file'
          : `in object storage: ${forecast.remoteClasses.join(', ')}`,
      wanted: 'file',
      remedy:
        'Object storage is not moved by this release: share the bucket between the hosts and set the class back to file first.',
      requirements: ['TEAM2-PM-33'],
    },
  ];
}

/** What either host must be: unclaimed, with the paths that its configuration names, with the service. */
export function stateChecks(host: CheckedHost, role: 'source' | 'target'): readonly Verdict[] {
  const { facts, forecast } = host.found;
  return [
    {
      id: `HOST-CLAIM-${role.toUpperCase()}`,
      title: `${host.name} is not claimed by another migration`,
      ok: forecast.claim === '',
      otherwise: 'warning',
      found: forecast.claim === '' ? 'no claim' : forecast.claim.trim().slice(0, 200),
      wanted: 'no claim',
      remedy: `Finish or roll back the other migration first; "rehost apply" refuses while the claim stands.`,
      requirements: [],
    },
    {
      id: `PM-PATHS-${role.toUpperCase()}`,
      title: `the R and Python paths of ${host.name} exist`,
      ok: forecast.missingPaths.length === 0 || role === 'source' || adaptable(forecast),
      otherwise: 'blocker',
      found:
        forecast.missingPaths.length === 0 ? 'all exist' : `missing: ${forecast.missingPaths.join(', ')}`,
      wanted: 'every Server.RVersion and Server.PythonVersion exists on the host',
      remedy: `Install the missing versions on ${host.name} or correct Server.RVersion and Server.PythonVersion there.`,
      requirements: [],
    },
    {
      id: `PM-SERVICE-${role.toUpperCase()}`,
      title: `${host.name} has the rstudio-pm service`,
      ok: forecast.unit.load === 'loaded',
      otherwise: 'blocker',
      found: `LoadState=${forecast.unit.load} ActiveState=${forecast.unit.active}`,
      wanted: 'LoadState=loaded',
      remedy: `Install Posit Package Manager on ${host.name} with its systemd unit (user ${facts.serviceUser}).`,
      requirements: ['TEAM2-PM-18'],
    },
  ];
}

/** Whether the missing R or Python paths can be taken out of the target's configuration: others of the list exist. */
export function adaptable(forecast: PackageManagerDiscovery['forecast']): boolean {
  return [forecast.rVersions, forecast.pythonVersions].every(
    (paths) => paths.length === 0 || paths.some((path) => !forecast.missingPaths.includes(path)),
  );
}
