import { labUp } from '../../../lab/lab.js';
import { askPeer } from '../../../src/activities/peer.js';
import { createHosts, hostConfigs, type Host, type Hosts } from '../../../src/hosts/index.js';
import { readInventory } from '../../../src/spec/load.js';

const at = (host: Host, peer: Partial<Host['peer']>): Host =>
  Object.assign(Object.create(host) as Host, { peer: { ...host.peer, ...peer } });

describe('the source as the target sees it', () => {
  let hosts: Hosts;
  let source: Host;
  let target: Host;
  beforeAll(async () => {
    hosts = createHosts(hostConfigs(readInventory((await labUp()).inventory).value.hosts));
    source = hosts.get('ppm-source');
    target = hosts.get('ppm-target');
  }, 120_000);
  afterAll(() => hosts?.close());

  it('is known by its key when as many ask at once as its sshd drops connections for (MaxStartups)', async () => {
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, index) => askPeer(target, source, index % 2 === 0 ? 'root' : 'login')),
    );
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['source']));
    expect(answers[0]).toMatchObject({ publicKey: await source.publicKey() });
  }, 120_000);

  it('is another machine when another one answers at its address', async () => {
    const elsewhere = at(source, { address: '127.0.0.1', port: 22 });
    expect(await askPeer(target, elsewhere, 'root')).toEqual({
      kind: 'other',
      fingerprints: [await target.hostKey()],
    });
  });

  it('is not there when nothing answers', async () => {
    expect(await askPeer(target, at(source, { port: 9 }), 'root')).toEqual({ kind: 'none' });
  }, 60_000);
});
