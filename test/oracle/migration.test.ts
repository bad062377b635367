/* A migration done by hand with tar, judged right; then spoiled in every way that must be seen. */
import { execFileSync } from 'node:child_process';
import { labDown, labExec, labExecuted, labSsh, labUp } from '../../lab/lab.js';
import type { LabHostName } from '../../lab/lab.js';
import {
  EXCLUSIONS,
  changingCommands,
  compareAnswers,
  compareMigration,
  printDifferences,
  printExclusions,
  recordAnswers,
  snapshot,
  unexplained,
  type Answers,
  type Exec,
  type MigrationRules,
  type Snapshot,
  type SnapshotOptions,
} from './index.js';

const LAB = 'oracle-migration';
const DATA = '/srv/ppm/data';
const OPTIONS: SnapshotOptions = {
  onlyRoots: ['/etc/rstudio-pm', '/etc/systemd/system'],
  dataDirectories: [DATA],
};
const PATHS = ['/__ping__', '/__api__/repos', '/cran/latest/src/contrib/PACKAGES'];
const HOSTS: Readonly<Record<string, LabHostName>> = {
  'ppm-source': 'ppm-source',
  'ppm-target': 'ppm-target',
};
jest.setTimeout(300_000);

const exec: Exec = (host, argv, stdin) => {
  const [program = '', ...args] = argv;
  return labExec(
    HOSTS[host] ?? 'ppm-source',
    [program, ...args],
    stdin === undefined ? {} : { input: stdin },
  );
};
async function shell(host: string, text: string): Promise<string> {
  const { status, stdout, stderr } = await exec(host, ['sh', '-eu'], text);
  if (status !== 0) throw new Error(`${host}: ${text.slice(0, 300)}: ${stderr}`);
  return stdout;
}

// The vendor's procedure by hand: answers, fence, copy by names, own licence and launcher kept, start.
const FENCE = `mkdir -p /etc/systemd/system/rstudio-pm.service.d
printf '[Unit]\\nAssertPathExists=/nonexistent\\n' >/etc/systemd/system/rstudio-pm.service.d/10-rehost-fence.conf
systemctl stop rstudio-pm; systemctl disable -q rstudio-pm; systemctl daemon-reload`;
const KEPT = `--anchored --no-wildcards-match-slash --exclude=./*.lic --exclude=./verify --exclude=./launcher-* --exclude=./cache`;

let source: Snapshot;
let target: Snapshot;
let rules: MigrationRules & { readonly answers: { readonly source: Answers; readonly target: Answers } };

beforeAll(async () => {
  process.env['REHOST_LAB'] = LAB;
  await labUp({ name: LAB, packages: 12, packageBytes: 2_048 });
  const targetBefore = await snapshot(exec, 'ppm-target', OPTIONS);
  const before = await recordAnswers(exec, 'ppm-source', { port: 4242, paths: PATHS });
  await shell('ppm-source', FENCE);
  const sourceBefore = await snapshot(exec, 'ppm-source', OPTIONS);
  const archive = await shell(
    'ppm-source',
    `tar -C ${DATA} --format=posix --acls --xattrs ${KEPT} -cf - . | base64 -w0`,
  );
  await shell(
    'ppm-target',
    `systemctl stop rstudio-pm; cd ${DATA}; find . -mindepth 1 -maxdepth 1 ! -name '*.lic' ! -name verify ! -name 'launcher-*' ! -name cache -exec rm -rf {} +`,
  );
  await exec('ppm-target', ['sh', '-c', `base64 -d | tar -C ${DATA} --acls --xattrs -xpf -`], archive);
  await shell('ppm-target', 'systemctl start rstudio-pm');
  const after = await recordAnswers(exec, 'ppm-target', { port: 4242, paths: PATHS });
  source = await snapshot(exec, 'ppm-source', OPTIONS);
  target = await snapshot(exec, 'ppm-target', OPTIONS);
  rules = {
    trees: [{ source: DATA, target: DATA }],
    launcherDirectories: ['launcher-ppm-source', 'launcher-ppm-target'],
    sourceBefore,
    targetBefore,
    answers: { source: before, target: after },
  };
}, 600_000);
afterAll(async () => {
  await labDown({ name: LAB });
});

const judge = (): string => printDifferences(compareMigration(source, target, rules));
const spoiled = async (host: string, plant: string): Promise<readonly string[]> => {
  await shell(host, plant);
  const [left, right] = await Promise.all([
    snapshot(exec, 'ppm-source', OPTIONS),
    snapshot(exec, 'ppm-target', OPTIONS),
  ]);
  return compareMigration(left, right, rules).map(({ kind, subject }) => `${kind} ${subject}`);
};

describe('compareMigration', () => {
  it('finds nothing where all that belongs to the product arrived, though numeric ids differ', () => {
    expect(judge()).toBe('0 differences');
    expect(source.system.accounts['passwd rstudio-pm']).not.toBe(target.system.accounts['passwd rstudio-pm']);
    expect(Object.keys(source.databases)).toHaveLength(2);
  });

  it.each<readonly [string, string, string, string, string]>([
    [
      'a flipped byte on the target',
      'ppm-target',
      `f=$(find ${DATA}/packages -type f -size +1k | sort | head -n 1); cp -p $f /root/kept; printf X | dd of=$f bs=1 seek=0 conv=notrunc 2>/dev/null; touch -r /root/kept $f`,
      `cp -p /root/kept $f`,
      'content packages/',
    ],
    [
      'an owner mapped by number',
      'ppm-target',
      `chown 998 ${DATA}/rstudio-pm.key`,
      `chown rstudio-pm ${DATA}/rstudio-pm.key`,
      'owner rstudio-pm.key',
    ],
    [
      'a file left on the target',
      'ppm-target',
      `touch ${DATA}/packages/verify`,
      `rm ${DATA}/packages/verify`,
      'extra packages/verify',
    ],
    [
      "the source's licence on the target",
      'ppm-target',
      `cp -p ${DATA}/*.lic /root/; for l in ${DATA}/*.lic; do echo x >>$l; done`,
      `cp -p /root/*.lic ${DATA}/`,
      'host-bound',
    ],
    ['a lost licence', 'ppm-target', `mv ${DATA}/*.lic /root/`, `mv /root/*.lic ${DATA}/`, 'host-bound'],
    [
      'a service that is not enabled',
      'ppm-target',
      'systemctl disable -q rstudio-pm',
      'systemctl enable -q rstudio-pm',
      'service rstudio-pm.service UnitFileState',
    ],
    [
      'a service that does not run',
      'ppm-target',
      'systemctl stop rstudio-pm',
      'systemctl start rstudio-pm',
      'service rstudio-pm.service ActiveState',
    ],
    [
      'a source without its fence',
      'ppm-source',
      'mv /etc/systemd/system/rstudio-pm.service.d /root/d; systemctl daemon-reload',
      'mv /root/d /etc/systemd/system/rstudio-pm.service.d; systemctl daemon-reload',
      'fence rstudio-pm.service DropInPaths',
    ],
    [
      'a process that holds the data of the source',
      'ppm-source',
      `(setsid sleep 600 <${DATA}/rstudio-pm.key >/dev/null 2>&1 & echo $! >/root/pid)`,
      'kill $(cat /root/pid)',
      'fence process',
    ],
    [
      "a write to the source's data",
      'ppm-source',
      `touch ${DATA}/packages/late`,
      `rm ${DATA}/packages/late`,
      'extra /srv/ppm/data/packages/late',
    ],
  ])('sees %s', async (...row) => {
    const [, host, plant, restore, wanted] = row;
    const found = await spoiled(host, plant);
    await shell(host, `f=$(find ${DATA}/packages -type f -size +1k | sort | head -n 1); ${restore}`);
    expect(found.map((line) => line.replace(`${DATA}/`, ''))).toContainEqual(
      expect.stringContaining(wanted.replace(`${DATA}/`, '')),
    );
  });

  it('sees a row that differs', () => {
    const [path = ''] = Object.keys(target.databases).filter((name) => name.endsWith('/rstudio-pm.db'));
    const database = target.databases[path];
    if (database === undefined) throw new Error('no main database');
    const tables = { ...database.tables, repos: (database.tables['repos'] ?? []).slice(1) };
    const changed = { ...target, databases: { ...target.databases, [path]: { ...database, tables } } };
    expect(compareMigration(source, changed, rules).map(({ kind }) => kind)).toEqual(['row']);
  });

  it('refuses a rule about a tree that the source does not have', () => {
    const wrong = { ...rules, trees: [{ source: '/srv/none', target: '/srv/none' }], answers: rules.answers };
    expect(compareMigration(source, target, wrong).map(({ kind }) => kind)).toContain('missing');
  });
});

describe('compareAnswers', () => {
  it('sees another body, another status, a missing answer and two equal refusals', () => {
    const { source: before } = rules.answers;
    const [path = ''] = PATHS.slice(1);
    const one = before[path];
    if (one === undefined) throw new Error('no answer');
    const other = (change: Partial<typeof one>): Answers => ({ ...before, [path]: { ...one, ...change } });
    expect(compareAnswers('h', before, before)).toEqual([]);
    expect(compareAnswers('h', before, other({ sha256: '0' }))).toHaveLength(1);
    expect(compareAnswers('h', before, other({ status: '500' }))).toHaveLength(1);
    expect(compareAnswers('h', before, { '/__ping__': before['/__ping__'] ?? one })).toHaveLength(2);
    expect(compareAnswers('h', other({ status: '000' }), other({ status: '000' }))).toHaveLength(1);
  });
});

describe('changingCommands', () => {
  it('finds what came over SSH in the record of a real host, even where timeout hides it, and nothing of the product', async () => {
    const known = (await labExecuted('ppm-target')).length;
    const line = `sudo -n -- timeout -k 5 60 touch /tmp/planted; sudo -n systemctl restart rstudio-pm; sudo -n systemd-run -q --wait -u rehost-m-s-g1 sh -c 'rmdir /tmp/none || :; cat /etc/hostname >/tmp/planted'`;
    const [ssh, ...args] = labSsh('ppm-target', [line]);
    execFileSync(ssh, args);
    const changing = changingCommands((await labExecuted('ppm-target')).slice(known));
    const texts = ['touch /tmp/planted', 'systemctl restart rstudio-pm', '> /tmp/planted', 'rmdir /tmp/none'];
    expect(changing.map(({ text }) => text)).toEqual(texts);
    const host = 'ppm-target';
    const previewed = [
      { kind: 'command' as const, host, argv: ['touch', '/tmp/planted'] },
      { kind: 'command' as const, host, argv: ['systemctl', 'restart', 'rstudio-pm'] },
      { kind: 'command' as const, host, argv: ['rmdir', '<path>'] },
      { kind: 'write' as const, host, path: '/tmp/planted', mode: '0600' },
    ];
    expect(unexplained(changing, previewed, host)).toEqual([]);
    const three = unexplained(changing, previewed.slice(0, 3), host);
    expect(three.map(({ text }) => text)).toEqual(['> /tmp/planted']);
  });
});

describe('printExclusions', () => {
  it('prints each exclusion with its reason', () => {
    const text = printExclusions();
    for (const { what, reason } of EXCLUSIONS) {
      expect(text).toContain(what);
      expect(text).toContain(reason);
    }
  });
});
