/*
 * What all file actions share: which paths are allowed, where a copy lands, which entries are never touched.
 */
import { z } from 'zod';
import type { Argv } from '../formats/shell.js';
import type { Effect, EffectContext } from './contract.js';
import { formerPath, incomingPath, migrationDir, stepDir } from './paths.js';

const SEGMENTS = /^(?:\/[^/\0\n]+)+$/;
const DOTS = /\/\.{1,2}(?:\/|$)/;

/** An absolute, normal path below the root: no `..`, no double or trailing slash, no newline. */
export const absolutePath = z
  .string()
  .max(1024)
  .refine(
    (path) => SEGMENTS.test(path) && !DOTS.test(path),
    'an absolute path without "..", "//", newline or trailing slash',
  );

/** Short name of a tree or label: part of file names of ours. */
export const shortName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'lower-case letters, digits and "-", at most 40');

const PATTERN = /^(?:\/[^/\0\n\\[\]]+)+$/;

/**
 * A pattern anchored at the tree's root: `/cache`, `/*.lic`. `*` and `?` never match a slash, `**` and `[` are refused.
 *
 * Unanchored patterns would drop entries deep in the tree that a manifest with the same list cannot see.
 */
export const anchoredPattern = z
  .string()
  .max(512)
  .refine(
    (pattern) => PATTERN.test(pattern) && !pattern.includes('**') && !DOTS.test(pattern),
    'a pattern anchored with "/", with "*" and "?" only',
  );

/** Never copied, compared or swapped: rehost's own trees inside a mount point, and the file system's own directory. */
export const ALWAYS_EXCLUDED = ['/.rehost-*', '/lost+found'] as const;

/** Patterns as a list, also while a plan is previewed and the member is still a placeholder text. */
export const patternsOf = (patterns: readonly string[] | string | undefined): readonly string[] => [
  ...ALWAYS_EXCLUDED,
  ...(typeof patterns === 'string' ? [patterns] : (patterns ?? [])),
];

/** Owners travel by name, or as numbers when both hosts share their accounts' ids. */
export const owners = z.enum(['name', 'numeric']);

/** The live directory and whether it is a mount point (then copies land inside it). */
export const landingInput = {
  targetPath: absolutePath,
  /** True when `targetPath` is a mount point: incoming lies inside it, and the swap goes entry by entry. */
  inside: z.boolean().default(false),
};

/** Where the copy of one tree lands and where the former content is kept. */
export interface Landing {
  readonly live: string;
  readonly incoming: string;
  readonly former: string;
  readonly inside: boolean;
}

/** The three places of one tree on the target, all on one file system. */
export function landingOf(input: { targetPath: string; inside?: unknown }, migration: string): Landing {
  const live = input.targetPath;
  // While a plan is previewed `inside` may be a placeholder text: only a real `true` means inside.
  return input.inside === true
    ? {
        live,
        incoming: `${live}/.rehost-${migration}-incoming`,
        former: `${live}/.rehost-${migration}-former`,
        inside: true,
      }
    : { live, incoming: incomingPath(live, migration), former: formerPath(live, migration), inside: false };
}

/** The lock that every receiver into one tree's incoming directory holds while it lives. */
export const receiverLock = (migration: string, tree: string): string =>
  `${migrationDir(migration)}/receiver-${tree}.lock`;

/** A file of this step. */
export const stepFile = (context: EffectContext, name: string): string =>
  `${stepDir(context.migration, context.step)}/${name}`;

/** A previewed command on the call's host. */
export const command = (context: EffectContext, argv: Argv): Effect => ({
  kind: 'command',
  host: context.host,
  argv,
});

/** A previewed file of ours on the call's host. */
export const written = (context: EffectContext, path: string, mode: string): Effect => ({
  kind: 'write',
  host: context.host,
  path,
  mode,
});

/** The command that makes the step's directory. */
export const makeStepDir = (context: EffectContext): Argv => [
  'mkdir',
  '-p',
  '-m',
  '0700',
  stepDir(context.migration, context.step),
];
