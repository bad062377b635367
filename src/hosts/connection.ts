import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import ssh2 from 'ssh2';
import type { AnyAuthMethod, Client, ClientChannel, ConnectConfig } from 'ssh2';
import { failure, RehostFailure } from '../failures.js';
import { ChannelSlots } from './channel-slots.js';
import { connectFailure, connectionLost, denied, type ConnectError } from './connect-failure.js';
import type { Endpoint } from './endpoint.js';
import { hostKeyAlgorithms, judgeHostKey } from './host-key.js';
import { fingerprintOf, keyTypeOf } from './known-hosts.js';

/** Keepalive every 5 s, lost after 3 without an answer: a dead link is noticed in 16–20 s (measured). */
const KEEPALIVE_INTERVAL_MS = 5_000;
const KEEPALIVE_COUNT = 3;
/** A host that has not let us in after 10 s is unreachable. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** Sessions at a time; sshd's `MaxSessions` is 10 by default. */
const SESSIONS = 8;
const FORWARDS = 8;
/** Tries on an otherwise idle connection before it is said that it opens no session; 1.5 s in all. */
const SESSION_TRIES = 5;

/** One live SSH connection; it never comes back once `closed`. */
export class Connection {
  readonly user: string;
  readonly hostKey: string;
  readonly publicKey: string;
  private readonly client: Client;
  private readonly endpoint: Endpoint;
  private readonly sessions = new ChannelSlots(SESSIONS);
  private readonly forwards = new ChannelSlots(FORWARDS);
  closed = false;

  constructor(endpoint: Endpoint, client: Client, keyBlob: Buffer) {
    this.endpoint = endpoint;
    this.user = endpoint.user;
    this.client = client;
    this.hostKey = fingerprintOf(keyBlob);
    this.publicKey = `${keyTypeOf(keyBlob)} ${keyBlob.toString('base64')}`;
    // ssh2 throws an 'error' that nobody listens to; what was under way learns of the loss by its channel's close.
    client.on('error', () => undefined);
    client.on('close', () => {
      this.closed = true;
    });
  }

  /** A session channel that runs the line; it gives its slot back when it closes. @throws SshRefused, ConnectionLost */
  async session(line: string, signal?: AbortSignal): Promise<ClientChannel> {
    for (let refusedAlone = 0; ;) {
      const giveBack = await this.sessions.take(signal);
      try {
        const channel = await this.open((callback) => this.client.exec(line, callback));
        channel.once('close', giveBack);
        return channel;
      } catch (error) {
        const alone = this.sessions.inUse === 1;
        if (isOpenFailure(error) && !alone) this.sessions.lower();
        giveBack();
        if (!isOpenFailure(error)) throw this.lost('starting a command', error);
        if (!alone) continue;
        // sshd counts a session until it has reaped its process, a moment after the channel was closed.
        refusedAlone += 1;
        if (refusedAlone > SESSION_TRIES) throw this.noSession(error);
        await sleep(refusedAlone * 100, undefined, signal === undefined ? {} : { signal });
      }
    }
  }

  /** A channel to a TCP port as the host sees it. @throws the open failure of ssh2, or ConnectionLost */
  async forward(address: string, port: number, signal?: AbortSignal): Promise<Duplex> {
    const giveBack = await this.forwards.take(signal);
    try {
      const channel = await this.open((callback) =>
        this.client.forwardOut('127.0.0.1', 0, address, port, callback),
      );
      channel.once('close', giveBack);
      return channel;
    } catch (error) {
      giveBack();
      throw isOpenFailure(error) ? error : this.lost(`opening a channel to port ${port}`, error);
    }
  }

  /** Ends the connection and waits until it is closed. */
  async close(): Promise<void> {
    if (this.closed) return;
    await new Promise<void>((resolve) => {
      this.client.once('close', () => resolve());
      this.client.end();
      setTimeout(() => this.client.destroy(), 2_000).unref();
    });
  }

  private open(
    start: (callback: (error: Error | undefined, channel: ClientChannel) => void) => void,
  ): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      start((error, channel) => (error === undefined ? resolve(channel) : reject(error)));
    });
  }

  private lost(doing: string, error: unknown): RehostFailure {
    return connectionLost(this.endpoint.name, doing, error);
  }

  private noSession(error: unknown): RehostFailure {
    return failure(
      'SshRefused',
      {
        message: `host ${this.endpoint.name} opens no session on an idle connection`,
        detail: `sshd answered: ${(error as Error).message}.`,
        hint: 'Set "MaxSessions 10" in sshd_config on the host (0 allows none), reload sshd, then run "rehost doctor".',
      },
      { cause: error },
    );
  }
}

/** Whether the server refused to open a channel; ssh2 puts the reason of RFC 4254, 5.1 on the error. */
export function isOpenFailure(error: unknown): error is ConnectError {
  return error instanceof Error && 'reason' in error && error.message.includes('Channel open failure');
}

/**
 * Opens one connection; `through` is the channel of a jump host.
 *
 * A server with keys of several types may show one that is not the accepted one: the other types are asked for before
 * it counts as a mismatch.
 * @throws HostKeyUnknown, HostKeyMismatch, SshRefused, SshDenied, SshUnreachable, IdentityFileUnreadable
 */
export async function openConnection(
  to: Endpoint,
  through: () => Promise<Duplex | undefined>,
): Promise<Connection> {
  const methods = await authMethods(to);
  const refused: { type: string; failure: RehostFailure }[] = [];
  for (;;) {
    const algorithms = hostKeyAlgorithms(
      to.hostKeys,
      refused.map((key) => key.type),
    );
    const first = refused[0];
    if (algorithms.length === 0 && first !== undefined) throw first.failure;
    const config = connectConfig(to, methods, await through());
    const answer = await attempt(to, { ...config, algorithms: { serverHostKey: algorithms } });
    if (answer instanceof Connection) return answer;
    if (answer.refusedKey?.failure.type === 'HostKeyMismatch') refused.push(answer.refusedKey);
    else if (answer.refusedKey !== undefined) throw answer.refusedKey.failure;
    else if (first !== undefined && answer.error.message.includes('no matching host key format'))
      throw first.failure;
    else throw connectFailure(to, answer.error, CONNECT_TIMEOUT_MS);
  }
}

interface Broken {
  readonly error: ConnectError;
  readonly refusedKey?: { readonly type: string; readonly failure: RehostFailure };
}

function attempt(to: Endpoint, config: ConnectConfig): Promise<Connection | Broken> {
  return new Promise((resolve) => {
    const client = new ssh2.Client();
    let shown: Buffer = Buffer.alloc(0);
    let refusedKey: Broken['refusedKey'];
    const broken = (error: ConnectError): void => {
      client.destroy();
      resolve(refusedKey === undefined ? { error } : { error, refusedKey });
    };
    client.on('error', broken);
    client.once('close', () => broken(new Error('the connection was closed before the log-in')));
    client.once('ready', () => {
      client.removeListener('error', broken);
      resolve(new Connection(to, client, shown));
    });
    const hostVerifier = (key: Buffer): boolean => {
      const reason = judgeHostKey(to, key);
      shown = key;
      if (reason !== undefined) refusedKey = { type: keyTypeOf(key), failure: reason };
      return reason === undefined;
    };
    client.connect({ ...config, hostVerifier });
  });
}

function connectConfig(to: Endpoint, methods: AnyAuthMethod[], sock: Duplex | undefined): ConnectConfig {
  return {
    host: to.address,
    port: to.port,
    username: to.user,
    authHandler: methods,
    readyTimeout: CONNECT_TIMEOUT_MS,
    keepaliveInterval: KEEPALIVE_INTERVAL_MS,
    keepaliveCountMax: KEEPALIVE_COUNT,
    ...(sock === undefined ? {} : { sock: sock }),
  };
}

async function authMethods(to: Endpoint): Promise<AnyAuthMethod[]> {
  const methods: AnyAuthMethod[] = [];
  if (to.agent !== undefined) methods.push({ type: 'agent', username: to.user, agent: to.agent });
  for (const file of to.identityFiles) {
    const key = await privateKey(to, file);
    if (key !== undefined) methods.push({ type: 'publickey', username: to.user, key });
  }
  if (methods.length === 0) throw denied(to);
  return methods;
}

async function privateKey(
  to: Endpoint,
  file: Endpoint['identityFiles'][number],
): Promise<Buffer | undefined> {
  try {
    const text = await readFile(file.path);
    const parsed = ssh2.utils.parseKey(text);
    if (parsed instanceof Error) throw parsed;
    return text;
  } catch (error) {
    // A default key that is absent or encrypted is passed over, as ssh(1) does in batch mode.
    if (!file.required) return undefined;
    throw failure(
      'IdentityFileUnreadable',
      {
        message: `the identity file of host ${to.name} cannot be used: ${file.path}`,
        detail: `Reading it gave: ${(error as Error).message}.`,
        hint: `Name a private key without a passphrase in "identityFile" of the inventory, or run "ssh-add ${file.path}" and leave "identityFile" out so that the SSH agent is asked.`,
      },
      { cause: error },
    );
  }
}
