/*
 * The pull of one tree into incoming on the target.
 */
import { z } from 'zod';
import {
  DISK_FULL,
  LIVE_CHANGE_LINES,
  PARTIAL,
  PARTIAL_DIRECTORY,
  RETRIED_STATUSES,
  SUMMARY_LINES,
  VANISHED,
  rsyncArgv,
  rsyncWholeArgv,
  type RsyncPull,
} from '../formats/rsync.js';
import { quoteWord, toShellLine, type Argv } from '../formats/shell.js';
import { contract, type EffectContext } from './contract.js';
import {
  absolutePath,
  anchoredPattern,
  command,
  landingInput,
  landingOf,
  makeStepDir,
  owners,
  patternsOf,
  receiverLock,
  shortName,
  stepFile,
  written,
} from './files-landing.js';
import { peerFiles, PEER_ALIAS, SCAN_ARGV, stepId } from './files-peer.js';
import { stepDir, unitDir } from './paths.js';

const copyInput = z.object({
  tree: shortName,
  /** The tree on the source, for people: the forced command alone decides what is served. */
  sourcePath: absolutePath,
  ...landingInput,
  pass: z.enum(['warm', 'final']),
  owners,
  excludes: z.array(anchoredPattern).max(64),
  /** Directories (below the tree's root, `/db`) whose files the final pass reads whole, whatever size and time say. */
  alwaysWhole: z.array(anchoredPattern).max(16).default([]),
  /** The source's host name; address, login and pinned host key come from the inventory. */
  source: z.string(),
  /** Step that made the key on this host. */
  keyStep: stepId,
  limitBytesPerSecond: z.int().min(1024).optional(),
});

/** Input of `files.copy@1`. */
export type CopyInput = z.output<typeof copyInput>;

/** Most attempts of one unit at a broken link before it gives up; pauses grow from 5 s to 60 s. */
export const COPY_ATTEMPTS = 6;

/** Marks, in the unit's directory, that incoming was made by this unit: nothing was there to start from. */
export const firstPassMark = (context: EffectContext): string =>
  `${unitDir(context.migration, context.step, context.generation)}/first`;

function pullOf(input: CopyInput, context: EffectContext): RsyncPull {
  return {
    sshConfig: peerFiles(stepDir(context.migration, context.step)).config,
    alias: PEER_ALIAS,
    incoming: landingOf(input, context.migration).incoming,
    owners: input.owners,
    excludes: patternsOf(input.excludes),
    ...(typeof input.limitBytesPerSecond === 'number'
      ? { limitBytesPerSecond: input.limitBytesPerSecond }
      : {}),
  };
}

/** The commands of one pass that change the target. */
export function copyArgvs(
  input: CopyInput,
  context: EffectContext,
): {
  readonly make: Argv;
  readonly pull: Argv;
  readonly whole?: Argv;
  readonly dropPartials: Argv;
} {
  const pull = pullOf(input, context);
  const whole = input.pass === 'final' && Array.isArray(input.alwaysWhole) ? input.alwaysWhole : [];
  return {
    make: ['mkdir', '-m', '0700', '--', pull.incoming],
    pull: rsyncArgv(pull),
    ...(whole.length === 0 ? {} : { whole: rsyncWholeArgv(pull, whole) }),
    dropPartials: [
      'find',
      pull.incoming,
      '-depth',
      '-type',
      'd',
      '-name',
      PARTIAL_DIRECTORY,
      '-exec',
      'rm',
      '-rf',
      '--',
      '{}',
      '+',
    ],
  };
}

// `changed_alive`: the source changed while it was read, and nothing else happened. `once_more`: whatever else ended a
// warm pass is tried again before somebody is woken, but for what cannot be another time: usage, protocol, a full disk.
const WARM = `changed_alive() {
  grep -a -q -E ${quoteWord(LIVE_CHANGE_LINES)} errors || return 1
  ! grep -a -q -v -E ${quoteWord(`${LIVE_CHANGE_LINES}|${SUMMARY_LINES}`)} errors
}
once_more() {
  [ "$attempt" -lt 2 ] && [ "$status" -gt 4 ] || exit "$status"
  ! grep -a -q -E ${quoteWord(DISK_FULL)} errors || exit "$status"
}
`;

/**
 * The unit's script: waits for the tree's receiver lock, pulls, and goes on after a broken link.
 *
 * In a warm pass files may vanish or change while they are read, and any other end is tried once more. In a final pass
 * vanished files are one more try, anything else is an error. At its end the file `progress` holds the attempts, the
 * statistics of each call of rsync, and one line `pass GENERATION BYTES` for each pass of this step.
 * Exit 75: another receiver holds the lock for 10 min. Exit 78: incoming cannot be made. Otherwise the exit is rsync's.
 */
export function copyScript(input: CopyInput, context: EffectContext): string {
  const argvs = copyArgvs(input, context);
  const final = input.pass === 'final';
  return `LC_ALL=C
export LC_ALL
umask 077
incoming=${quoteWord(landingOf(input, context.migration).incoming)}
passes=${quoteWord(stepFile(context, 'passes'))}
exec 9>>${quoteWord(receiverLock(context.migration, input.tree))}
flock -w 600 9 || { echo 'rehost: another receiver works on this tree' >&2; exit 75; }
if [ ! -d "$incoming" ]; then
  : > first
  ${toShellLine(argvs.make)} || exit 78
fi
: > statistics
attempts=0
${final ? '' : WARM}pull() {
  attempt=1
  while :; do
    attempts=$((attempts + 1))
    status=0
    "$@" > progress 2> errors || status=$?
    cat errors >&2
    case $status in
      0) break ;;
      ${VANISHED}) ${final ? '[ "$attempt" -lt 2 ] || exit $status' : 'break'} ;;
      ${PARTIAL}) ${final ? 'exit $status' : '! changed_alive || break; once_more'} ;;
      ${RETRIED_STATUSES.join(' | ')})
        ! grep -q '^rehost: refused' errors || exit $status
        [ "$attempt" -lt ${COPY_ATTEMPTS} ] || exit $status ;;
      *) ${final ? 'exit $status' : 'once_more'} ;;
    esac
    pause=$((attempt * attempt * 5))
    [ "$pause" -le 60 ] || pause=60
    sleep "$pause"
    attempt=$((attempt + 1))
  done
  sed -n 's/^.*\\r//;/^Number of /p;/^Total /p;/^Literal data/p' progress >> statistics
}
pull ${toShellLine(argvs.pull)}
${final ? finalLines(argvs) : ''}received=0
for bytes in $(sed -n 's/^Total bytes received: //p' statistics); do received=$((received + bytes)); done
echo "pass ${context.generation} $received" >> "$passes"
{
  echo "attempts $attempts"
  cat statistics
  tail -n 10 "$passes"
} > progress
`;
}

// Removing a left-over of an interrupted file changes its directory's time: the tree is pulled once more to set it right.
const finalLines = (
  argvs: ReturnType<typeof copyArgvs>,
): string => `left=$(find "$incoming" -type d -name ${PARTIAL_DIRECTORY} -print | head -n 1)
if [ -n "$left" ]; then
  ${toShellLine(argvs.dropPartials)}
  pull ${toShellLine(argvs.pull)}
fi
${argvs.whole === undefined ? '' : `pull ${toShellLine(argvs.whole)}\n`}sync -f "$incoming"
`;

/** Lines that remove what landed; only ever a path of this migration's own. */
export function discardLines(
  input: { tree: string; targetPath: string; inside?: unknown },
  migration: string,
): readonly string[] {
  const { incoming } = landingOf(input, migration);
  const lock = receiverLock(migration, input.tree);
  return [
    `if [ -e ${quoteWord(incoming)} ]; then`,
    `  ${toShellLine(['flock', '-w', '60', lock, ...removeArgv(incoming)])}`,
    'fi',
  ];
}

// Also units of other generations; a pattern that matches none is no error, and the undo's own unit has another name.
const stopReceivers = (context: EffectContext): Argv => [
  'systemctl',
  'stop',
  '--',
  `rehost-${context.migration}-${context.step}-g[0-9]*.service`,
];

const removeArgv = (incoming: string): Argv => ['rm', '-rf', '--one-file-system', '--', incoming];

/** What those lines change. */
export const discardArgv = (input: { targetPath: string; inside?: unknown }, migration: string): Argv =>
  removeArgv(landingOf(input, migration).incoming);

/** `files.copy@1`: one pass of one tree. A repeat goes on where the pass before stopped. */
export const copyContract = contract({
  summary: 'Pulls one tree from the source into incoming on the target.',
  input: copyInput,
  outcome: z.object({
    /** Bytes that went over the wire. */
    bytesSent: z.int(),
    /** Sum of the sizes of all files of the tree. */
    bytesTotal: z.int(),
    filesTransferred: z.int(),
    filesTotal: z.int(),
    durationMs: z.int(),
    attempts: z.int(),
    again: z.boolean(),
    /** Bytes of the pass before this one; absent for the first. */
    bytesBefore: z.int().optional(),
    incoming: absolutePath,
  }),
  timeouts: 'unit',
  readOnly: false,
  effects: (input, context) => {
    const argvs = copyArgvs(input, context);
    const ssh = peerFiles(stepDir(context.migration, context.step));
    return [
      command(context, makeStepDir(context)),
      command(context, SCAN_ARGV),
      written(context, ssh.knownHosts, '0600'),
      written(context, ssh.config, '0600'),
      command(context, argvs.make),
      command(context, argvs.pull),
      command(context, [
        'ssh',
        '-F',
        ssh.config,
        PEER_ALIAS,
        'rsync',
        '--server',
        '--sender',
        '<...>',
        '.',
        'tree/',
      ]),
      ...(input.pass === 'final'
        ? [command(context, argvs.dropPartials), command(context, ['rm', '-rf', '--', '<...>'])]
        : []),
      ...(argvs.whole === undefined ? [] : [command(context, argvs.whole)]),
      command(context, ['sync', '-f', argvs.make[4] ?? '']),
    ];
  },
  undo: {
    shell: (input, context) => [
      `${toShellLine(stopReceivers(context))} || true`,
      ...discardLines(input, context.migration),
    ],
    effects: (input, context) => [
      command(context, stopReceivers(context)),
      command(context, [
        'flock',
        '-w',
        '60',
        receiverLock(context.migration, input.tree),
        ...discardArgv(input, context.migration),
      ]),
      command(context, discardArgv(input, context.migration)),
    ],
  },
  leaves: (input, context) => ({
    kind: 'incoming',
    what: landingOf(input, context.migration).incoming,
    remove: discardLines(input, context.migration),
  }),
});
