import { fingerprintOf, type Host } from '../hosts/index.js';

/** What answers at the address by which the target reaches the source. */
export type PeerAnswer =
  | { readonly kind: 'source'; readonly publicKey: string }
  | { readonly kind: 'other'; readonly fingerprints: readonly string[] }
  | { readonly kind: 'none' };

// Asks for one type of key, and more than once: an sshd drops connections at random when many that have not logged in
// come at the same time (sshd_config(5), MaxStartups), and a key that is missing for that reason must not look like
// another machine.
const SCAN = `tries=0
while :; do
  found=$(ssh-keyscan -T 5 -t "$3" -p "$2" -- "$1" 2>/dev/null | grep -v '^#' || true)
  tries=$((tries + 1))
  if [ -n "$found" ] || [ "$tries" -ge 4 ]; then break; fi
  sleep "$tries"
done
printf '%s\\n' "$found"`;

/** Word of ssh-keyscan(1) for the type of a key. */
const scanType = (publicKey: string): string =>
  publicKey.startsWith('ecdsa') ? 'ecdsa' : publicKey.startsWith('ssh-rsa') ? 'rsa' : 'ed25519';

/**
 * Asks, from the target, for the host key of the source; it must be the one that the worker's own connection showed.
 *
 * Repeat: safe, changes nothing. At most 26 s, when nothing answers.
 */
export async function askPeer(target: Host, source: Host, as: 'root' | 'login'): Promise<PeerAnswer> {
  const { address, port } = source.peer;
  const wanted = await source.publicKey();
  const args = [address, String(port), scanType(wanted)];
  const found = await target.script(SCAN, args, { as, timeoutMs: 40_000 });
  const keys = found.split('\n').flatMap((line) => {
    const [, type, key] = line.trim().split(/\s+/);
    return type === undefined || key === undefined ? [] : [{ type, key }];
  });
  if (keys.some(({ type, key }) => `${type} ${key}` === wanted)) return { kind: 'source', publicKey: wanted };
  if (keys.length === 0) return { kind: 'none' };
  return { kind: 'other', fingerprints: keys.map(({ key }) => fingerprintOf(Buffer.from(key, 'base64'))) };
}

/** How the target reaches the source's sshd, as a forecast: `ok <address> <port>`, or the reason why it does not. */
export async function probePeer(target: Host, source: Host): Promise<string> {
  const { address, port } = source.peer;
  const answer = await askPeer(target, source, 'login');
  switch (answer.kind) {
    case 'source':
      return `ok ${address} ${port}`;
    case 'other':
      return `${address}:${port} shows another host key: ${answer.fingerprints.join(' ')}`;
    case 'none':
      return `${address}:${port} does not answer`;
  }
}
