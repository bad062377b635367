import { createHash, createHmac } from 'node:crypto';

/** SHA-256 fingerprint of a host key's blob, as OpenSSH prints it. @see ssh-keygen(1), -l */
export function fingerprintOf(keyBlob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(keyBlob).digest('base64').replace(/=+$/, '')}`;
}

/** Type of a host key's blob: its first length-prefixed string, for example `ssh-ed25519`. @see RFC 4253, 6.6 */
export function keyTypeOf(keyBlob: Uint8Array): string {
  const blob = Buffer.from(keyBlob);
  return blob.length < 4 ? '' : blob.toString('latin1', 4, 4 + blob.readUInt32BE(0));
}

/** One key that a known_hosts file gives for a host. */
export interface KnownHostKey {
  readonly type: string;
  readonly fingerprint: string;
  readonly revoked: boolean;
  /** 1-based line, so that a person finds it. */
  readonly line: number;
}

/**
 * The keys that a known_hosts text gives for an address and port, in file order.
 *
 * Knows plain, hashed (`|1|salt|hash`), wildcard and negated patterns, `[host]:port` and `@revoked`. `@cert-authority`
 * lines are passed over: host certificates are not supported.
 * @see sshd(8), SSH_KNOWN_HOSTS FILE FORMAT
 */
export function knownHostKeys(text: string, address: string, port: number): readonly KnownHostKey[] {
  const wanted = port === 22 ? address.toLowerCase() : `[${address.toLowerCase()}]:${port}`;
  return text.split('\n').flatMap((content, index) => {
    const words = content.trim().split(/\s+/);
    if (words[0] === '' || words[0]?.startsWith('#')) return [];
    const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
    const [patterns, type, key] = words;
    if (marker === '@cert-authority' || patterns === undefined || type === undefined || key === undefined)
      return [];
    if (!matchesHost(patterns, wanted)) return [];
    const fingerprint = fingerprintOf(Buffer.from(key, 'base64'));
    return [{ type, fingerprint, revoked: marker === '@revoked', line: index + 1 }];
  });
}

function matchesHost(patterns: string, wanted: string): boolean {
  if (patterns.startsWith('|')) return matchesHash(patterns, wanted);
  let matched = false;
  for (const pattern of patterns.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!');
    if (!wildcard(negated ? pattern.slice(1) : pattern).test(wanted)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

function matchesHash(pattern: string, wanted: string): boolean {
  const [, scheme, salt, hash] = pattern.split('|');
  if (scheme !== '1' || salt === undefined || hash === undefined) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(wanted).digest('base64') === hash;
}

function wildcard(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
