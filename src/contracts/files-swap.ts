/*
 * The swap: incoming becomes live and the former content becomes the restore point, by renames only.
 */
import { z } from 'zod';
import { patternRegex } from '../formats/manifest-script.js';
import { quoteWord, toShellLine, type Argv } from '../formats/shell.js';
import { contract, type Effect, type EffectContext } from './contract.js';
import {
  absolutePath,
  anchoredPattern,
  command,
  landingInput,
  landingOf,
  makeStepDir,
  stepFile,
  written,
  type Landing,
} from './files-landing.js';
import { SWAP_ENTRIES, SWAP_ENTRIES_UNDO, SWAP_TREES, SWAP_TREES_UNDO } from './files-swap-script.js';

/** An inode number as text, or `absent`. */
const inode = z.string().regex(/^(?:[0-9]+|absent)$/, 'an inode number or "absent"');

/** `files.swapFacts@1`: what the swap and its undo must know before anything is renamed. */
export const swapFactsContract = contract({
  summary: 'Reads the identity of the live and the incoming tree before the swap.',
  input: z.object(landingInput),
  outcome: z.object({
    targetPath: absolutePath,
    incomingPath: absolutePath,
    formerPath: absolutePath,
    liveInode: inode,
    incomingInode: inode,
    mountPoint: z.boolean(),
    /** Entries at the top of the live tree: what staging holds now, for the gate. */
    liveEntries: z.int(),
  }),
  timeouts: 'probe',
  readOnly: true,
  effects: () => [],
});

const swapInput = z.object({
  ...landingInput,
  /** Outcome of `files.swapFacts@1`: which directory is which, whatever it is called at the moment. */
  liveInode: inode,
  incomingInode: inode,
});

/** Input of `files.swap@1`. */
export type SwapInput = z.output<typeof swapInput>;

/** The variables that the swap's scripts start with; `set --` keeps each path a word that a record of the shell shows. */
export function swapVariables(input: SwapInput, context: EffectContext): readonly string[] {
  const { live, incoming, former } = landingOf(input, context.migration);
  const words = [live, incoming, former, input.liveInode, input.incomingInode, swapJournal(context)];
  return [
    `set -- ${words.map(quoteWord).join(' ')}`,
    'live=$1 incoming=$2 former=$3 live_inode=$4 incoming_inode=$5 journal=$6',
    'step=${journal%/*}',
    // A run whose worker or link was lost may still be moving: a repeat or an undo beside it would move the same names.
    'exec 8<"${step%/*}"',
    `flock -w 60 8 || { echo 'rehost: another swap of this migration, or its undo, is still at work' >&2; exit 75; }`,
  ];
}

// One line for each rename that is about to be made: for people; what was done is read from the inodes.
const swapJournal = (context: EffectContext): string => stepFile(context, 'swap.journal');

/** The script that swaps: of whole trees, or entry by entry inside a mount point. Repeat: safe from any point of a former run. */
export const swapScript = (input: SwapInput, context: EffectContext): string =>
  [
    ...swapVariables(input, context),
    landingOf(input, context.migration).inside ? SWAP_ENTRIES : SWAP_TREES,
    '',
  ].join('\n');

const moves = (context: EffectContext, pairs: readonly (readonly [string, string])[]): readonly Effect[] =>
  pairs.flatMap(([here, there]) => [
    command(context, ['mv', '-T', '--', here, there]),
    command(context, ['mv', '-T', '--no-copy', '--', here, there]),
  ]);

function swapEffects(places: Landing, context: EffectContext): readonly Effect[] {
  const journal: readonly Effect[] = [
    command(context, makeStepDir(context)),
    written(context, swapJournal(context), '0600'),
    command(context, ['sync', '-f', '<parent>']),
  ];
  if (!places.inside)
    return [
      ...journal,
      ...moves(context, [
        [places.live, places.former],
        [places.incoming, places.live],
      ]),
    ];
  return [
    ...journal,
    command(context, ['mkdir', '-p', '-m', '0700', '--', places.former]),
    ...['former-names', 'incoming-names', 'root'].map((name) =>
      command(context, [
        'mv',
        '-f',
        '--',
        stepFile(context, `swap.${name}.new`),
        stepFile(context, `swap.${name}`),
      ]),
    ),
    ...moves(context, [
      [`${places.live}/<...>`, `${places.former}/<...>`],
      [`${places.incoming}/<...>`, `${places.live}/<...>`],
    ]),
    command(context, ['chown', '--reference', places.incoming, '--', places.live]),
    command(context, ['chmod', '--reference', places.incoming, '--', places.live]),
  ];
}

function swapUndoEffects(places: Landing, context: EffectContext): readonly Effect[] {
  const whole = moves(context, [
    [places.live, places.incoming],
    [places.former, places.live],
  ]);
  const sync = command(context, ['sync', '-f', '<parent>']);
  if (!places.inside) return [...whole, sync];
  return [
    ...moves(context, [
      [`${places.live}/<...>`, `${places.incoming}/<...>`],
      [`${places.former}/<...>`, `${places.live}/<...>`],
    ]),
    command(context, ['mkdir', '-m', '0700', '--', places.incoming]),
    command(context, ['chown', '<owner>', '--', places.live]),
    command(context, ['chmod', '<mode>', '--', places.live]),
    command(context, ['rmdir', '--', places.former]),
    command(context, ['rm', '-f', '--', stepFile(context, 'swap.second')]),
    command(context, [
      'rm',
      '-f',
      '--',
      ...['former-names', 'incoming-names', 'root'].map((name) => stepFile(context, `swap.${name}`)),
    ]),
    sync,
  ];
}

/** `files.swap@1`: two renames (or one for each entry of a mount point); the undo is as instant as the swap. */
export const swapContract = contract({
  summary:
    'Puts incoming in the place of the live directory by rename; the former content is the restore point.',
  input: swapInput,
  outcome: z.object({ targetPath: absolutePath, formerPath: absolutePath, restorePoint: z.boolean() }),
  timeouts: 'short',
  readOnly: false,
  effects: (input, context) => swapEffects(landingOf(input, context.migration), context),
  undo: {
    shell: (input, context) => [
      '(',
      'set -eu',
      ...swapVariables(input, context),
      ...(landingOf(input, context.migration).inside ? SWAP_ENTRIES_UNDO : SWAP_TREES_UNDO).split('\n'),
      ')',
    ],
    effects: (input, context) => swapUndoEffects(landingOf(input, context.migration), context),
  },
  leaves: (input, context) => ({
    kind: 'restore-point',
    what: landingOf(input, context.migration).former,
    remove: [
      toShellLine(['rm', '-rf', '--one-file-system', '--', landingOf(input, context.migration).former]),
    ],
  }),
});

const carryInput = z.object({
  ...landingInput,
  /** What stays with its host: licences, `/verify`, the launcher's directory. The copy excluded the same. */
  patterns: z.array(anchoredPattern).min(1).max(32),
});

/** The command that carries what find names, with owner, mode, ACL and attributes; names come from stdin. */
export const carryArgv = (input: { targetPath: string; inside?: unknown }, migration: string): Argv => [
  'cp',
  '-a',
  '--parents',
  '-t',
  landingOf(input, migration).incoming,
  '--',
];

/** Script of `files.carry@1`; prints how many entries were carried. */
export function carryScript(input: z.output<typeof carryInput>, context: EffectContext): string {
  const expression = input.patterns
    .map((pattern) => `-regex ${quoteWord(patternRegex(pattern))}`)
    .join(' -o ');
  const find = `find . -mindepth 1 -regextype posix-extended \\( ${expression} \\) -prune`;
  return `LC_ALL=C
export LC_ALL
cd -- ${quoteWord(input.targetPath)}
${find} -print0 | xargs -0 -r ${carryArgv(input, context.migration).map(quoteWord).join(' ')}
${find} -printf x | wc -c
`;
}

/** `files.carry@1`: host-bound files of the live tree go along into incoming, after it was verified. */
export const carryContract = contract({
  summary: 'Copies host-bound files (licence, launcher state) from the live tree into incoming.',
  input: carryInput,
  outcome: z.object({ carried: z.int() }),
  timeouts: 'short',
  readOnly: false,
  effects: (input, context) => [command(context, withEntry(carryArgv(input, context.migration)))],
});

const withEntry = ([program, ...rest]: Argv): Argv => [program, ...rest, '<...>'];
