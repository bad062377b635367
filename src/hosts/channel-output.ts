import type { ClientChannel } from 'ssh2';
import { classifyClose } from './command-end.js';
import type { CommandEnd, RunOptions } from './host.js';
import { KILL_AFTER_SECONDS } from './remote-line.js';

/** Everything a channel gave until it closed. */
export interface Collected {
  readonly end: CommandEnd;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly durationMs: number;
  /** The stream that gave more than was allowed; what came is then incomplete. */
  readonly overflow?: 'stdout' | 'stderr';
}

/** What rc files may print before the command's own output starts. */
const NOISE_BYTES = 64 * 1024;
/** The host ends the command itself; only when it does not answer is the channel closed from here. */
const GRACE_MS = (KILL_AFTER_SECONDS + 5) * 1_000;
/** sshd confirms the end of a channel only once its process is gone, and one in uninterruptible I/O never goes. */
const CLOSE_MS = 5_000;

/**
 * Feeds a channel its stdin and collects what it prints until it closes.
 *
 * On abort the signal's reason is thrown; the command goes on until its own time limit, because sshd passes no signal to
 * a channel whose stdin has ended: only commands that change nothing are given a signal. Ends at the
 * latest `GRACE_MS` and `CLOSE_MS` after the time limit, also when the command cannot be killed: `disconnected` then.
 */
export function collectChannel(
  channel: ClientChannel,
  options: RunOptions & { readonly timeoutMs: number; readonly maxBytes: number },
): Promise<Collected> {
  const { signal, maxBytes, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    const bytes = { stdout: 0, stderr: 0 };
    let overflow: Collected['overflow'];
    const keep = (stream: 'stdout' | 'stderr', chunk: Buffer): void => {
      bytes[stream] += chunk.length;
      if (bytes[stream] <= maxBytes + NOISE_BYTES) output[stream].push(chunk);
      else {
        overflow ??= stream;
        giveUp();
      }
    };
    let unconfirmed: NodeJS.Timeout | undefined;
    const giveUp = (): void => {
      channel.close();
      // Who waits for the end (this reading, the slot of the session) is told; the confirmation may come later or never.
      unconfirmed ??= setTimeout(() => channel.emit('close'), CLOSE_MS);
    };
    const timer = setTimeout(giveUp, timeoutMs + GRACE_MS);
    const abort = (): void => {
      giveUp();
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
    channel.on('data', (chunk: Buffer) => keep('stdout', chunk));
    channel.stderr.on('data', (chunk: Buffer) => keep('stderr', chunk));
    // A write after the command has ended its stdin is no failure of its own: how it ended is told by 'close'.
    channel.on('error', () => undefined);
    channel.once('close', (code: number | null | undefined, killedBy: string | undefined) => {
      clearTimeout(timer);
      clearTimeout(unconfirmed);
      signal?.removeEventListener('abort', abort);
      const stdout = Buffer.concat(output.stdout);
      const durationMs = Math.round(performance.now() - startedAt);
      const collected = {
        end: classifyClose(code, killedBy),
        stdout,
        stderr: Buffer.concat(output.stderr),
        durationMs,
      };
      resolve(overflow === undefined ? collected : { ...collected, overflow });
    });
    channel.end(options.stdin ?? '');
  });
}
