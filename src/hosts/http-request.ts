import { createHash } from 'node:crypto';
import { Agent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { failure, type RehostFailure } from '../failures.js';
import { isOpenFailure } from './connection.js';
import { connectionLost } from './connect-failure.js';
import type { HostLink } from './host-link.js';
import type { HttpAnswer, HttpRequest } from './host.js';

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_KEEP_BYTES = 256 * 1024;
/** Reasons for which a server refuses a channel. @see RFC 4254, 5.1 */
const ADMINISTRATIVELY_PROHIBITED = 1;

/**
 * One HTTP request through an SSH channel to 127.0.0.1 of the host; the body is hashed while it streams.
 * @throws ProductAnswersWrong when nothing listens or the answer is not HTTP, CommandTimedOut, ConnectionLost
 */
export async function requestThrough(link: HostLink, request: HttpRequest): Promise<HttpAnswer> {
  const host = link.config.name;
  const socket = await openChannel(link, request);
  try {
    return await exchange(host, request, asSocket(socket));
  } finally {
    socket.destroy();
  }
}

async function openChannel(link: HostLink, request: HttpRequest): Promise<Duplex> {
  try {
    return await link.forward('127.0.0.1', request.port, request.signal);
  } catch (error) {
    if (!isOpenFailure(error)) throw error;
    const host = link.config.name;
    if (error.reason === ADMINISTRATIVELY_PROHIBITED) {
      throw failure(
        'SshDenied',
        {
          message: `host ${host} does not let rehost reach port ${request.port} of its own loopback`,
          detail: `sshd answered: ${error.message}.`,
          hint: 'Allow it with "AllowTcpForwarding local" (and no "PermitOpen none") for this account in sshd_config, reload sshd, then run "rehost doctor".',
        },
        { cause: error },
      );
    }
    throw failure(
      'ProductAnswersWrong',
      {
        message: `nothing listens on port ${request.port} of host ${host}`,
        detail: `Opening a channel to 127.0.0.1 port ${request.port} gave: ${error.message}.`,
        hint: `See "systemctl status" and the log of the product on ${host}, then run "rehost retry".`,
      },
      { cause: error },
    );
  }
}

// http calls these on its sockets; a channel has no timers and no TCP options of its own.
function asSocket(channel: Duplex): Duplex {
  const none = (): Duplex => channel;
  return Object.assign(channel, {
    setKeepAlive: none,
    setNoDelay: none,
    setTimeout: none,
    ref: none,
    unref: none,
  });
}

function exchange(host: string, request: HttpRequest, socket: Duplex): Promise<HttpAnswer> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = request;
  return new Promise((resolve, reject) => {
    const call: ClientRequest = httpRequest({
      method: request.method ?? 'GET',
      host: '127.0.0.1',
      port: request.port,
      path: request.path,
      headers: { 'user-agent': 'rehost', ...request.headers, connection: 'close' },
      agent: Object.assign(new Agent({ keepAlive: false }), { createConnection: () => socket }),
    });
    let late: RehostFailure | undefined;
    const timer = setTimeout(() => {
      late = timedOut(host, request, timeoutMs);
      call.destroy();
    }, timeoutMs);
    const abort = (): void => void call.destroy(signal?.reason as Error);
    signal?.addEventListener('abort', abort, { once: true });
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    const fail = (error: Error): void => {
      settle();
      if (signal?.aborted === true) reject(signal.reason as Error);
      else reject(late ?? broken(host, request, error));
    };
    call.once('error', fail);
    call.once('response', (answer) => {
      readAnswer(answer, request.keepBytes ?? DEFAULT_KEEP_BYTES).then((read) => {
        settle();
        resolve(read);
      }, fail);
    });
    call.end();
  });
}

async function readAnswer(answer: IncomingMessage, keepBytes: number): Promise<HttpAnswer> {
  const hash = createHash('sha256');
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    hash.update(chunk);
    if (bytes < keepBytes) kept.push(chunk.subarray(0, keepBytes - bytes));
    bytes += chunk.length;
  }
  const headers = Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
  const text = Buffer.concat(kept).toString();
  return { status: answer.statusCode ?? 0, headers, bytes, sha256: hash.digest('hex'), text };
}

const what = (host: string, request: HttpRequest): string =>
  `${request.method ?? 'GET'} http://127.0.0.1:${request.port}${request.path} on host ${host}`;

const timedOut = (host: string, request: HttpRequest, timeoutMs: number): RehostFailure =>
  failure('CommandTimedOut', {
    message: `${what(host, request)} took longer than ${timeoutMs / 1000} s`,
    hint: `See the log of the product on ${host}, then run "rehost retry".`,
  });

function broken(host: string, request: HttpRequest, error: Error): RehostFailure {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (!code.startsWith('HPE_') && code !== 'ECONNRESET')
    return connectionLost(host, `asking ${request.path}`, error);
  return failure(
    'ProductAnswersWrong',
    {
      message: `${what(host, request)} did not give a whole HTTP answer`,
      detail: `The channel gave: ${error.message} (${code}).`,
      hint: `See the log of the product on ${host}, then run "rehost retry".`,
    },
    { cause: error },
  );
}
