import { failure, type RehostFailure } from '../failures.js';
import { fingerprintOf, keyTypeOf } from './known-hosts.js';

/** Which host keys are accepted, and who says so. */
export interface HostKeyPolicy {
  /** Where the accepted keys stand, for messages: `the inventory`, or file and lines. */
  readonly origin: string;
  readonly keys: readonly {
    readonly type: string;
    readonly fingerprint: string;
    readonly revoked: boolean;
  }[];
}

/** The place whose key is judged. */
export interface HostPlace {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly hostKeys: HostKeyPolicy;
}

/** Host key algorithms by family, in the order in which they are asked for; the ssh-rsa signature with SHA-1 is not. */
const FAMILIES = [
  ['ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'rsa-sha2-256'],
] as const;
/** One host key signature algorithm that is asked for. */
export type HostKeyAlgorithm = (typeof FAMILIES)[number][number];

const familyOf = (type: string): number => (type === 'ssh-ed25519' ? 0 : type.startsWith('ecdsa') ? 1 : 2);

/**
 * The algorithms to ask a server for: those of known key types first, so that a server with several keys shows the one
 * we know; types in `refused` are left out. Empty when none is left.
 */
export function hostKeyAlgorithms(policy: HostKeyPolicy, refused: readonly string[]): HostKeyAlgorithm[] {
  const known = new Set(policy.keys.filter((key) => key.type !== '').map((key) => familyOf(key.type)));
  const left = FAMILIES.map((_, index) => index).filter(
    (family) => !refused.some((type) => familyOf(type) === family),
  );
  const order = [
    ...left.filter((family) => known.has(family)),
    ...left.filter((family) => !known.has(family)),
  ];
  return order.flatMap((family) => FAMILIES[family] ?? []);
}

/** The reason why a shown host key is not accepted, or undefined when it is. */
export function judgeHostKey(place: HostPlace, keyBlob: Uint8Array): RehostFailure | undefined {
  const shown = fingerprintOf(keyBlob);
  const type = keyTypeOf(keyBlob);
  const { keys, origin } = place.hostKeys;
  const same = keys.filter((key) => key.fingerprint === shown);
  if (same.length > 0 && same.every((key) => !key.revoked)) return undefined;
  if (keys.length === 0) return unknownKey(place, shown, type);
  const wanted = keys.filter((key) => !key.revoked).map((key) => key.fingerprint);
  return failure('HostKeyMismatch', {
    message: `host ${place.name} shows host key ${shown} (${type}), wanted ${wanted.join(' or ') || 'another: it is revoked'}`,
    detail: `The wanted key stands in ${origin}; ${where(place)} shows another: it was installed anew, or something stands between.`,
    hint: `Compare with "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" on the host's own console; only if it shows ${shown}, put that key into ${origin} and run "rehost doctor".`,
  });
}

function unknownKey(place: HostPlace, shown: string, type: string): RehostFailure {
  const scan = `ssh-keyscan -p ${place.port} ${place.address}`;
  return failure('HostKeyUnknown', {
    message: `host ${place.name} shows host key ${shown} (${type}), which nobody has accepted yet`,
    detail: `Neither the inventory nor ${place.hostKeys.origin} has a key for ${where(place)}.`,
    hint:
      `Compare with "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" on the host's own console. If it is the same, ` +
      `add this to the host in the inventory: hostKey: "${shown}" (or run "${scan} >> ${place.hostKeys.origin}"), then run "rehost doctor".`,
  });
}

const where = (place: HostPlace): string => `${place.address} port ${place.port}`;
