/*
 * What may be executed on a host without counting as a change. Everything that is not here is a change.
 */

/** One rule: programs by base name, and what must hold of the words after the program. */
export interface AllowRule {
  readonly programs: readonly string[];
  readonly reason: string;
  /** For people: the condition in words. */
  readonly when?: string;
  readonly holds?: (words: readonly string[], text: string) => boolean;
}

const words = (line: string): readonly string[] => line.split(' ');
const none =
  (...patterns: readonly RegExp[]) =>
  (words: readonly string[]): boolean =>
    !words.some((word) => patterns.some((pattern) => pattern.test(word)));
const first =
  (allowed: readonly string[], valued: readonly string[] = []) =>
  (words: readonly string[]): boolean => {
    const plain = words.filter(
      (word, index) => !word.startsWith('-') && !valued.includes(words[index - 1] ?? ''),
    );
    return plain[0] !== undefined && allowed.includes(plain[0]);
  };
const some =
  (...options: readonly string[]) =>
  (words: readonly string[]): boolean =>
    words.some((word) => options.includes(word));

const SYSTEMCTL_READS = words(
  'show status cat is-active is-enabled is-failed is-system-running list-units list-unit-files list-timers list-sockets list-jobs list-dependencies get-default show-environment',
);

/** Commands that change nothing on a host. */
export const READ_ONLY: readonly AllowRule[] = [
  {
    programs: words(
      'cat stat ls readlink realpath basename dirname head tail wc cut tr uniq comm cmp diff nl paste tac rev fold join grep egrep fgrep zgrep zcat sha256sum sha1sum md5sum cksum b2sum od hexdump xxd base64 file numfmt id whoami groups getent uname arch uptime nproc df du findmnt mountpoint lsblk free getconf locale lsb_release ps pgrep pidof lsof ss test [ true false echo printf sleep expr seq pwd which tty printenv getfacl getfattr lsattr dpkg-query apt-cache last who w systemd-detect-virt systemd-escape systemd-path',
    ),
    reason: 'only read and print; what they print is seen as a redirection of the shell',
  },
  {
    programs: ['find'],
    reason: 'reads names',
    when: 'without -delete, -exec, -execdir, -ok, -fprint, -fls',
    holds: none(/^-(delete|exec|execdir|ok|okdir|fprint0?|fprintf|fls)$/),
  },
  {
    programs: ['systemctl'],
    reason: 'asks systemd',
    when: SYSTEMCTL_READS.join(', '),
    holds: first(SYSTEMCTL_READS, ['-p', '--property', '-P', '-n', '-t', '--type', '-o']),
  },
  {
    programs: ['journalctl'],
    reason: 'reads the journal',
    when: 'without --vacuum, --rotate, --flush, --sync',
    holds: none(/^--(vacuum|rotate|flush|sync|relinquish)/),
  },
  {
    programs: ['loginctl', 'timedatectl', 'hostnamectl', 'systemd-analyze', 'busctl'],
    reason: 'ask systemd',
    when: 'show, status, list, verify, time',
    holds: first(['show', 'status', 'list-sessions', 'show-session', 'verify', 'time', 'list']),
  },
  { programs: ['sed'], reason: 'a filter', when: 'without -i', holds: none(/^-[a-zA-Z]*i/, /^--in-place/) },
  { programs: ['sort'], reason: 'a filter', when: 'without -o', holds: none(/^-[a-zA-Z]*o/, /^--output/) },
  {
    programs: ['awk', 'gawk', 'mawk'],
    reason: 'a filter',
    when: 'its program writes no file and runs no command',
    holds: (_words, text) => !/>\s*"|\bsystem\s*\(|\|\s*"|-i\s+inplace/.test(text),
  },
  {
    programs: ['gzip', 'zstd', 'xz'],
    reason: 'a filter',
    when: 'with -c or -t',
    holds: some('-c', '-1c', '-cd', '-dc', '-t', '-l'),
  },
  { programs: ['date'], reason: 'reads the clock', when: 'without -s', holds: none(/^-s$/, /^--set/) },
  {
    programs: ['hostname'],
    reason: 'reads the name',
    when: 'without a name',
    holds: (words) => words.every((word) => word.startsWith('-')),
  },
  {
    programs: ['ip'],
    reason: 'reads addresses and routes',
    when: 'show, route get',
    holds: none(/^(add|del|delete|set|flush|change|replace)$/),
  },
  {
    programs: ['fuser'],
    reason: 'lists processes',
    when: 'without -k',
    holds: none(/^-[a-zA-Z]*k/, /^--kill$/),
  },
  {
    programs: ['dpkg'],
    reason: 'reads the package list',
    when: '-l, -s, -S, -L, --print-architecture, --compare-versions',
    holds: some('-l', '-s', '-S', '-L', '--print-architecture', '--compare-versions'),
  },
  {
    programs: ['sqlite3'],
    reason: 'reads a database',
    when: 'with -readonly',
    holds: some('-readonly', '--readonly'),
  },
  {
    programs: ['curl'],
    reason: 'a GET or HEAD',
    when: 'without a body, another method, or a file to write but /dev/null',
    holds: (words, text) =>
      none(/^-(d|F|T|O|J|c)$/, /^--(data|form|upload|remote|cookie-jar|post)/)(words) &&
      !/(^|\s)(-X|--request)\s*(?!GET\b|HEAD\b)/.test(text) &&
      !/(^|\s)(-o|--output)\s+(?!\/dev\/null\b)/.test(text),
  },
  {
    programs: ['ssh-keygen'],
    reason: 'prints fingerprints and public keys',
    when: '-l, -y, -F',
    holds: (words) => words.some((word) => /^-[a-zA-Z]*[lyF]/.test(word)) && none(/^-[tRqNCa]$/)(words),
  },
  { programs: ['sshd'], reason: 'prints its configuration', when: '-T or -t', holds: some('-T', '-t') },
  {
    programs: ['visudo'],
    reason: 'checks a file',
    when: 'with -c',
    holds: (words) => words.some((word) => /^-[a-zA-Z]*c/.test(word)),
  },
  {
    programs: ['rsync'],
    reason: 'serves or lists files',
    when: '--server --sender or --dry-run, and not --remove-source-files',
    holds: (words) =>
      (words.includes('--sender') || words.includes('--dry-run') || words.includes('-n')) &&
      none(/^--remove-s/)(words),
  },
  {
    programs: ['tar'],
    reason: 'lists an archive',
    when: '-t',
    holds: (words) => /^-?[a-z]*t/.test(words[0] ?? ''),
  },
  {
    programs: ['rspm'],
    reason: "the product's reading commands",
    when: 'list, info, offline, check-config, version, verify, help',
    holds: first(
      ['list', 'info', 'offline', 'check-config', 'version', 'verify', 'help'],
      ['-c', '--config', '-o', '--output-format', '-a', '--address'],
    ),
  },
  {
    programs: ['license-manager'],
    reason: 'asks for the state of the licence',
    when: 'status, status-offline, verify',
    holds: first(['status', 'status-offline', 'verify']),
  },
];

/** The rule of a list that allows a command, or undefined. */
export function allowedBy(
  rules: readonly AllowRule[],
  command: { readonly program: string; readonly words: readonly string[]; readonly text: string },
): AllowRule | undefined {
  return rules.find(
    (rule) => rule.programs.includes(command.program) && (rule.holds?.(command.words, command.text) ?? true),
  );
}
