import { readFileSync } from 'node:fs';
import { RehostFailure } from '../../../src/failures.js';
import { checkHosts, parseInventory, parseSpec } from '../../../src/spec/load.js';
import { jsonSchemaOf } from '../../../src/spec/json-schema.js';
import { approvalsOf } from '../../../src/spec/spec-schema.js';

const SPEC = `kind: package-manager-server
source: ppm-source
target: ppm-target
approvals:
  voters: [ada, ben]
  votes: 2
`;
const KEY = `SHA256:${'a'.repeat(43)}`;
const INVENTORY = `hosts:
  ppm-source: { address: 10.0.0.5, user: rehost, hostKey: "${KEY}" }
  ppm-target: { address: 10.0.0.6, user: rehost }
`;

function caught(act: () => unknown): RehostFailure {
  try {
    act();
  } catch (error) {
    if (error instanceof RehostFailure) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
const specFailure = (text: string): RehostFailure => caught(() => parseSpec(text, 'migration.yaml'));
const inventoryFailure = (text: string): RehostFailure =>
  caught(() => parseInventory(text, 'inventory.yaml'));

describe('parseSpec', () => {
  it('fills in every default of a minimal spec', () => {
    expect(parseSpec(SPEC, 'migration.yaml').value).toEqual({
      kind: 'package-manager-server',
      source: 'ppm-source',
      target: 'ppm-target',
      approvals: { voters: ['ada', 'ben'], votes: 2, proof: 'claimed', gates: {} },
      backup: { kind: 'verified-copy' },
      transfer: {},
      waivers: [],
      targetOptions: { landing: 'incoming' },
      owners: 'name',
    });
  });

  it('names the nearest known key for an unknown one, with its line and column', () => {
    const error = specFailure(SPEC.replace('source:', 'soruce:'));
    expect(error).toMatchObject({ type: 'SpecInvalid', exitCode: 2 });
    expect(error.detail).toContain('migration.yaml:2:1: unknown key "soruce"; did you mean "source"?');
    expect(error.detail).toContain('source is missing');
    expect(error.hint).toContain('rehost plan migration.yaml');
  });

  it('names the nearest known key inside a nested map', () => {
    expect(specFailure(`${SPEC}transfer:\n  limt: 80MiB/s\n`).detail).toBe(
      'migration.yaml:8:3: unknown key "limt"; did you mean "limit"?',
    );
  });

  it('lists the known keys when none is near', () => {
    expect(specFailure(`${SPEC}transfer: { speedometer: 1 }\n`).detail).toContain('known here: limit');
  });

  it('says what was wanted and found for a wrong type', () => {
    const error = specFailure(SPEC.replace('votes: 2', 'votes: two'));
    expect(error.detail).toBe('migration.yaml:6:10: approvals.votes wants a number, found "two"');
  });

  it('reports several problems at once, in the order of their lines', () => {
    const error = specFailure(
      SPEC.replace('kind: package-manager-server', 'kind: package-manager').replace('votes: 2', 'votes: 0') +
        'ownrs: name\n',
    );
    expect(error.message).toBe('migration.yaml has 3 problems');
    expect(error.detail?.split('\n')).toEqual([
      'migration.yaml:1:7: kind wants "package-manager-server", found "package-manager"; did you mean "package-manager-server"?',
      'migration.yaml:6:10: approvals.votes wants at least 1, found the number 0',
      'migration.yaml:7:1: unknown key "ownrs"; did you mean "owners"?',
    ]);
  });

  it('refuses an unknown gate and names the nearest', () => {
    const error = specFailure(`${SPEC}  gates: { stop-sorce: { votes: 1 } }\n`);
    expect(error.detail).toContain('"stop-sorce"');
    expect(error.detail).toContain('stop-source');
  });

  it('lets a gate override voters and votes', () => {
    const spec = parseSpec(`${SPEC}  gates: { hand-over: { votes: 1 } }\n`, 'migration.yaml').value;
    expect(approvalsOf(spec, 'hand-over')).toEqual({ voters: ['ada', 'ben'], votes: 1, proof: 'claimed' });
    expect(approvalsOf(spec, 'begin')).toEqual({ voters: ['ada', 'ben'], votes: 2, proof: 'claimed' });
  });

  it.each([
    ['80MiB/s', 83_886_080],
    ['1.5MB/s', 1_500_000],
    ['1KiB/s', 1024],
  ])('reads the limit %s as %d bytes per second', (text, bytes) => {
    expect(parseSpec(`${SPEC}transfer: { limit: ${text} }\n`, 'm').value.transfer.limit).toBe(bytes);
  });

  it.each(['80', '80MiB', '80 MiB/s', '-1MiB/s', '1B/s', 'fast'])('refuses the limit %s', (text) => {
    expect(specFailure(`${SPEC}transfer: { limit: "${text}" }\n`).detail).toContain('transfer.limit wants');
  });

  it('refuses a voter who is named twice', () => {
    for (const twin of ['ada', 'Ada'])
      expect(specFailure(SPEC.replace('[ada, ben]', `[ada, ${twin}]`)).detail).toContain(
        'names a voter twice',
      );
  });

  it('reports broken YAML with its place', () => {
    const error = specFailure('kind: [oops\nsource: x\n');
    expect(error.type).toBe('SpecInvalid');
    expect(error.detail).toMatch(/^migration\.yaml:[12]:\d+: /);
  });

  it('reports a key that is written twice', () => {
    expect(specFailure(`${SPEC}source: other\n`).detail).toContain('migration.yaml:7:1');
  });

  it.each([
    [
      'an alias',
      `${SPEC.replace('source: ', 'source: &s ')}waivers: *s\n`,
      ': alias "*s": write the value here',
    ],
    ['an alias of nothing', `${SPEC}waivers: *x\n`, ': alias "*x": write the value here'],
    ['a second document', `${SPEC}---\nkind: x\n`, ': a second document begins here ("---")'],
    ['very deep nesting', `a: ${'['.repeat(5000)}${']'.repeat(5000)}\n`, ': is nested too deeply'],
    ['far too much text', '#'.repeat(1_000_001), 'migration.yaml:1:1: has 1000001 characters'],
  ])('refuses %s, with its place', (_what, text, wanted) => {
    const error = specFailure(text);
    expect(error.type).toBe('SpecInvalid');
    expect(error.detail).toMatch(/^migration\.yaml:\d+:\d+: /);
    expect(error.detail).toContain(wanted);
  });

  it('prints the first 20 of very many problems, and says how many more there are', () => {
    const error = specFailure(`${SPEC}${Array.from({ length: 50 }, (_, n) => `x${n}: 1\n`).join('')}`);
    expect(error.message).toBe('migration.yaml has 50 problems');
    expect(error.detail?.split('\n')).toHaveLength(21);
    expect(error.detail).toContain('… and 30 more');
  });

  it('refuses an empty file', () => {
    expect(specFailure('').detail).toContain('the file wants keys and values, found nothing');
  });

  it('refuses a spec whose source is its target', () => {
    const error = specFailure(SPEC.replace('ppm-target', 'ppm-source'));
    expect(error).toMatchObject({ type: 'SourceEqualsTarget', exitCode: 2 });
    expect(error.detail).toContain('migration.yaml:3:1');
  });
});

describe('parseInventory', () => {
  it('keeps address, account and fingerprint', () => {
    expect(parseInventory(INVENTORY, 'inventory.yaml').value.hosts['ppm-source']).toEqual({
      address: '10.0.0.5',
      user: 'rehost',
      hostKey: KEY,
    });
  });

  it('expands ~/ to the home directory', () => {
    const text = INVENTORY.replace('user: rehost }', 'user: rehost, identityFile: ~/.ssh/rehost }');
    const file = parseInventory(text, 'i').value.hosts['ppm-target']?.identityFile;
    expect(file).toMatch(/^\/.*\/\.ssh\/rehost$/);
  });

  it.each([
    [
      'an unknown key',
      INVENTORY.replace('10.0.0.6, user', '10.0.0.6, usr'),
      'unknown key "usr"; did you mean "user"?',
    ],
    [
      'a host key of another form',
      INVENTORY.replace(KEY, 'MD5:aa:bb'),
      'hosts.ppm-source.hostKey wants a fingerprint',
    ],
    [
      'a port out of range',
      INVENTORY.replace('10.0.0.6,', '10.0.0.6, port: 70000,'),
      'wants 1 to 65535, found the number 70000',
    ],
    [
      'a jump host that is not there',
      INVENTORY.replace('10.0.0.6,', '10.0.0.6, jumpHost: bastion,'),
      'found "bastion"',
    ],
    [
      'a secret with two sources',
      `${INVENTORY}secrets: { smtp: { env: A, file: /b } }\n`,
      'exactly one of env, file, command',
    ],
  ])('refuses %s with its place', (_what, text, wanted) => {
    const error = inventoryFailure(text);
    expect(error).toMatchObject({ type: 'InventoryInvalid', exitCode: 2 });
    expect(error.detail).toContain(wanted);
    expect(error.detail).toMatch(/^inventory\.yaml:\d+:\d+: /);
  });
});

describe('checkHosts', () => {
  const inventory = parseInventory(INVENTORY, 'inventory.yaml');

  it('accepts two hosts of the inventory', () => {
    expect(() => checkHosts(parseSpec(SPEC, 'migration.yaml'), inventory)).not.toThrow();
  });

  it('names the nearest host when one is absent', () => {
    const error = caught(() =>
      checkHosts(parseSpec(SPEC.replace('ppm-target', 'ppm-tagret'), 'migration.yaml'), inventory),
    );
    expect(error).toMatchObject({ type: 'HostUnknown', exitCode: 2 });
    expect(error.message).toBe('target "ppm-tagret" is not in the inventory; did you mean "ppm-target"?');
    expect(error.detail).toContain('migration.yaml:3:1');
  });

  it('refuses two names of one address and port', () => {
    const same = parseInventory(INVENTORY.replace('10.0.0.6', '10.0.0.5'), 'inventory.yaml');
    expect(caught(() => checkHosts(parseSpec(SPEC, 'm'), same)).type).toBe('SourceEqualsTarget');
  });
});

describe('examples', () => {
  it('has a spec and an inventory that fit one another', () => {
    const spec = parseSpec(
      readFileSync('examples/package-manager-server/migration.yaml', 'utf8'),
      'migration.yaml',
    );
    const inventory = parseInventory(
      readFileSync('examples/package-manager-server/inventory.yaml', 'utf8'),
      'inventory.yaml',
    );
    expect(() => checkHosts(spec, inventory)).not.toThrow();
  });
});

describe('jsonSchemaOf', () => {
  it.each(['spec', 'inventory'] as const)('gives the %s as a closed object with described keys', (what) => {
    expect(jsonSchemaOf(what)).toMatchObject({ type: 'object', additionalProperties: false });
  });
});
