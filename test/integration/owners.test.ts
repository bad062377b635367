import { labExec, type LabHostName } from '../../lab/lab.js';
import { missingOwners } from '../../src/activities/package-manager-owners.js';
import type { Hosts } from '../../src/hosts/index.js';
import { connect, up } from './hosts/lab-hosts.js';

jest.setTimeout(120_000);

// A directory service gives such names; useradd(8) would refuse them.
const NAMES = ['DOM\\ada', 'ada,b@example.org', 'ada lovelace'] as const;
const TREE = '/srv/ppm/data/access-lists';

let hosts: Hosts;
async function shell(host: LabHostName, script: string): Promise<void> {
  const { status, stderr } = await labExec(host, ['sh', '-euc', script]);
  if (status !== 0) throw new Error(stderr);
}
const forget = `sed -i '/:rehost-test:/d' /etc/passwd; rm -rf ${TREE}`;
const know = (names: readonly string[]): string =>
  names
    .map((name, n) => `printf '%s\\n' '${name}:x:${4801 + n}:4801:rehost-test:/:/bin/sh' >> /etc/passwd`)
    .join('\n');

beforeAll(async () => {
  hosts = connect(await up());
});
afterEach(() => Promise.all([shell('ppm-source', forget), shell('ppm-target', forget)]));
afterAll(() => hosts.close());

/** The accounts that the target lacks, when access lists of the source name all `NAMES`. */
async function lacking(known: readonly string[]): Promise<string[]> {
  const lists = NAMES.map((_name, n) => `setfacl -m u:${4801 + n}:r ${TREE}`).join('\n');
  await shell('ppm-source', `${know(NAMES)}\nmkdir ${TREE}\n${lists}`);
  await shell('ppm-target', know(known));
  const source = { host: hosts.get('ppm-source'), signal: new AbortController().signal };
  return missingOwners(hosts.get('ppm-target'), source);
}

describe('accounts that only access lists name', () => {
  it('are none that the target lacks when it knows them, whatever getfacl escapes in their names', async () => {
    expect(await lacking(NAMES)).toEqual([]);
  });

  it('are told by their names when the target lacks them', async () => {
    expect((await lacking([])).sort()).toEqual(NAMES.map((name) => `user ${name}`).sort());
  });
});
