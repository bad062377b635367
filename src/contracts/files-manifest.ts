/*
 * Manifests of both sides, and their comparison: the proof that a copy is equal before anything is replaced.
 */
import { z } from 'zod';
import { manifestScript } from '../formats/manifest-script.js';
import { contract, type EffectContext } from './contract.js';
import {
  absolutePath,
  anchoredPattern,
  command,
  makeStepDir,
  owners,
  patternsOf,
  shortName,
  stepFile,
  written,
} from './files-landing.js';

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hex');

const manifestInput = z.object({
  /** The tree: the data directory on the source, *incoming* on the target. */
  root: absolutePath,
  label: shortName,
  /** The same list as the copy's. */
  excludes: z.array(anchoredPattern).max(64),
  owners,
});

/** Path of the manifest that a step makes. */
export const manifestPath = (context: EffectContext, label: string): string =>
  stepFile(context, `${label}.manifest`);

/** The unit's script for one manifest. */
export const manifestScriptOf = (input: z.output<typeof manifestInput>, context: EffectContext): string =>
  manifestScript({
    root: input.root,
    output: manifestPath(context, input.label),
    excludes: patternsOf(input.excludes),
    owners: input.owners,
  });

/** `files.manifest@1`: what a tree holds, to the byte. Reads the tree only; writes files of rehost's own. */
export const manifestContract = contract({
  summary:
    'Writes the manifest of a tree: names, kinds, sizes, times, modes, owners, links, contents, access lists, attributes.',
  input: manifestInput,
  outcome: z.object({
    entries: z.int(),
    files: z.int(),
    bytes: z.int(),
    /** Blocks on disk, reported and never compared: a sparse copy may take fewer. */
    allocatedBytes: z.int(),
    digest,
    path: absolutePath,
  }),
  timeouts: 'unit',
  readOnly: false,
  effects: (input, context) => {
    const output = manifestPath(context, input.label);
    return [
      command(context, makeStepDir(context)),
      command(context, ['rm', '-rf', '--', `${output}.work`]),
      command(context, ['mkdir', '--', `${output}.work`, `${output}.work/sums`]),
      written(context, `${output}.work/sums`, '0600'),
      ...(['', '.gz', '.facts'] as const).map((suffix) =>
        command(context, [
          'mv',
          '-f',
          '--',
          `${output}.work/${suffix === '' ? 'manifest' : suffix.slice(1)}`,
          `${output}${suffix}`,
        ]),
      ),
      ...(['', '.gz', '.facts'] as const).map((suffix) => written(context, `${output}${suffix}`, '0600')),
    ];
  },
});

const listed = z.object({ host: z.string(), path: absolutePath, digest });

/** `files.compare@1`: done when both manifests are the same to the byte; otherwise parks with what differs. */
export const compareContract = contract({
  summary: 'Compares the manifests of source and target and names what differs.',
  input: z.object({ tree: shortName, source: listed, target: listed }),
  outcome: z.object({ equal: z.literal(true), entries: z.int(), digest }),
  timeouts: 'short',
  readOnly: true,
  effects: () => [],
});
