import { failure, type RehostFailure } from '../failures.js';
import type { Endpoint } from './endpoint.js';

/** What ssh2 and the socket below it put on an error besides the message. */
export interface ConnectError extends Error {
  readonly code?: string | number;
  readonly level?: string;
  readonly reason?: number | string;
}

const UNREACHABLE: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name has no address',
  EAI_AGAIN: 'the name could not be looked up',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  EHOSTDOWN: 'the host is down',
  ETIMEDOUT: 'nothing answered',
};

/**
 * The failure that a broken connection attempt is: refused (something answered and said no for now), denied (the
 * account was not let in) or unreachable (nothing answered).
 */
export function connectFailure(to: Endpoint, error: ConnectError, timeoutMs: number): RehostFailure {
  const place = `${to.address} port ${to.port}`;
  const cause = { cause: error };
  const unreachable = UNREACHABLE[String(error.code)];
  if (unreachable !== undefined || error.level === 'client-timeout') {
    return failure(
      'SshUnreachable',
      {
        message: `host ${to.name} is unreachable: ${unreachable ?? `no SSH answer within ${timeoutMs / 1000} s`}`,
        detail: `Connecting to ${place} gave: ${error.message}.`,
        hint: `Try "ssh -p ${to.port} ${to.user}@${to.address} true" from the worker; check address, routes and firewalls, then run "rehost doctor".`,
      },
      cause,
    );
  }
  if (error.level === 'client-authentication') return denied(to, error);
  return failure(
    'SshRefused',
    {
      message: `host ${to.name} refused the connection: ${refusal(error)}`,
      detail: `Connecting to ${place} gave: ${error.message}.`,
      hint: `See "systemctl status ssh" and "journalctl -u ssh" on the host (is sshd running, are MaxStartups or a penalty for earlier failures reached?), then run "rehost doctor".`,
    },
    cause,
  );
}

function refusal(error: ConnectError): string {
  if (error.code === 'ECONNREFUSED') return 'nothing listens on the port';
  if (error.level === 'handshake') return 'no common algorithm or a broken handshake';
  return 'it was closed before the log-in';
}

/** The account was not let in, or there was nothing to let it in with. */
export function denied(to: Endpoint, error?: ConnectError): RehostFailure {
  const offered = [
    ...to.identityFiles.map((file) => file.path),
    ...(to.agent === undefined ? [] : ['the SSH agent']),
  ];
  return failure(
    'SshDenied',
    {
      message: `host ${to.name} denied the log-in of ${to.user}`,
      detail: `Offered to ${to.address} port ${to.port}: ${offered.join(', ') || 'no key at all'}. ${error?.message ?? 'No key could be read'}.`,
      hint: `Put the public key into ~${to.user}/.ssh/authorized_keys on the host, or set "identityFile" in the inventory; then run "rehost doctor".`,
    },
    { cause: error },
  );
}

/** An established connection ended while something was under way on it. */
export function connectionLost(host: string, doing: string, cause?: unknown): RehostFailure {
  return failure(
    'ConnectionLost',
    {
      message: `the connection to host ${host} was lost while ${doing}`,
      detail: 'Whether it ended on the host is not known; it is probed before anything is repeated.',
      hint: 'rehost connects again by itself; if this goes on, run "rehost doctor".',
    },
    { cause },
  );
}
