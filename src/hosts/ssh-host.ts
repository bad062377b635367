import { createHash, randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import type { ClientChannel } from 'ssh2';
import { failure } from '../failures.js';
import type { Argv } from '../formats/shell.js';
import { collectChannel, type Collected } from './channel-output.js';
import { describeEnd } from './command-end.js';
import { commandFailed, lastLines, scriptArgv, shortArgv } from './command-failure.js';
import { connectionLost } from './connect-failure.js';
import type { CommandResult, Host, HttpAnswer, HttpRequest, RunOptions } from './host.js';
import type { HostLink, HostLogger } from './host-link.js';
import { requestThrough } from './http-request.js';
import { afterMarker, remoteLine, sudoRefusal } from './remote-line.js';

const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_MAX_BYTES = 1024 * 1024;
/** Exit status with which our `readFile` says that there is no such file. */
const NO_SUCH_FILE = 44;

/**
 * Writes stdin to a file by temp name, fsync and rename. Content that did not arrive whole never takes the name:
 * a dropped connection looks like the end of the data to `cat`.
 */
const WRITE_FILE = `path=$1 mode=$2 sum=$3
directory=\${path%/*}; [ -n "$directory" ] || directory=/
case $path in /var/lib/rehost/*) (umask 077; mkdir -p -- "$directory") ;; esac
umask 077
temp=$(mktemp -- "$directory/.\${path##*/}.XXXXXX")
trap 'rm -f -- "$temp"' EXIT
cat >"$temp"
arrived=$(sha256sum <"$temp")
[ "\${arrived%% *}" = "$sum" ] || { echo "the content did not arrive whole" >&2; exit 75; }
if [ -f "$path" ] && [ ! -L "$path" ] && cmp -s -- "$temp" "$path"; then
  [ "$(stat -c %a -- "$path")" != "$mode" ] || { echo same; exit 0; }
fi
[ ! -e "$path" ] || chown "$(stat -c %u:%g -- "$path")" "$temp"
chmod "$mode" "$temp"
sync -- "$temp"
mv -T -- "$temp" "$path"
sync -- "$directory"
echo written`;

/** A host behind an SSH connection. */
export class SshHost implements Host {
  readonly name: string;
  readonly user: string;
  readonly peer: Host['peer'];
  private readonly link: HostLink;
  private readonly logger: HostLogger | undefined;

  constructor(link: HostLink, logger?: HostLogger) {
    const { name, user, address, port, peerAddress, peerPort } = link.config;
    this.name = name;
    this.user = user ?? userInfo().username;
    this.peer = {
      address: peerAddress ?? address,
      port: peerPort ?? (peerAddress === undefined ? (port ?? 22) : 22),
    };
    this.link = link;
    this.logger = logger;
  }

  async hostKey(): Promise<string> {
    return (await this.link.connection()).hostKey;
  }

  async publicKey(): Promise<string> {
    return (await this.link.connection()).publicKey;
  }

  async run(argv: Argv, options: RunOptions = {}): Promise<CommandResult> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes = DEFAULT_MAX_BYTES, signal } = options;
    const marker = `rehost-${randomBytes(12).toString('hex')}`;
    const connection = await this.link.connection();
    const sudo = options.as !== 'login' && connection.user !== 'root';
    const channel = await this.link.session(remoteLine({ argv, sudo, timeoutMs, marker }), signal);
    const collected = await this.collect(channel, argv, { ...options, timeoutMs, maxBytes });
    const stdout = afterMarker(collected.stdout, marker);
    const result = {
      end: collected.end,
      stdout: stdout?.toString() ?? '',
      stderr: collected.stderr.toString(),
      durationMs: collected.durationMs,
    };
    const ended = describeEnd(result.end);
    this.logger?.debug(
      { host: this.name, program: argv[0], ended, durationMs: result.durationMs },
      'ran a command',
    );
    this.refuseUnless(argv, { ...result, reached: stdout !== undefined, sudo, timeoutMs });
    return result;
  }

  async check(argv: Argv, options?: RunOptions): Promise<string> {
    const result = await this.run(argv, options);
    if (result.end.kind === 'exited' && result.end.exitStatus === 0) return result.stdout;
    throw commandFailed(this.name, argv, result);
  }

  async script(text: string, args: readonly string[] = [], options?: RunOptions): Promise<string> {
    return this.check(scriptArgv(text, args), options);
  }

  async writeFile(path: string, content: string, options: { readonly mode: string }): Promise<boolean> {
    const sum = createHash('sha256').update(content, 'utf8').digest('hex');
    const mode = options.mode.replace(/^0+(?=[0-7]{3})/, '');
    const answer = await this.script(WRITE_FILE, [path, mode, sum], { stdin: content });
    return answer.trim() === 'written';
  }

  async readFile(path: string, options: { readonly maxBytes?: number } = {}): Promise<string | undefined> {
    const text = `[ -e "$1" ] || exit ${NO_SUCH_FILE}; exec cat -- "$1"`;
    const argv = scriptArgv(text, [path]);
    const result = await this.run(argv, options);
    if (result.end.kind !== 'exited') throw commandFailed(this.name, argv, result);
    if (result.end.exitStatus === NO_SUCH_FILE) return undefined;
    if (result.end.exitStatus !== 0) throw commandFailed(this.name, argv, result);
    return result.stdout;
  }

  async request(request: HttpRequest): Promise<HttpAnswer> {
    return requestThrough(this.link, request);
  }

  private async collect(
    channel: ClientChannel,
    argv: Argv,
    options: RunOptions & { readonly timeoutMs: number; readonly maxBytes: number },
  ): Promise<Collected> {
    const collected = await collectChannel(channel, options);
    if (collected.overflow === undefined) return collected;
    throw failure('CommandFailed', {
      message: `a command on host ${this.name} printed more than ${options.maxBytes} bytes to ${collected.overflow}`,
      detail: `The command was ${shortArgv(argv)}; nothing of its output was used.`,
      hint: 'Run "rehost retry" after you have seen why it prints so much; if it must, this is a bug of rehost: please report it.',
    });
  }

  private refuseUnless(
    argv: Argv,
    ran: CommandResult & { readonly reached: boolean; readonly sudo: boolean; readonly timeoutMs: number },
  ): void {
    if (ran.end.kind === 'disconnected' && ran.durationMs < ran.timeoutMs)
      throw connectionLost(this.name, `running ${argv[0]}`);
    const late = ran.durationMs >= ran.timeoutMs;
    const byTimeout = ran.end.kind !== 'exited' || ran.end.exitStatus === 124 || ran.end.exitStatus === 137;
    if (late && byTimeout) throw this.timedOut(argv, ran);
    if (!ran.reached) throw this.shellRefused(argv, ran);
    const refusal =
      ran.sudo && ran.end.kind === 'exited' ? sudoRefusal(ran.end.exitStatus, ran.stderr) : undefined;
    if (refusal !== undefined) throw this.sudoMissing(refusal);
  }

  private timedOut(argv: Argv, ran: CommandResult & { readonly timeoutMs: number }): Error {
    return failure('CommandTimedOut', {
      message: `a command on host ${this.name} took longer than ${ran.timeoutMs / 1000} s and was ended`,
      detail: [`The command was ${shortArgv(argv)}.`, lastLines(ran.stderr)].join('\n').trim(),
      hint: 'See "uptime" and "dmesg" on the host (load, a hanging disk or mount), then run "rehost retry".',
    });
  }

  private shellRefused(argv: Argv, ran: CommandResult): Error {
    return failure('CommandFailed', {
      message: `the log-in shell of ${this.user} on host ${this.name} did not run the command: it ${describeEnd(ran.end)}`,
      detail: [`The command was ${shortArgv(argv)}.`, lastLines(ran.stderr)].join('\n').trim(),
      hint: `Give the account a POSIX shell ("usermod -s /bin/sh ${this.user}" on the host) without a forced command, then run "rehost doctor".`,
    });
  }

  private sudoMissing(refusal: string): Error {
    return failure('SudoMissing', {
      message: `${this.user} may not become root on host ${this.name} without a password`,
      detail: `sudo -n answered: ${refusal.trim()}.`,
      hint: `Run "rehost doctor": it prints the sudoers file for ${this.user} and tests it.`,
    });
  }
}
