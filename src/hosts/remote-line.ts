import { quoteWord, toShellLine, type Argv } from '../formats/shell.js';

/** What is needed to build the one line of text that sshd hands to the account's shell. */
export interface RemoteCommand {
  readonly argv: Argv;
  /** Whether sudo is needed: the account is not root and the command is to run as root. */
  readonly sudo: boolean;
  readonly timeoutMs: number;
  /** Printed to stdout just before the command starts, so that what rc files print is told from what the command prints. */
  readonly marker: string;
}

/** Seconds between `timeout`'s TERM and its KILL. */
export const KILL_AFTER_SECONDS = 5;

/**
 * The line of shell text that runs exactly this argv, and that ends on the host even when its client is gone.
 *
 * `timeout` is part of it because a quiet command outlives its ssh client (measured: SIGKILL of the client leaves a
 * remote `sleep` alone). The locale is fixed so that messages and orders are the same on every host.
 */
export function remoteLine(command: RemoteCommand): string {
  const seconds = String(Math.max(1, Math.ceil(command.timeoutMs / 1000)));
  const limited: Argv = ['timeout', '-k', String(KILL_AFTER_SECONDS), seconds, ...command.argv];
  const line: Argv = command.sudo ? ['sudo', '-n', '--', ...limited] : limited;
  return `export LC_ALL=C.UTF-8; printf '%s\\n' ${quoteWord(command.marker)}; exec ${toShellLine(line)}`;
}

/** The command's own stdout, without what rc files printed before it; undefined when the shell never reached the command. */
export function afterMarker(stdout: Buffer, marker: string): Buffer | undefined {
  const found = stdout.indexOf(`${marker}\n`);
  return found < 0 ? undefined : stdout.subarray(found + marker.length + 1);
}

/** How sudo says that it will not do it; wording of sudo 1.9 in the C locale and of the shells of Debian. */
const SUDO_REFUSALS = [
  /^sudo: a password is required/m,
  /^sudo: a terminal is required/m,
  /^sudo: no tty present/m,
  /^sudo: sorry, you must have a tty/m,
  /is not in the sudoers file/,
  /is not allowed to (?:execute|run sudo)/,
  /may not run sudo/,
  /^sudo: .*(?:setuid bit|no new privileges|account validation failure|unable to initialize policy)/m,
  /^(?:\S+: )?(?:line \d+: |\d+: )*(?:exec: )?sudo: (?:command )?not found/m,
];

/** The line with which sudo refused, or undefined when the command itself failed. */
export function sudoRefusal(exitStatus: number, stderr: string): string | undefined {
  if (exitStatus !== 1 && exitStatus !== 127) return undefined;
  return stderr.split('\n').find((line) => SUDO_REFUSALS.some((refusal) => refusal.test(line)));
}
