/*
 * How the target reaches the source over SSH with the migration's own key: never the operator's keys or agent.
 */
import { z } from 'zod';
import type { Argv } from '../formats/shell.js';
import { stepDir } from './paths.js';

/** The source as the target sees it; all three come from the inventory. */
export interface Peer {
  readonly address: string;
  readonly port: number;
  readonly user: string;
}

/** A login name. */
export const account = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$/, 'a login name');

/** Id of a step, where a step refers to files that another step keeps on the same host. */
export const stepId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a step id');

/** Name of the source in the SSH configuration and known_hosts of a step. */
export const PEER_ALIAS = 'rehost-source';

/** The private key that `files.pullKey@1` made. */
export const pullKeyPath = (migration: string, keyStep: string): string =>
  `${stepDir(migration, keyStep)}/pull-key`;

/** Files of one step that reach the source: the SSH configuration and the pinned host key. */
export const peerFiles = (directory: string): { readonly config: string; readonly knownHosts: string } => ({
  config: `${directory}/ssh-config`,
  knownHosts: `${directory}/known-hosts`,
});

/**
 * SSH configuration of a step: only the migration's key, only the pinned host key, no agent, no forwarding.
 *
 * A dead link is noticed by the client after 15 to 20 s (ServerAlive 5x3), measured; rsync's own timeout needs longer.
 * @see ssh_config(5)
 */
export function sshConfig(options: { peer: Peer; key: string; directory: string }): string {
  const lines = [
    `HostName ${options.peer.address}`,
    `Port ${options.peer.port}`,
    `User ${options.peer.user}`,
    `IdentityFile ${options.key}`,
    'IdentitiesOnly yes',
    'IdentityAgent none',
    'PreferredAuthentications publickey',
    `UserKnownHostsFile ${peerFiles(options.directory).knownHosts}`,
    'GlobalKnownHostsFile /dev/null',
    `HostKeyAlias ${PEER_ALIAS}`,
    'StrictHostKeyChecking yes',
    'UpdateHostKeys no',
    'BatchMode yes',
    'ForwardAgent no',
    'ClearAllForwardings yes',
    'ServerAliveInterval 5',
    'ServerAliveCountMax 3',
    'ConnectTimeout 10',
    'Compression no',
    'LogLevel ERROR',
  ];
  return `Host ${PEER_ALIAS}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

/** The command by which the target asks the source for its host key, as previewed. */
export const SCAN_ARGV: Argv = ['ssh-keyscan', '-T', '5', '-t', '<type>', '-p', '<port>', '--', '<address>'];
