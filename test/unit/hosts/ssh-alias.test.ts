import { configPairs, hostBlocks } from '../../../src/hosts/ssh-alias.js';
import { hostConfigs } from '../../../src/hosts/host-config.js';
import { jumpConfig } from '../../../src/hosts/endpoint.js';
import { createHosts } from '../../../src/hosts/index.js';

const TEXT = `User everybody
Host db-*  !db-9
  HostName 10.0.0.5
  Port = 2222
# Port 1
Host other
  HostName 10.0.0.6
Match all
  IdentityFile "~/.ssh/a key"
`;

describe('hostBlocks', () => {
  it('gives what applies to an address, in file order', () => {
    expect(hostBlocks(TEXT, 'db-1')).toEqual([
      ['user', 'everybody'],
      ['hostname', '10.0.0.5'],
      ['port', '2222'],
      ['identityfile', '~/.ssh/a key'],
    ]);
  });
  it('leaves out a block with a negated pattern', () => {
    expect(hostBlocks(TEXT, 'db-9').map(([key]) => key)).toEqual(['user', 'identityfile']);
  });
});

describe('configPairs', () => {
  it('reads the output of ssh -G', () => {
    expect(configPairs('user alice\nproxyjump bastion\n')).toEqual([
      ['user', 'alice'],
      ['proxyjump', 'bastion'],
    ]);
  });
});

describe('jumpConfig', () => {
  const behind = { name: 'db', address: 'db', identityFile: '/key' };
  it.each([
    ['bastion', { address: 'bastion' }],
    ['alice@bastion:2222', { address: 'bastion', user: 'alice', port: 2222 }],
    ['alice@[::1]:2222', { address: '::1', user: 'alice', port: 2222 }],
  ])('reads %s', (hop, wanted) => {
    expect(jumpConfig(hop, behind)).toEqual({ name: hop, identityFile: '/key', ...wanted });
  });
});

describe('hostConfigs', () => {
  it('gives configurations with absolute paths from the hosts of an inventory', () => {
    const entry = {
      address: 'a',
      port: 22,
      user: 'rehost',
      identityFile: '~/.ssh/id',
      knownHosts: '/etc/known',
    };
    const [config] = hostConfigs({ source: entry });
    expect(config).toEqual({
      name: 'source',
      address: 'a',
      port: 22,
      user: 'rehost',
      identityFile: `${process.env['HOME'] ?? ''}/.ssh/id`,
      knownHostsFile: '/etc/known',
    });
  });
});

describe('createHosts', () => {
  it('refuses jump hosts that lead in a circle', () => {
    const configs = [
      { name: 'a', address: 'a', jumpHost: 'b' },
      { name: 'b', address: 'b', jumpHost: 'a' },
    ];
    expect(() => createHosts(configs)).toThrow('a → b → a');
  });
  it('tells how a peer reaches a host: its own address and port, or peerAddress and port 22', () => {
    const hosts = createHosts([
      { name: 'a', address: 'a', port: 2222 },
      { name: 'b', address: 'b', port: 2222, peerAddress: 'inside' },
    ]);
    expect(hosts.get('a').peer).toEqual({ address: 'a', port: 2222 });
    expect(hosts.get('b').peer).toEqual({ address: 'inside', port: 22 });
  });
});
