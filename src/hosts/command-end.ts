import type { CommandEnd } from './host.js';

/**
 * How a channel's command ended, from the arguments of ssh2's `close` event.
 *
 * ssh2 gives `close(0)` for an exit, `close(null, 'SIGKILL', …)` for a signal and `close(undefined)` without any `error`
 * event when the link drops; only the first is an exit status.
 */
export function classifyClose(
  code: number | null | undefined,
  signal: string | null | undefined,
): CommandEnd {
  if (typeof code === 'number') return { kind: 'exited', exitStatus: code };
  if (typeof signal === 'string') return { kind: 'killed', exitSignal: signal };
  return { kind: 'disconnected' }; // the remote process may still be running: probe before repeating
}

/** A command's end in words, for messages: `exited 2`, `was killed by SIGKILL`, `lost its connection`. */
export function describeEnd(end: CommandEnd): string {
  switch (end.kind) {
    case 'exited':
      return `exited ${end.exitStatus}${documentedMeaning(end.exitStatus)}`;
    case 'killed':
      return `was killed by ${end.exitSignal}`;
    case 'disconnected':
      return 'lost its connection';
  }
}

// POSIX.1, Shell Command Language 2.8.2: the shell's own statuses; 128 + n is how a shell reports a signal.
function documentedMeaning(status: number): string {
  if (status === 126) return ' (found but cannot be executed)';
  if (status === 127) return ' (command not found)';
  const signal = signalOf(status);
  return signal === undefined ? '' : ` (ended by signal ${signal})`;
}

/** The signal that an exit status of a shell stands for, 1–64, or undefined. @see signal(7), kill(1) */
export const signalOf = (status: number): number | undefined =>
  status > 128 && status <= 128 + 64 ? status - 128 : undefined;
