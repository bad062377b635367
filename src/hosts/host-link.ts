import type { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { failure } from '../failures.js';
import { isOpenFailure, openConnection, type Connection } from './connection.js';
import { resolveEndpoint, type Endpoint } from './endpoint.js';
import type { HostConfig } from './host-config.js';

/** Where connections are reported; a pino logger fits. Fields never hold commands' arguments or contents. */
export interface HostLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
}

/** What a link needs besides its configuration. */
export interface LinkOptions {
  readonly sshConfigFile?: string;
  readonly logger?: HostLogger;
  /** The link to a machine on the way; `via` is the one before it. */
  jump(hop: string, behind: HostConfig, via: HostLink | undefined): HostLink;
}

/** The way to one host: at most one live connection, opened when first needed and again after a loss. */
export class HostLink {
  readonly config: HostConfig;
  private readonly options: LinkOptions;
  private readonly via: HostLink | undefined;
  private current: Promise<Connection> | undefined;
  private live: Connection | undefined;
  private ended = false;

  constructor(config: HostConfig, options: LinkOptions, via?: HostLink) {
    this.config = config;
    this.options = options;
    this.via = via;
  }

  /** The live connection, shared by all callers. @throws HostKeyUnknown, HostKeyMismatch, SshRefused, SshDenied, SshUnreachable */
  async connection(): Promise<Connection> {
    if (this.ended) throw new Error(`the connection to host ${this.config.name} was closed by this worker`);
    if (this.live?.closed === true) this.current = undefined;
    this.current ??= this.open();
    return this.current;
  }

  /** A session channel that runs the line; a connection that was already gone is replaced once, because nothing ran on it. */
  async session(line: string, signal?: AbortSignal): Promise<ClientChannel> {
    const connection = await this.connection();
    try {
      return await connection.session(line, signal);
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      if (!(cause instanceof Error && cause.message === 'Not connected')) throw error;
      connection.closed = true;
      return (await this.connection()).session(line, signal);
    }
  }

  /** A channel to a port of the host's loopback or of a machine that it reaches. */
  async forward(address: string, port: number, signal?: AbortSignal): Promise<Duplex> {
    return (await this.connection()).forward(address, port, signal);
  }

  /** Ends the connection for good. */
  async close(): Promise<void> {
    this.ended = true;
    const connection = await this.current?.catch(() => undefined);
    await connection?.close();
  }

  private async open(): Promise<Connection> {
    const { logger, sshConfigFile } = this.options;
    this.live = undefined;
    try {
      const endpoint = await resolveEndpoint(this.config, sshConfigFile);
      const startedAt = performance.now();
      this.live = await openConnection(endpoint, () => this.passJumps(endpoint));
      const durationMs = Math.round(performance.now() - startedAt);
      logger?.info({ host: this.config.name, hostKey: this.live.hostKey, durationMs }, 'connected to host');
      return this.live;
    } catch (error) {
      this.current = undefined; // the next caller tries again, those who waited share this answer
      throw error;
    }
  }

  private async passJumps(endpoint: Endpoint): Promise<Duplex | undefined> {
    let via = this.via;
    for (const hop of endpoint.jumps) via = this.options.jump(hop, this.config, via);
    if (via === undefined) return undefined;
    try {
      return await via.forward(endpoint.address, endpoint.port);
    } catch (error) {
      if (!isOpenFailure(error)) throw error;
      throw failure(
        'SshUnreachable',
        {
          message: `host ${this.config.name} is unreachable from its jump host ${via.config.name}`,
          detail: `Opening a channel to ${endpoint.address} port ${endpoint.port} gave: ${error.message}.`,
          hint: `Check "AllowTcpForwarding" on ${via.config.name} and its way to ${endpoint.address}; then run "rehost doctor".`,
        },
        { cause: error },
      );
    }
  }
}
