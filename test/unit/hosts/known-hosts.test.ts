import { createHmac } from 'node:crypto';
import { hostKeyAlgorithms, judgeHostKey, type HostKeyPolicy } from '../../../src/hosts/host-key.js';
import { fingerprintOf, keyTypeOf, knownHostKeys } from '../../../src/hosts/known-hosts.js';

// An Ed25519 key and its fingerprint as ssh-keygen -lf prints it.
const KEY = 'AAAAC3NzaC1lZDI1NTE5AAAAINDN+YMI//PJq1uvS0rrJjaZL90++DQqMdwo8/uO3U5e';
const FINGERPRINT = 'SHA256:/rDh6yZUITdu6qTpfcfAdW1wdXwqdABh9hesoy3powo';
const blob = Buffer.from(KEY, 'base64');
const line = (patterns: string): string => `${patterns} ssh-ed25519 ${KEY} comment`;
const hashed = (name: string): string => {
  const salt = Buffer.from('01234567890123456789');
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
};

describe('fingerprintOf', () => {
  it('is what ssh-keygen prints for the same key', () => {
    expect(fingerprintOf(blob)).toBe(FINGERPRINT);
    expect(keyTypeOf(blob)).toBe('ssh-ed25519');
  });
});

describe('knownHostKeys', () => {
  it.each([
    ['a plain name', line('db-1'), 'db-1', 22],
    ['a name in other letters', line('DB-1'), 'db-1', 22],
    ['one of several names', line('other,db-1,10.0.0.5'), '10.0.0.5', 22],
    ['a port', line('[db-1]:2222'), 'db-1', 2222],
    ['a wildcard', line('db-?.*'), 'db-1.example', 22],
    ['a hashed name', line(hashed('db-1')), 'db-1', 22],
    ['a hashed name with a port', line(hashed('[db-1]:2222')), 'db-1', 2222],
    ['an IPv6 address with a port', line('[::1]:2222'), '::1', 2222],
  ])('finds a key by %s', (_title, text, address, port) => {
    expect(knownHostKeys(`# comment\n\n${text}\n`, address, port)).toEqual([
      { type: 'ssh-ed25519', fingerprint: FINGERPRINT, revoked: false, line: 3 },
    ]);
  });

  it.each([
    ['another port', line('db-1'), 'db-1', 2222],
    ['port 22 of a line with a port', line('[db-1]:2222'), 'db-1', 22],
    ['a longer name', line('db-1'), 'db-10', 22],
    ['a negated name', line('*,!db-1'), 'db-1', 22],
    ['another hashed name', line(hashed('db-2')), 'db-1', 22],
    ['a certificate authority', line('@cert-authority db-1'), 'db-1', 22],
    ['a broken line', 'db-1 ssh-ed25519', 'db-1', 22],
    ['a dot that is no wildcard', line('db.1'), 'dbx1', 22],
  ])('finds none for %s', (_title, text, address, port) => {
    expect(knownHostKeys(text, address, port)).toEqual([]);
  });

  it('marks a revoked key', () => {
    expect(knownHostKeys(line('@revoked db-1'), 'db-1', 22)).toMatchObject([{ revoked: true }]);
  });
});

describe('judgeHostKey', () => {
  const judge = (keys: HostKeyPolicy['keys']) =>
    judgeHostKey({ name: 'db', address: 'db-1', port: 22, hostKeys: { origin: 'the file', keys } }, blob);
  const key = { type: 'ssh-ed25519', fingerprint: FINGERPRINT, revoked: false };

  it('accepts the known key, also among others', () => {
    expect(judge([{ ...key, fingerprint: 'SHA256:other' }, key])).toBeUndefined();
  });
  it('refuses an unknown key as HostKeyUnknown', () => {
    expect(judge([])).toMatchObject({ type: 'HostKeyUnknown' });
  });
  it('refuses another key as HostKeyMismatch with both fingerprints', () => {
    const refused = judge([{ ...key, fingerprint: 'SHA256:other' }]);
    expect(refused?.type).toBe('HostKeyMismatch');
    expect(refused?.message).toContain(`${FINGERPRINT} (ssh-ed25519), wanted SHA256:other`);
  });
  it('refuses a revoked key although it also stands there as accepted', () => {
    expect(judge([key, { ...key, revoked: true }])).toMatchObject({ type: 'HostKeyMismatch' });
  });
});

describe('hostKeyAlgorithms', () => {
  const policy = (type: string): HostKeyPolicy => ({
    origin: '',
    keys: [{ type, fingerprint: 'x', revoked: false }],
  });

  it('asks for the known type first and never for SHA-1 signatures', () => {
    expect(hostKeyAlgorithms(policy('ssh-rsa'), [])[0]).toBe('rsa-sha2-512');
    expect(hostKeyAlgorithms(policy(''), [])[0]).toBe('ssh-ed25519');
    expect(hostKeyAlgorithms(policy(''), [])).not.toContain('ssh-rsa');
  });
  it('leaves out the types whose keys were refused', () => {
    expect(hostKeyAlgorithms(policy(''), ['ssh-ed25519', 'ecdsa-sha2-nistp256'])).toEqual([
      'rsa-sha2-512',
      'rsa-sha2-256',
    ]);
    expect(hostKeyAlgorithms(policy(''), ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa'])).toEqual([]);
  });
});
