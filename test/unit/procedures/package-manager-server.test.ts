import { hostHandlers } from '../../../src/activities/host.js';
import type { ActionContext } from '../../../src/activities/action.js';
import { contracts, type ActionName } from '../../../src/contracts/index.js';
import type { Contract } from '../../../src/contracts/contract.js';
import { RehostFailure } from '../../../src/failures.js';
import { digestPlan, sealPlan } from '../../../src/digest.js';
import { planSteps } from '../../../src/plan/types.js';
import { compiled, discovered, lackingTarget, SPEC } from './discovered.js';

const ids = (plan = compiled()): readonly string[] => planSteps(plan).map((step) => step.id);
const before = (left: string, right: string): boolean => ids().indexOf(left) < ids().indexOf(right);
type Discovered = ReturnType<typeof discovered>;
const severity = (plan: ReturnType<typeof compiled>, id: string): string | undefined =>
  plan.preflight.find((check) => check.id === id)?.severity;

/** Both ends with SQLite in a directory of its own that holds so many bytes. */
function withSqliteTree(bytes: number): { source: Discovered; target: Discovered } {
  const ends = { source: discovered('source'), target: discovered('target') };
  for (const { facts, forecast } of Object.values(ends)) {
    facts.sqliteDir = '/srv/sqlite';
    forecast.trees.push({ id: 'sqlite', path: '/srv/sqlite', device: '189', bytes, inodes: 3, newest: 0 });
  }
  return ends;
}

describe('compile of package-manager-server', () => {
  it('has the four gates in the order of the procedure', () => {
    expect(compiled().phases.flatMap((phase) => phase.gate?.id ?? [])).toEqual([
      'begin',
      'stop-source',
      'replace-target-data',
      'hand-over',
    ]);
  });

  it.each([
    ['the claim', 'claim-source', 'evict-cache'],
    ['eviction', 'evict-cache', 'warm-copy-data'],
    ['the recorded answers', 'answers-before', 'fence-source'],
    ['the fence', 'fence-source', 'final-copy-data'],
    ['the comparison', 'compare-data', 'verify-sqlite'],
    ['verification', 'verify-key', 'stop-target'],
    ['the carried licence', 'carry-host-bound', 'swap-data'],
    ['the configuration check', 'check-config', 'start-target'],
    ['going live', 'go-live', 'finish-target'],
  ])('does %s first', (_what, first, second) => {
    expect(before(first, second)).toBe(true);
  });

  it('reads the pinned facts again first in each phase after a gate', () => {
    const first = compiled()
      .phases.filter((phase) => phase.gate !== undefined)
      .map((phase) => phase.nodes[0]?.id);
    expect(first).toEqual([
      'recheck-begin',
      'recheck-stop-source',
      'recheck-replace-target-data',
      'recheck-hand-over',
    ]);
  });

  it('changes nothing before the begin gate', () => {
    const open = compiled().phases[0]?.nodes ?? [];
    expect(
      open.flatMap((node) => (node.kind === 'step' ? [contracts[node.action as ActionName].readOnly] : [])),
    ).toEqual([true, true]);
  });

  it('makes every artefact of the final copy under the fence, and looks at it again after each later gate', () => {
    const fenced = planSteps(compiled()).filter((step) => step.fence === 'fence-source');
    expect(fenced.map((step) => step.id)).toEqual([
      'final-copy-data',
      'manifest-source-data',
      'recheck-replace-target-data',
      'recheck-hand-over',
    ]);
  });

  it('names only actions that have a contract, and gives an undo or a reason to each that changes something', () => {
    for (const step of planSteps(compiled())) {
      const contract: Contract = contracts[step.action as ActionName];
      expect(contract).toBeDefined();
      if (!contract.readOnly)
        expect([step.id, step.undo]).not.toEqual([step.id, { kind: 'none', because: 'read-only' }]);
    }
  });

  it('gives the same digest for the same input and another for another input, whatever the forecast says', () => {
    const plan = sealPlan(compiled());
    expect(digestPlan(compiled())).toBe(plan.digest);
    expect(digestPlan({ ...plan, forecast: { ...plan.forecast, bytes: 1 } })).toBe(plan.digest);
    expect(digestPlan({ ...plan, target: 'other' })).not.toBe(plan.digest);
  });

  it('leaves licence, licence state, launcher and cache out of the copy, anchored at the data directory', () => {
    expect(compiled().exclusions.map((exclusion) => exclusion.path)).toEqual([
      '/srv/ppm/data/*.lic',
      '/srv/ppm/data/verify',
      '/srv/ppm/data/cache',
      '/srv/ppm/data/launcher-ppm-source',
    ]);
  });

  it('moves SQLite as a tree of its own when it lies outside the data directory', () => {
    const plan = compiled(withSqliteTree(10));
    expect(ids(plan)).toEqual(expect.arrayContaining(['final-copy-sqlite', 'swap-sqlite', 'compare-sqlite']));
    const check = planSteps(plan).find((step) => step.id === 'verify-sqlite');
    expect(check?.input).toMatchObject({ tree: 'sqlite', files: ['rstudio-pm-usage.db', 'rstudio-pm.db'] });
  });

  it('keeps the larger tree warm while the gate waits when SQLite outgrew the data directory', () => {
    expect(ids(compiled(withSqliteTree(1e9)))).toContain('keep-warm-sqlite');
    expect(ids(compiled(withSqliteTree(10)))).toContain('keep-warm-data');
  });

  it.each([
    ['blocks when two trees on one file system fit alone and not together', '189', 'blocker'],
    ['is content when each has a file system of its own', '190', 'ok'],
  ])('%s', (_title, device, wanted) => {
    const ends = withSqliteTree(8e6);
    const [data] = ends.target.forecast.free;
    ends.target.forecast.free = [
      { ...data!, bytes: 12e6 },
      { ...data!, path: '/srv/sqlite', device, bytes: 12e6 },
    ];
    const plan = compiled(ends);
    expect([severity(plan, 'SPACE-BYTES-data'), severity(plan, 'SPACE-BYTES-sqlite')]).toEqual([
      wanted,
      wanted,
    ]);
  });

  it('takes R paths that the target lacks out of its configuration when others exist', () => {
    const target = lackingTarget();
    const adapt = planSteps(compiled({ target })).find((step) => step.id === 'adapt-config');
    expect(adapt?.input).toMatchObject({
      edits: [{ section: 'Server', name: 'RVersion', values: ['/opt/R/4.4.1'] }],
    });
    expect(severity(compiled({ target }), 'PM-PATHS-TARGET')).toBe('ok');
  });
});

describe('preflight of package-manager-server', () => {
  it('has no blocker for two healthy hosts', () => {
    expect(compiled().preflight.filter((check) => check.severity === 'blocker')).toEqual([]);
  });

  it.each<
    [string, string, (source: ReturnType<typeof discovered>, target: ReturnType<typeof discovered>) => void]
  >([
    ['an older release on the target', 'PM-VERSION', (_s, target) => (target.facts.version = '2025.09.0')],
    ['PostgreSQL', 'PM-PROVIDER', (source) => (source.facts.provider = 'postgres')],
    ['two keys', 'PM-KEY', (source) => (source.forecast.keys = 2)],
    ['no key', 'PM-KEY', (source) => (source.forecast.keys = 0)],
    ['a stopped source', 'PM-ACTIVE', (source) => (source.forecast.unit.active = 'inactive')],
    ['too little disk', 'SPACE-BYTES-data', (_s, target) => (target.forecast.free[0]!.bytes = 8_000_000)],
    ['too few inodes', 'SPACE-INODES-data', (_s, target) => (target.forecast.free[0]!.inodes = 347)],
    ['a missing tool', 'HOST-TOOLS-TARGET', (_s, target) => target.forecast.missingTools.push('rsync')],
    [
      'no way from target to source',
      'HOST-PEER',
      (_s, target) => (target.forecast.peer = 'x:22 does not answer'),
    ],
    ['more entries on the target', 'PM-DIRECTION', (_s, target) => (target.forecast.trees[0]!.inodes = 400)],
    ['more bytes on the target', 'PM-DIRECTION', (_s, target) => (target.forecast.trees[0]!.bytes = 9e6)],
    [
      'newer data on the target',
      'PM-DIRECTION',
      (source, target) => {
        target.forecast.trees[0]!.newest = source.forecast.trees[0]!.newest + 86_401;
      },
    ],
    [
      'newer data on the target of a finished migration',
      'PM-DIRECTION',
      (source, target) => {
        target.forecast.finished = '{"migration":"ppm-target-20261120-0001"}';
        target.forecast.trees[0]!.newest = source.forecast.trees[0]!.newest + 86_401;
      },
    ],
    [
      'a mount point below the data of the target',
      'PM-MOUNTS',
      (_s, target) => target.forecast.innerMounts.push('/srv/ppm/data/packages'),
    ],
    ['another architecture', 'HOST-ARCH', (_s, target) => (target.facts.architecture = 'aarch64')],
    [
      'an owner that the target lacks',
      'PM-OWNERS',
      (_s, target) => target.forecast.missingOwners.push('user ada'),
    ],
    ['another service user', 'PM-SERVICE-USER', (_s, target) => (target.facts.serviceUser = 'ppm')],
    [
      'an R path that does not exist',
      'PM-PATHS-TARGET',
      (_s, target) => {
        target.forecast.missingPaths = ['/opt/R/4.4.1'];
      },
    ],
    ['object storage', 'PM-STORAGE-SOURCE', (source) => source.forecast.remoteClasses.push('Packages')],
    [
      'a directory that only the source has outside',
      'PM-LAYOUT',
      (source) =>
        source.forecast.trees.push({
          id: 'sqlite',
          path: '/x',
          device: '1',
          bytes: 1,
          inodes: 1,
          newest: 0,
        }),
    ],
  ])('blocks on %s', (_what, id, change) => {
    const [source, target] = [discovered('source'), discovered('target')];
    change(source, target);
    expect(severity(compiled({ source, target }), id)).toBe('blocker');
  });

  it('lets the data of a target under test be a day newer than that of the source', () => {
    const [source, target] = [discovered('source'), discovered('target')];
    target.forecast.trees[0]!.newest = source.forecast.trees[0]!.newest + 86_400;
    expect(severity(compiled({ source, target }), 'PM-DIRECTION')).toBe('ok');
  });

  it('asks whether the ends are swapped only where no finished migration explains a newer target', () => {
    const remedy = (finished: string): string | undefined => {
      const target = discovered('target');
      target.forecast.trees[0]!.newest += 864_000;
      target.forecast.finished = finished;
      return compiled({ target }).preflight.find((check) => check.id === 'PM-DIRECTION')?.remedy;
    };
    expect(remedy('')).toContain('not swapped');
    expect(remedy('{"migration":"ppm-target-20261120-0001"}')).toContain('nothing is left to move');
  });

  it('says of every check what was found, what is wanted and what to do', () => {
    for (const check of compiled().preflight) {
      expect(check).toMatchObject({
        found: expect.stringMatching(/./),
        wanted: expect.stringMatching(/./),
        remedy: expect.stringMatching(/\.$|apt-get install/),
      });
    }
  });

  it('asks whether warnings are acceptable when there is one', () => {
    const source = discovered('source');
    source.forecast.upstream = 'not reachable';
    const plan = compiled({ source });
    expect(severity(plan, 'PM-UPSTREAM')).toBe('warning');
    expect(plan.phases[1]?.gate?.questions.map((question) => question.id)).toContain('warnings-accepted');
  });

  it.each([
    ['a warning with name and reason, while its day has not passed', '2026-11-20', 'warning'],
    ['a blocker again once its day has passed', '2026-11-19', 'blocker'],
  ])('makes a waived blocker %s', (_what, until, wanted) => {
    const target = discovered('target');
    target.forecast.trees[0]!.inodes = 400;
    const spec = `${SPEC}waivers: [{ check: PM-DIRECTION, by: dba, reason: staging was seeded twice, until: ${until} }]\n`;
    const plan = compiled({ target, spec });
    expect(severity(plan, 'PM-DIRECTION')).toBe(wanted);
    expect(plan.preflight.find((check) => check.id === 'PM-DIRECTION')?.remedy).toMatch(
      /[Ww]aive[rd] by dba/,
    );
  });

  it('refuses approvals that can never be reached without the requester', () => {
    for (const requester of ['lead', 'LEAD']) {
      const act = (): unknown =>
        compiled({ spec: SPEC.replace('[dba, lead, owner]', '[dba, lead]'), requester });
      expect(act).toThrow(RehostFailure);
      expect(act).toThrow('could never open');
    }
  });

  it('is not admitted when who asks for the run leaves too few voters, whoever made the plan', async () => {
    const plan = sealPlan(compiled({ spec: SPEC.replace('[dba, lead, owner]', '[dba, lead]') }));
    type Input = Parameters<(typeof hostHandlers)['plan.admit@1']['act']>[0];
    const admit = (requester: string) => {
      const input = { plan, digest: plan.digest, requester } as unknown as Input;
      const hosts = { get: () => ({ name: 'none' }) };
      return hostHandlers['plan.admit@1'].act(input, { hosts } as unknown as ActionContext);
    };
    await expect(admit('Lead')).rejects.toMatchObject({
      type: 'ApprovalsImpossible',
      detail: expect.stringContaining('gate begin: 2 votes of 1 voters (dba)') as string,
    });
    await expect(admit('somebody')).rejects.not.toMatchObject({ type: 'ApprovalsImpossible' });
  });
});
