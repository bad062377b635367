/** A file for /etc/sudoers.d that lets an account do what rehost needs. */
export interface SudoersFile {
  readonly path: string;
  readonly text: string;
}

/**
 * The sudoers file of an account; `doctor` prints it. Install it with mode 0440 and check it with `visudo -cf`.
 *
 * It is plainly root: sudo for systemd-run, rsync, tar or an editor *is* root, so a list of commands would only look
 * stricter. The account and its key are meant for the migration, limited in time, and logged by sudo.
 * @see sudoers(5)
 */
export function sudoersFile(user: string): SudoersFile {
  const text = [
    `# For the migration by rehost; remove it afterwards. Check: visudo -cf /etc/sudoers.d/rehost-${user}`,
    `Defaults:${user} !requiretty`,
    `${user} ALL=(root) NOPASSWD: ALL`,
    '',
  ].join('\n');
  // sudo passes over files in sudoers.d whose name holds a dot.
  return {
    path: `/etc/sudoers.d/rehost-${user.replaceAll('.', '_')}`,
    text: text.replaceAll(`rehost-${user}`, `rehost-${user.replaceAll('.', '_')}`),
  };
}
