/*
 * Commands that start others, records that are not rehost's doing, and all lists as one text.
 */
import { READ_ONLY, type AllowRule } from './allow-list.js';

/** Programs that only start others, each with the reason why it counts as explained. */
export const WRAPPERS: readonly AllowRule[] = [
  {
    programs: ['sudo'],
    reason: 'starts the command that follows as root; that one is recorded by itself',
    when: 'not -e, -v, -k, -K',
    holds: (words) => !leadingOptions(words).some((word) => /^-[evkK]$/.test(word)),
  },
  {
    programs: ['sh', 'bash', 'dash'],
    reason:
      'what it starts is recorded; its redirections and its built-in kill are looked for in its text and must be previewed themselves',
    when: 'with -c',
    holds: (words) => leadingOptions(words).some((word) => /^-[a-z]*c$/.test(word)),
  },
  {
    programs: ['sh', 'bash', 'dash'],
    reason:
      "a unit's script or a forced command of ours: what it starts is recorded, and what it writes with redirections shows in the comparison of trees",
    when: 'the script lies beneath /var/lib/rehost/',
    holds: (words) =>
      /^\/var\/lib\/rehost\/[^/]+\/[^/]+\//.test(words.find((word) => !word.startsWith('-')) ?? ''),
  },
  {
    programs: ['sh', 'bash', 'dash'],
    reason: 'a login shell, or one that reads its commands from stdin',
    when: 'without a script',
    holds: (words) => words.every((word) => word.startsWith('-')),
  },
  {
    programs: ['systemd-run'],
    reason:
      'starts a unit; systemd starts its command, which is recorded, and transient units are left-overs in the snapshot',
    when: 'without --scope',
    holds: (words) => !words.includes('--scope'),
  },
];

/**
 * Programs that become or start the command that follows in a way that snoopy cannot see (`execvp`): that command is
 * taken out of their words and judged instead of them. Measured: `timeout 60 mkdir x` leaves no record of mkdir.
 */
export const UNWRAPPED: readonly { readonly program: string; readonly head: RegExp }[] = [
  { program: 'timeout', head: /^(?:(?:-k|-s|--kill-after|--signal)\s+\S+\s+|-\S+\s+)*\S+\s+/ },
  { program: 'env', head: /^(?:(?:-u|-C|--chdir)\s+\S+\s+|-\S*\s+|[A-Za-z_]\w*=\S*\s+)*/ },
  { program: 'nice', head: /^(?:-n\s+\S+\s+|-\S+\s+)*/ },
  { program: 'ionice', head: /^(?:-[cn]\s+\S+\s+|-\S+\s+)*/ },
  { program: 'chrt', head: /^(?:-\S+\s+)*\d+\s+/ },
  { program: 'nohup', head: /^/ },
  { program: 'setsid', head: /^(?:-\S+\s+)*/ },
  { program: 'stdbuf', head: /^(?:-\S+\s+)*/ },
  { program: 'time', head: /^(?:-\S+\s+)*/ },
  { program: 'flock', head: /^(?:(?:-w|-E|--timeout)\s+\S+\s+|-\S+\s+)*\S+(?:\s+|$)(?:-c\s+)?/ },
  { program: 'xargs', head: /^(?:-[IPnLsd]\s+\S+\s+|-\S+\s+)*/ },
];

const leadingOptions = (words: readonly string[]): readonly string[] => {
  const end = words.findIndex((word) => !word.startsWith('-') || word === '--');
  return end === -1 ? words : words.slice(0, end);
};

/** Where a command can come from without being rehost's doing; needs the control group in the record. */
export const NOT_OURS: readonly { readonly what: string; readonly reason: string }[] = [
  {
    what: 'a control group that is no session, no sshd and no unit named rehost-* or run-*',
    reason:
      "systemd, timers and the product itself; `systemctl start` of it is previewed, and the lab's own way in is not SSH",
  },
  {
    what: 'sshd, sshd-session, sshd-auth, unix_chkpwd, systemd-executor, /etc/update-motd.d',
    reason: 'a log-in, before the command of the session',
  },
];

const SESSION =
  /(^|\/)(session-[^/]*\.scope|sshd?(@[^/]*)?\.(service|socket)|(rehost-(?!lab-(?:first-boot|seed|upstream)\.)|run-)[^/]*\.(service|scope))(\/|$)/;
const LOG_IN = /^(sshd|sshd-session|sshd-auth|unix_chkpwd|systemd-executor|\(systemd\))$/;
const MESSAGE_OF_THE_DAY =
  /^(?:\/usr\/bin\/env -i PATH=\S+ )?(?:run-parts --lsbsysinit )?\/etc\/update-motd\.d(\/|$)/;

/** Whether a record is part of what rehost did; unknown control groups count as rehost's. */
export function isOurs(
  command: { readonly program: string; readonly words: readonly string[]; readonly text: string },
  groups: readonly string[],
): boolean {
  const known = groups
    .map((group) => group.replace(/^\d+:[^/]*:/, ''))
    .filter((group) => group.startsWith('/'));
  if (known.length > 0 && !known.some((group) => SESSION.test(group))) return false;
  if (command.program === 'sshd' && (command.words.includes('-T') || command.words.includes('-t')))
    return true;
  return !LOG_IN.test(command.program) && !MESSAGE_OF_THE_DAY.test(command.text);
}

/** The lists as text for people. */
export function printAllowList(): string {
  const rule = ({ programs, when, reason }: AllowRule): string =>
    `  ${programs.join(' ')}${when === undefined ? '' : ` [${when}]`}: ${reason}`;
  return [
    'commands that change nothing:',
    ...READ_ONLY.map(rule),
    '  any program [--version, --help or -V alone]: prints',
    'wrappers, explained by what they start:',
    ...WRAPPERS.map(rule),
    `  ${UNWRAPPED.map(({ program }) => program).join(' ')}: the command that follows is judged instead`,
    "not rehost's doing:",
    ...NOT_OURS.map(({ what, reason }) => `  ${what}: ${reason}`),
  ].join('\n');
}
