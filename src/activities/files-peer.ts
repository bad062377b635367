import { peerFiles, PEER_ALIAS, pullKeyPath, sshConfig } from '../contracts/files-peer.js';
import { stepDir } from '../contracts/paths.js';
import { failure } from '../failures.js';
import { lastLines, type Host } from '../hosts/index.js';
import { askPeer } from './peer.js';

/** The two ends of a pull and the step that does it. */
export interface PeerAccess {
  readonly source: Host;
  readonly target: Host;
  readonly migration: string;
  /** Step whose directory on the target gets the SSH configuration. */
  readonly step: string;
  readonly keyStep: string;
}

/**
 * Writes the SSH configuration and the pinned host key of the source on the target; answers the configuration's path.
 *
 * The key that answers at the peer address must be the one that the worker's own connection was checked against.
 * Repeat: safe. @throws SshUnreachable when nothing answers, HostKeyMismatch when another machine does
 */
export async function preparePeer(access: PeerAccess): Promise<string> {
  const { source, target, migration } = access;
  const directory = stepDir(migration, access.step);
  const { address, port } = source.peer;
  const answer = await askPeer(target, source, 'root');
  if (answer.kind === 'none') throw unreachable(access);
  if (answer.kind === 'other') throw otherKey(access, await source.hostKey(), answer.fingerprints);
  const files = peerFiles(directory);
  await target.writeFile(files.knownHosts, `${PEER_ALIAS} ${answer.publicKey}\n`, { mode: '0600' });
  const config = sshConfig({
    peer: { address, port, user: source.user },
    key: pullKeyPath(migration, access.keyStep),
    directory,
  });
  await target.writeFile(files.config, config, { mode: '0600' });
  return files.config;
}

/**
 * Asks the source, over the pull key, which address its sshd sees the target come from.
 *
 * @throws SshDenied when the key or its forced command does not work, with what ssh said
 */
export async function askAddress(access: PeerAccess, config: string): Promise<string> {
  const result = await access.target.run(['ssh', '-F', config, '-T', PEER_ALIAS, 'address'], {
    timeoutMs: 30_000,
  });
  const address = result.stdout.trim().split('\n').pop() ?? '';
  if (result.end.kind === 'exited' && result.end.exitStatus === 0 && /^[0-9A-Fa-f.:]+$/.test(address))
    return address;
  const { source, target } = access;
  throw failure('SshDenied', {
    message: `host ${target.name} cannot use the migration's key at ${source.user}@${source.peer.address}:${source.peer.port}`,
    detail:
      lastLines(result.stderr) ||
      `The answer was ${JSON.stringify(address.slice(0, 200))}, wanted an IP address.`,
    hint: `Look at "journalctl -u ssh" on ${source.name} (AuthorizedKeysFile, AllowUsers, sudo), then run "rehost retry".`,
  });
}

const unreachable = ({ source, target }: PeerAccess) =>
  failure('SshUnreachable', {
    message: `host ${target.name} gets no SSH answer from host ${source.name} at ${source.peer.address}:${source.peer.port}`,
    detail:
      'The target pulls the data, so it must reach the source\'s sshd at "peerAddress" and "peerPort" of the inventory.',
    hint: `Open the way from ${target.name} to ${source.name} or correct "peerAddress" in the inventory, then run "rehost retry".`,
  });

const otherKey = ({ source, target }: PeerAccess, wanted: string, shown: readonly string[]) =>
  failure('HostKeyMismatch', {
    message: `host ${target.name} reaches another machine than ${source.name} at ${source.peer.address}:${source.peer.port}`,
    detail: `It shows ${shown.join(', ')}; ${source.name} has ${wanted}.`,
    hint: 'Correct "peerAddress" and "peerPort" of the source in the inventory, then run "rehost retry".',
  });
