import { outcome, parallel, phase, step, type TypedStep } from '../../plan/builder.js';
import type { Node, Phase, Step } from '../../plan/types.js';
import { excludesOf, type Parts } from './parts.js';
import { sqliteTree, type TreePair } from './trees.js';

/** The final copy of one tree and the manifest of its source, both made under the fence. */
export interface FinalTree {
  readonly tree: TreePair;
  readonly copy: TypedStep<'files.copy@1'>;
  readonly manifest: TypedStep<'files.manifest@1'>;
}

/** The steps that prove a copy, and the ids of those that a voter judges. */
export interface Checks {
  readonly nodes: readonly Node[];
  readonly evidence: readonly string[];
}

/** Manifests compared, databases checked, key compared: nothing on the target is replaced before. */
export function verifySteps(parts: Parts, finals: readonly FinalTree[]): Checks {
  const { target, source, spec } = parts;
  const manifests = finals.map(({ tree, copy, manifest }) => {
    const landed = step({
      id: `manifest-target-${tree.id}`,
      title: `list the copy of ${tree.sourcePath} on the target`,
      action: 'files.manifest@1',
      host: target.name,
      input: {
        root: outcome(copy, 'incoming'),
        label: tree.id,
        excludes: [...excludesOf(parts, tree)],
        owners: spec.owners,
      },
      undo: 'keeps',
      requirements: ['TEAM2-PM-31', 'TEAM2-PM-35'],
    });
    const compared = step({
      id: `compare-${tree.id}`,
      title: `compare the copy of ${tree.sourcePath} with the source, entry by entry`,
      action: 'files.compare@1',
      host: target.name,
      input: {
        tree: tree.id,
        source: { host: source.name, path: outcome(manifest, 'path'), digest: outcome(manifest, 'digest') },
        target: { host: target.name, path: outcome(landed, 'path'), digest: outcome(landed, 'digest') },
      },
      skip: 'voters',
      verification: true,
      requirements: [
        'TEAM2-PM-02',
        'TEAM2-PM-03',
        'TEAM2-PM-04',
        'TEAM2-PM-07',
        'TEAM2-PM-31',
        'TEAM2-PM-35',
      ],
    });
    return { landed, compared };
  });
  const proofs = [databaseCheck(parts), keyCheck(parts)].filter((one) => one !== undefined);
  return {
    nodes: [
      parallel('manifests-target', ...manifests.map(({ landed, compared }) => [landed, compared])),
      ...proofs,
    ],
    evidence: [...manifests.map(({ compared }) => compared.id), ...proofs.map((proof) => proof.id)],
  };
}

function databaseCheck(parts: Parts): Step | undefined {
  const { facts, forecast } = parts.source.found;
  const place = sqliteTree(facts, parts.trees);
  const tree = parts.trees.find((candidate) => candidate.id === place.tree);
  if (tree === undefined || forecast.databases.length === 0) return undefined;
  const below = place.below === '' ? '' : `${place.below.slice(1)}/`;
  return step({
    id: 'verify-sqlite',
    title: 'fold the write-ahead log into the copied databases and check their integrity',
    action: 'sqlite.verify@1',
    host: parts.target.name,
    input: {
      tree: tree.id,
      targetPath: tree.targetPath,
      inside: tree.inside,
      files: forecast.databases.map((name) => `${below}${name}`),
    },
    undo: 'keeps',
    skip: 'voters',
    verification: true,
    requirements: ['TEAM2-PM-05', 'TEAM2-PM-06', 'TEAM2-PM-37', 'TEAM2-PM-38', 'TEAM2-PM-39'],
  });
}

function keyCheck(parts: Parts): Step | undefined {
  const { facts } = parts.source.found;
  const tree = parts.trees.find((candidate) => facts.keyPath.startsWith(`${candidate.sourcePath}/`));
  if (tree === undefined) return undefined;
  return step({
    id: 'verify-key',
    title: 'compare the encryption key of the copy with the fingerprint of the source key',
    action: 'packageManager.verifyKey@1',
    host: parts.target.name,
    input: {
      tree: tree.id,
      targetPath: tree.targetPath,
      inside: tree.inside,
      file: facts.keyPath.slice(tree.sourcePath.length + 1),
      fingerprint: facts.keyFingerprint,
      owner: facts.serviceUser,
    },
    skip: 'voters',
    verification: true,
    requirements: ['TEAM2-PM-36'],
  });
}

/** The phase of these steps. */
export const verifyPhase = (checks: Checks): Phase =>
  phase({ id: 'verify', title: 'Verify before anything is replaced', nodes: checks.nodes });
