/*
 * Room on file systems, and the removal of what a finished migration no longer needs.
 */
import { z } from 'zod';
import { toShellLine } from '../formats/shell.js';
import { contract, type EffectContext } from './contract.js';
import { command, absolutePath, landingInput, shortName } from './files-landing.js';
import { discardArgv, discardLines } from './files-copy.js';
import { pullKeyPath, stepId } from './files-peer.js';
import { authorizeUndo } from './files-serve.js';
import { receiverLock } from './files-landing.js';

/** What is needed on the file system that holds `path` (or will: the nearest parent that exists is asked). */
const spaceCheck = z.object({
  path: absolutePath,
  bytes: z.int().nonnegative(),
  inodes: z.int().nonnegative(),
  /** For people: `incoming`, `restore point`. */
  purpose: z.string().max(80),
});

/** `files.space@1`: sums of what is wanted on each file system against what is free there. */
export const spaceContract = contract({
  summary: 'Checks that each file system has room, bytes and inodes, for what is about to be written.',
  input: z.object({ checks: z.array(spaceCheck).min(1).max(16) }),
  outcome: z.object({
    fileSystems: z.array(
      z.object({
        mountedOn: z.string(),
        freeBytes: z.int(),
        wantedBytes: z.int(),
        /** Absent where the file system has no fixed number of inodes. */
        freeInodes: z.int().optional(),
        wantedInodes: z.int(),
      }),
    ),
  }),
  timeouts: 'probe',
  readOnly: true,
  effects: () => [],
});

const discardInput = z.object({
  /** Trees whose incoming is removed if any of it is left, on the target. */
  trees: z
    .array(z.object({ tree: shortName, ...landingInput }))
    .max(16)
    .default([]),
  /** Steps of `files.pullKey@1` whose key is removed, on the target. */
  keySteps: z.array(stepId).max(16).default([]),
  /** Steps of `files.authorize@1` whose line is removed, on the source. */
  authorizeSteps: z.array(stepId).max(16).default([]),
  /** Steps whose incoming became the live directory: nothing of theirs is left. */
  copySteps: z.array(stepId).max(64).default([]),
});

/** Input of `files.discard@1`. */
export type DiscardInput = z.output<typeof discardInput>;

const keyArgv = (migration: string, step: string) => {
  const key = pullKeyPath(migration, step);
  return ['rm', '-f', '--', key, `${key}.pub`] as const;
};

/** The lines that remove it all; the same that the steps' own undo would run. */
export const discardScript = (input: DiscardInput, context: EffectContext): string =>
  [
    ...(input.trees ?? []).flatMap((tree) => discardLines(tree, context.migration)),
    ...(input.keySteps ?? []).map((step) => toShellLine(keyArgv(context.migration, step))),
    // Newest first, as a rollback would: the oldest knows the bytes that the file had before all of them.
    ...(input.authorizeSteps ?? []).toReversed().flatMap((step) => authorizeUndo.shell({ ...context, step })),
    '',
  ].join('\n');

/** `files.discard@1`: on either host what only the copying needed; restore points stay. */
export const discardContract = contract({
  summary:
    'Removes what only the copying needed: incoming left-overs, pull keys, authorized keys. Restore points stay.',
  input: discardInput,
  outcome: z.object({ removed: z.int() }),
  timeouts: 'short',
  readOnly: false,
  effects: (input, context) => [
    ...(input.trees ?? []).flatMap((tree) => [
      command(context, [
        'flock',
        '-w',
        '60',
        receiverLock(context.migration, tree.tree),
        ...discardArgv(tree, context.migration),
      ]),
      command(context, discardArgv(tree, context.migration)),
    ]),
    ...(input.keySteps ?? []).map((step) => command(context, keyArgv(context.migration, step))),
    ...(input.authorizeSteps ?? []).flatMap((step) => authorizeUndo.effects({ ...context, step })),
  ],
});
