import type { Host } from '../hosts/host.js';

/**
 * How the target reaches the source's sshd: `ok <address> <port>`, or the reason why it does not.
 *
 * The key that answers there must be the one that the worker sees: another machine at the peer address is a reason.
 */
export async function probePeer(target: Host, source: Host): Promise<string> {
  const { address, port } = source.peer;
  const wanted = await source.hostKey();
  const result = await target.run(
    [
      'sh',
      '-c',
      'ssh-keyscan -T 10 -p "$2" -- "$1" 2>/dev/null | ssh-keygen -l -f - 2>/dev/null',
      'rehost',
      address,
      String(port),
    ],
    { as: 'login', timeoutMs: 30_000 },
  );
  const keys = [...result.stdout.matchAll(/SHA256:\S+/g)].map((match) => match[0]);
  if (keys.includes(wanted)) return `ok ${address} ${port}`;
  return keys.length === 0
    ? `${address}:${port} does not answer`
    : `${address}:${port} shows another host key: ${keys.join(' ')}`;
}
