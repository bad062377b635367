import type { PackageManagerDiscovery } from '../../../src/contracts/package-manager.js';
import { parseSpec } from '../../../src/spec/load.js';
import type { Spec } from '../../../src/spec/spec-schema.js';
import { compile, type UnsealedPlan } from '../../../src/procedures/index.js';

/** What discovery finds on a healthy host of the lab; tests change single members. */
export function discovered(role: 'source' | 'target'): PackageManagerDiscovery {
  const dataDir = '/srv/ppm/data';
  return {
    facts: {
      machineId: role === 'source' ? 'a'.repeat(32) : 'b'.repeat(32),
      os: role === 'source' ? 'debian 12' : 'debian 13',
      architecture: 'x86_64',
      version: '2026.04.1',
      configDigest: (role === 'source' ? '1' : '2').repeat(64),
      dataDir,
      sqliteDir: `${dataDir}/db`,
      provider: 'sqlite',
      port: 4242,
      serviceUser: 'rstudio-pm',
      serviceGroup: 'rstudio-pm',
      keyPath: `${dataDir}/rstudio-pm.key`,
      keyFingerprint: (role === 'source' ? '3' : '4').repeat(64),
      launcherDir: `${dataDir}/launcher-ppm-${role}`,
      classDirs: [],
    },
    forecast: {
      hostKey: `SHA256:${role === 'source' ? 'A' : 'B'}${'c'.repeat(42)}`,
      hostname: `ppm-${role}`,
      login: 'rehost',
      clockMs: 1_795_000_000_000,
      missingTools: [],
      unit: { load: 'loaded', active: 'active', enabled: 'enabled' },
      trees: [
        {
          id: 'data',
          path: dataDir,
          device: '189',
          bytes: role === 'source' ? 8_000_000 : 2_000_000,
          inodes: role === 'source' ? 347 : 198,
          newest: role === 'source' ? 1_795_000_000 : 1_794_900_000,
        },
      ],
      cacheBytes: 1_000_000,
      cacheInodes: 20,
      free: [{ path: dataDir, device: '189', bytes: 70_000_000_000, inodes: 10_000_000, mountPoint: false }],
      innerMounts: [],
      keys: 1,
      licences: ['rstudio-pm-lab.lic'],
      databases: ['rstudio-pm-usage.db', 'rstudio-pm.db'],
      repositories: '9 repositories',
      configProblems: [],
      missingPaths: [],
      installedR: [],
      rVersions: ['/opt/R/4.4.1'],
      pythonVersions: ['/opt/python/3.11.9'],
      remoteClasses: [],
      overridden: [],
      settingsDigests: { 'server.datadir': 'abc' },
      groupMembers: [],
      claim: '',
      finished: '',
      peer: 'ok ppm-source 22',
      missingOwners: [],
      upstream: 'reachable',
    },
  };
}

/** A healthy target whose configuration names an R that it lacks, besides one that it has. */
export function lackingTarget(): PackageManagerDiscovery {
  const target = discovered('target');
  target.forecast.rVersions = ['/opt/R/4.3.0', '/opt/R/4.4.1'];
  target.forecast.missingPaths = ['/opt/R/4.3.0'];
  return target;
}

/** The smallest spec that compiles. */
export const SPEC = `kind: package-manager-server
source: ppm-source
target: ppm-target
approvals: { voters: [dba, lead, owner], votes: 2 }
`;

/** Compiles with changed discoveries or spec text. */
export function compiled(
  change: {
    source?: PackageManagerDiscovery;
    target?: PackageManagerDiscovery;
    spec?: string;
    requester?: string;
  } = {},
): UnsealedPlan {
  const spec: Spec = parseSpec(change.spec ?? SPEC, 'migration.yaml').value;
  return compile({
    spec,
    discovered: {
      [spec.source]: change.source ?? discovered('source'),
      [spec.target]: change.target ?? discovered('target'),
    },
    release: '0.1.0',
    requester: change.requester ?? 'requester',
    now: '2026-11-20T00:00:00.000Z',
  });
}
