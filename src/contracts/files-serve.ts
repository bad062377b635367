/*
 * The source's side of a pull: the forced command, and the one line in authorized_keys that names it.
 */
import { quoteWord, toShellLine } from '../formats/shell.js';
import type { Effect, EffectContext } from './contract.js';
import { command, stepFile, written } from './files-landing.js';
import { STATE_ROOT, stepDir } from './paths.js';

/**
 * Script of the forced command: answers `address`, or serves one tree read-only to `rsync --server --sender`.
 *
 * `$1` is SSH_ORIGINAL_COMMAND, `$2` SSH_CONNECTION. The path in the command is ignored. Short options are those that
 * our own pull sends; `s` would let the client send further arguments on stdin and `L` follow links, so both are refused.
 * Nothing is evaluated: words are split at blanks only, with file name expansion off.
 * @see sshd(8), AUTHORIZED_KEYS FILE FORMAT; rsync(1), "--server"; measured with rsync 3.2.7, 3.4.1 and 3.5.0
 */
export function serveScript(tree: string): string {
  return `#!/bin/sh
# rehost: lets the target of one migration read one tree. Nothing else, and never a write.
set -euf
IFS=' '
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
tree=${quoteWord(tree)}
asked=\${1-}
connection=\${2-}
refuse() {
  echo "rehost: refused: $1" >&2
  exit 77
}
if [ "$asked" = address ]; then
  printf '%s\\n' "\${connection%% *}"
  exit 0
fi
set -- $asked
[ "\${1-}" = rsync ] && [ "\${2-}" = --server ] && [ "\${3-}" = --sender ] || refuse 'only rsync --server --sender is served'
shift 3
options=
letters=
ended=no
while [ $# -gt 0 ]; do
  word=$1
  shift
  case $word in
    .) ended=yes; break ;;
    --numeric-ids) ;;
    --bwlimit=* | --timeout=*)
      case \${word#*=} in '' | *[!0-9]*) refuse 'an option wants a number' ;; esac ;;
    --*) refuse 'an option that this key may not use' ;;
    -*)
      [ -z "$letters" ] || refuse 'more than one word of short options'
      letters=\${word#-}
      flags=\${letters%%e*}
      case $flags in '' | *[!vlHogDtpAXrSI]*) refuse 'a short option that this key may not use' ;; esac
      case \${letters#"$flags"} in
        '') ;;
        e*[!A-Za-z0-9.]*) refuse 'capabilities that are none' ;;
        e.*) ;;
        *) refuse 'capabilities that are none' ;;
      esac ;;
    *) refuse 'a word that is no option' ;;
  esac
  options="$options $word"
done
[ "$ended" = yes ] || refuse 'no end of the options'
[ -d "$tree" ] || refuse 'the tree is not there'
exec rsync --server --sender $options . "$tree/"
`;
}

/** Comment of our line in authorized_keys: the only mark by which it is found again. */
export const keyMark = (context: EffectContext): string => `rehost:${context.migration}:${context.step}`;

/** The line for authorized_keys. Without `from` the key may only be used until the address is known. @see sshd(8) */
export function authorizedKeysLine(
  context: EffectContext,
  options: { publicKey: string; asRoot: boolean; from?: string },
): string {
  const script = `${stepDir(context.migration, context.step)}/serve-tree`;
  const sudo = options.asRoot ? '' : 'sudo -n ';
  // The login shell expands the two variables inside double quotes: one word each, never parsed again.
  const forced = `${sudo}/bin/sh ${script} \\"$SSH_ORIGINAL_COMMAND\\" \\"$SSH_CONNECTION\\"`;
  const from = options.from === undefined ? '' : `from="${options.from}",`;
  return `restrict,${from}command="${forced}" ${options.publicKey} ${keyMark(context)}`;
}

// Puts `$new` in the place of "$keys": a new file with owner, mode and ACL of the one before. It is
// on the disk before it takes the name: after a power cut an empty file would lock everybody out.
const INSTALL = `if [ -e "$keys" ]; then
  cp -p -- "$keys" "$keys.rehost-new"
else
  : > "$keys.rehost-new"
  chmod 0600 "$keys.rehost-new"
  chown "$account:" "$keys.rehost-new"
fi
cat -- "$new" > "$keys.rehost-new"
sync -- "$keys.rehost-new"
mv -f -- "$keys.rehost-new" "$keys"`;

const STRIP = `if [ -e "$keys" ]; then
  sed "/ $mark\\$/d" "$keys" > "$new"
else
  : > "$new"
fi`;

/**
 * Adds or replaces our line. Arguments: step directory, mark as a pattern, account, the line, directory to lock.
 *
 * What was there before is written down first, so that the undo gives back the same bytes. Prints the file's path.
 */
export const AUTHORIZE_SCRIPT = `step=$1 mark=$2 account=$3 line=$4 new=$1/authorized-keys.new
umask 077
exec 9<"$5"
flock -w 30 9 || { echo "another change of authorized_keys holds the lock of $5" >&2; exit 75; }
home=$(getent passwd "$account" | cut -d: -f6)
[ -n "$home" ] && [ -d "$home" ]
keys=$(readlink -m -- "$home/.ssh/authorized_keys")
if [ ! -e "$step/authorized-keys.path" ]; then
  [ -d "\${keys%/*}" ] || : > "$step/ssh-directory.absent"
  if [ -e "$keys" ]; then cp -p -- "$keys" "$step/authorized-keys.before"; else : > "$step/authorized-keys.absent"; fi
  printf '%s\\n' "$keys" > "$step/authorized-keys.path.new"
  mv -- "$step/authorized-keys.path.new" "$step/authorized-keys.path"
fi
if [ ! -d "\${keys%/*}" ]; then
  mkdir -m 0700 -- "\${keys%/*}"
  chown "$account:" "\${keys%/*}"
fi
${STRIP}
if [ -n "$(tail -c 1 "$new")" ]; then echo >> "$new"; fi
printf '%s\\n' "$line" >> "$new"
if ! cmp -s "$new" "$keys"; then
${INSTALL}
fi
rm -f -- "$new"
printf '%s\\n' "$keys"
`;

/** The mark as a basic regular expression. */
export const markPattern = (context: EffectContext): string => keyMark(context).replaceAll('.', '\\.');

/**
 * The directory whose lock is held while authorized_keys is edited: one for all trees of all migrations on the host.
 *
 * Two edits at once would take lines of one another, the operator's among them (tried).
 */
export const AUTHORIZE_LOCK = STATE_ROOT;

// A file without a last newline got one before our line; the copy made before gives back its exact bytes.
const UNDO = `if [ -f "$step/authorized-keys.path" ]; then
exec 9< LOCK
flock -w 30 9
keys=$(cat "$step/authorized-keys.path")
if [ -e "$keys" ]; then
${STRIP}
if [ -f "$step/authorized-keys.before" ] && { cat "$step/authorized-keys.before"; echo; } | cmp -s - "$new"; then
  cat "$step/authorized-keys.before" > "$new"
fi
if [ -f "$step/authorized-keys.absent" ] && [ ! -s "$new" ]; then
  rm -f -- "$keys"
elif ! cmp -s "$new" "$keys"; then
  cp -p -- "$keys" "$keys.rehost-new"
  cat -- "$new" > "$keys.rehost-new"
  sync -- "$keys.rehost-new"
  mv -f -- "$keys.rehost-new" "$keys"
fi
fi
if [ -f "$step/ssh-directory.absent" ]; then rmdir -- "\${keys%/*}" 2>/dev/null || true; fi
rm -f -- "$step/serve-tree" "$new" "$step/authorized-keys.before" "$step/authorized-keys.absent" "$step/ssh-directory.absent"
rm -f -- "$step/authorized-keys.path"
fi`;

// The new content of authorized_keys, on its way.
const newContent = (context: EffectContext): string => stepFile(context, 'authorized-keys.new');

const HOME_KEYS = '<home>/.ssh/authorized_keys';

/** Takes the authorization of one step back: exactly our line, our script; the file is as before. */
export const authorizeUndo = {
  /** Lines for UNDO.md. */
  shell(context: EffectContext): readonly string[] {
    const directory = stepDir(context.migration, context.step);
    return [
      '(',
      // By hand the blocks run without it: on a full disk the next line would install what could not be written.
      'set -eu',
      'umask 077',
      `step=${quoteWord(directory)}`,
      `new=${quoteWord(newContent(context))}`,
      `mark=${quoteWord(markPattern(context))}`,
      ...UNDO.replace('LOCK', quoteWord(AUTHORIZE_LOCK)).split('\n'),
      ')',
    ];
  },
  /** What replaces the file, in acting and in undoing. */
  editEffects(context: EffectContext): readonly Effect[] {
    const directory = stepDir(context.migration, context.step);
    return [
      written(context, newContent(context), '0600'),
      command(context, ['cp', '-p', '--', HOME_KEYS, `${HOME_KEYS}.rehost-new`]),
      command(context, ['chmod', '0600', `${HOME_KEYS}.rehost-new`]),
      command(context, ['chown', '<account>:', `${HOME_KEYS}.rehost-new`]),
      command(context, ['sync', '--', `${HOME_KEYS}.rehost-new`]),
      command(context, [
        'mv',
        '--',
        `${directory}/authorized-keys.path.new`,
        `${directory}/authorized-keys.path`,
      ]),
      command(context, ['mv', '-f', '--', `${HOME_KEYS}.rehost-new`, HOME_KEYS]),
      command(context, ['rm', '-f', '--', `${directory}/authorized-keys.new`]),
    ];
  },
  /** What the undo lines change. */
  effects(context: EffectContext): readonly Effect[] {
    const directory = stepDir(context.migration, context.step);
    const files = [
      'serve-tree',
      'authorized-keys.new',
      'authorized-keys.before',
      'authorized-keys.absent',
      'ssh-directory.absent',
    ];
    return [
      written(context, newContent(context), '0600'),
      command(context, ['cp', '-p', '--', HOME_KEYS, `${HOME_KEYS}.rehost-new`]),
      command(context, ['sync', '--', `${HOME_KEYS}.rehost-new`]),
      command(context, ['mv', '-f', '--', `${HOME_KEYS}.rehost-new`, HOME_KEYS]),
      command(context, ['rm', '-f', '--', HOME_KEYS]),
      command(context, ['rmdir', '--', '<home>/.ssh']),
      command(context, ['rm', '-f', '--', ...files.map((file) => `${directory}/${file}`)]),
      command(context, ['rm', '-f', '--', `${directory}/authorized-keys.path`]),
    ];
  },
};

/** The client's command that asks the source which address it sees. */
export const askAddressLine = (config: string): string =>
  toShellLine(['ssh', '-F', config, '-T', 'rehost-source', 'address']);
