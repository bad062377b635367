import type { Argv } from '../formats/shell.js';

/** How a command ended. A disconnect is not a failure: the command may still run. @see RFC 4254, 6.10 */
export type CommandEnd =
  | { readonly kind: 'exited'; readonly exitStatus: number }
  | { readonly kind: 'killed'; readonly exitSignal: string }
  | { readonly kind: 'disconnected' };

/** What a command gave; `stdout` and `stderr` are UTF-8, cut at `maxBytes` each. */
export interface CommandResult {
  readonly end: CommandEnd;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** Options of one command. Everything runs as root unless `as` is `login`. */
export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  /** Default 60 000. The command is ended and CommandTimedOut thrown. */
  readonly timeoutMs?: number;
  /** Ends the waiting, not the command, which goes on until its time limit: for what changes nothing. */
  readonly signal?: AbortSignal;
  readonly as?: 'root' | 'login';
  /** Default 1 MiB for each of stdout and stderr; more is a failure, never silently cut data. */
  readonly maxBytes?: number;
}

/** An HTTP answer read through an SSH channel to the host's loopback. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of the body that were read. */
  readonly bytes: number;
  /** SHA-256 of the body, hex; equal to that of the whole body. */
  readonly sha256: string;
  /** The body as UTF-8, at most `keepBytes` of it (default 256 KiB). */
  readonly text: string;
}

/** One HTTP request to a product on the host's loopback. */
export interface HttpRequest {
  readonly port: number;
  readonly path: string;
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly keepBytes?: number;
  readonly signal?: AbortSignal;
}

/** A machine that rehost reaches over SSH; one connection per host per worker, shared by all Activities. */
export interface Host {
  readonly name: string;
  /** How the other host of a migration reaches this one: the inventory's `peerAddress` and `peerPort`, else address and port. */
  readonly peer: { readonly address: string; readonly port: number };
  /** The account that rehost logs in with; commands run as root by sudo when it is another. */
  readonly user: string;
  /** SHA-256 fingerprint of the key the host showed, as OpenSSH prints it (`SHA256:…`). */
  hostKey(): Promise<string>;
  /** The same key whole, type and base64, as a line of known_hosts carries it (`ssh-ed25519 AAAA…`). */
  publicKey(): Promise<string>;
  /** Runs a command and tells how it ended; a non-zero status is not thrown. @throws ConnectionLost, CommandTimedOut */
  run(argv: Argv, options?: RunOptions): Promise<CommandResult>;
  /** Runs a command that must exit 0 and returns its stdout. @throws CommandFailed with the last 20 lines of stderr */
  check(argv: Argv, options?: RunOptions): Promise<string>;
  /** `check` of `sh -eu -c` of a text with ARGS as `$1`…: the text is ours and constant, values go into the arguments. Both are visible in process lists: secrets go by stdin. */
  script(text: string, args?: readonly string[], options?: RunOptions): Promise<string>;
  /** Writes a file by temp name, fsync and rename; a repeat with the same content changes nothing. Answers whether it changed. */
  writeFile(path: string, content: string, options: { readonly mode: string }): Promise<boolean>;
  /** The file's text, or undefined when there is none. */
  readFile(path: string, options?: { readonly maxBytes?: number }): Promise<string | undefined>;
  /** HTTP through an SSH channel to 127.0.0.1 of the host. @throws ConnectionLost, ProductAnswersWrong when nothing listens */
  request(request: HttpRequest): Promise<HttpAnswer>;
}

/** Finds hosts by the names of the inventory. @throws HostUnknown with the nearest known name */
export interface Hosts {
  get(name: string): Host;
  readonly names: readonly string[];
  close(): Promise<void>;
}
