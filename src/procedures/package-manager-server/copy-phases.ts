import { PACKAGE_MANAGER_UNIT } from '../../contracts/package-manager.js';
import { outcome, parallel, phase, step, type TypedStep } from '../../plan/builder.js';
import type { Node, Phase, Step } from '../../plan/types.js';
import { beginGate, stopSourceGate } from './gates.js';
import { authorizeStep, excludesOf, FENCE, keyStep, recheck, type Parts } from './parts.js';
import { sqliteTree, type TreePair } from './trees.js';
import { verifyPhase, verifySteps, type FinalTree } from './verify-phase.js';

const FROZEN_ADDRESSES = 50;
const WARM_PASSES = 5;

/** What the later phases need of the proven copy. */
export interface Proven {
  readonly answers: TypedStep<'packageManager.recordAnswers@1'>;
  /** Ids of the steps that prove the copy: the evidence of the replace gate. */
  readonly evidence: readonly string[];
}

/** Prepare, warm copy, final copy and verification: nothing of the target's own data is touched. */
export function copyPhases(parts: Parts): { readonly phases: readonly Phase[]; readonly proven: Proven } {
  const answers = recordAnswers(parts);
  const finals = parts.trees.map((tree) => ({
    tree,
    copy: finalCopy(parts, tree),
    manifest: sourceManifest(parts, tree),
  }));
  const checks = verifySteps(parts, finals);
  return {
    phases: [prepare(parts), warmCopy(parts), finalPhase(parts, { answers, finals }), verifyPhase(checks)],
    proven: { answers, evidence: checks.evidence },
  };
}

function prepare(parts: Parts): Phase {
  const { source, target } = parts;
  const claim = (host: string, role: string): Step =>
    step({
      id: `claim-${role}`,
      title: `claim ${host} for this migration`,
      action: 'host.claim@1',
      host,
      input: { requester: { $run: 'requester' }, workflowId: { $run: 'workflowId' } },
      undo: { order: 'clean-up', title: `release the claim of ${host}` },
    });
  return phase({
    id: 'prepare',
    title: 'Prepare',
    gate: beginGate(parts.gates),
    nodes: [
      recheck(parts, 'begin'),
      claim(source.name, 'source'),
      claim(target.name, 'target'),
      step({
        id: 'evict-cache',
        title: 'clear cached files on the source (rspm evict --type=clear)',
        action: 'packageManager.evict@1',
        host: source.name,
        input: {
          cacheDirs: [`${source.found.facts.dataDir}/cache`],
          upstream: source.found.forecast.upstream,
        },
        undo: 'keeps',
        skip: 'operator',
        requirements: ['TEAM2-PM-16', 'TEAM2-PM-17'],
      }),
    ],
  });
}

function warmCopy(parts: Parts): Phase {
  const { source, target, trees } = parts;
  const free = parts.target.found.forecast.free;
  return phase({
    id: 'warm-copy',
    title: 'Warm copy while the source serves',
    nodes: [
      step({
        id: 'space-target',
        title: 'check room for the copy on the target',
        action: 'files.space@1',
        host: target.name,
        input: {
          checks: trees.map((tree) => ({
            path: tree.targetPath,
            bytes: Math.max(0, tree.bytes - (tree.id === 'data' ? source.found.forecast.cacheBytes : 0)),
            inodes: free.length === 0 ? 0 : tree.inodes,
            purpose: `copy of ${tree.sourcePath}`,
          })),
        },
        requirements: ['TEAM2-PM-24'],
      }),
      ...trees.flatMap((tree) => accessSteps(parts, tree)),
      ...trees.map((tree) =>
        step({
          ...copyOf(parts, tree, 'warm'),
          id: `warm-copy-${tree.id}`,
          title: `copy ${tree.sourcePath} while the source serves`,
          repeat: { max: WARM_PASSES },
          requirements: ['TEAM2-PM-30', 'TEAM2-PM-34', 'TEAM2-PM-36'],
        }),
      ),
    ],
  });
}

function accessSteps(parts: Parts, tree: TreePair): readonly Step[] {
  const key = step({
    id: keyStep(tree),
    title: `make the key with which the target reads ${tree.sourcePath}`,
    action: 'files.pullKey@1',
    host: parts.target.name,
    input: {},
    undo: { order: 'clean-up', title: 'remove the pull key' },
  });
  return [
    key,
    step({
      id: authorizeStep(tree),
      title: `let that key read ${tree.sourcePath} and nothing else`,
      action: 'files.authorize@1',
      host: parts.source.name,
      input: {
        tree: tree.id,
        path: tree.sourcePath,
        publicKey: outcome(key, 'publicKey'),
        target: parts.target.name,
        keyStep: key.id,
      },
      undo: { order: 'clean-up', title: 'take the key out of authorized_keys' },
    }),
  ];
}

function copyOf(parts: Parts, tree: TreePair, pass: 'warm' | 'final') {
  const { limit } = parts.spec.transfer;
  return {
    action: 'files.copy@1' as const,
    host: parts.target.name,
    input: {
      tree: tree.id,
      source: parts.source.name,
      sourcePath: tree.sourcePath,
      targetPath: tree.targetPath,
      inside: tree.inside,
      pass,
      owners: parts.spec.owners,
      excludes: [...excludesOf(parts, tree)],
      alwaysWhole: pass === 'final' ? wholeDirectories(parts, tree) : [],
      keyStep: keyStep(tree),
      ...(limit === undefined ? {} : { limitBytesPerSecond: limit }),
    },
    undo: { order: 'clean-up' as const, title: `remove the copy of ${tree.sourcePath}` },
  };
}

// SQLite's files can change without a new size or time that rsync would see: the final pass reads them whole.
function wholeDirectories(parts: Parts, tree: TreePair): string[] {
  const database = sqliteTree(parts.source.found.facts, parts.trees);
  return database.tree === tree.id && database.below !== '' ? [database.below] : [];
}

const recordAnswers = (parts: Parts) =>
  step({
    id: 'answers-before',
    title: 'record what the source answers: status, repositories, indexes, frozen addresses',
    action: 'packageManager.recordAnswers@1',
    host: parts.source.name,
    input: { port: parts.source.found.facts.port, frozen: FROZEN_ADDRESSES },
    undo: 'keeps',
    requirements: ['TEAM2-PM-08', 'TEAM2-PM-09'],
  });

const finalCopy = (parts: Parts, tree: TreePair): TypedStep<'files.copy@1'> =>
  step({
    ...copyOf(parts, tree, 'final'),
    id: `final-copy-${tree.id}`,
    title: `copy what changed in ${tree.sourcePath} since the warm copy`,
    fence: FENCE,
    requirements: ['TEAM2-PM-19', 'TEAM2-PM-30', 'TEAM2-PM-34', 'TEAM2-PM-36', 'TEAM2-PM-37'],
  });

const sourceManifest = (parts: Parts, tree: TreePair): TypedStep<'files.manifest@1'> =>
  step({
    id: `manifest-source-${tree.id}`,
    title: `list ${tree.sourcePath} under the fence: names, owners, modes, contents`,
    action: 'files.manifest@1',
    host: parts.source.name,
    input: {
      root: tree.sourcePath,
      label: tree.id,
      excludes: [...excludesOf(parts, tree)],
      owners: parts.spec.owners,
    },
    undo: 'keeps',
    fence: FENCE,
    requirements: ['TEAM2-PM-31', 'TEAM2-PM-35'],
  });

function finalPhase(
  parts: Parts,
  made: { readonly answers: Step; readonly finals: readonly FinalTree[] },
): Phase {
  const { source } = parts;
  const state = step({
    id: 'source-state',
    title: 'read whether the source is active and enabled',
    action: 'service.facts@1',
    host: source.name,
    input: { unit: PACKAGE_MANAGER_UNIT },
  });
  const [largest] = made.finals.map(({ tree }) => tree).sort((one, other) => other.bytes - one.bytes);
  const meanwhile = largest === undefined ? undefined : keepWarm(parts, largest);
  const nodes: Node[] = [
    recheck(parts, 'stop-source'),
    made.answers,
    state,
    step({
      id: FENCE,
      title: `stop ${PACKAGE_MANAGER_UNIT} on the source, disable it and keep it from starting`,
      action: 'service.fence@1',
      host: source.name,
      input: {
        unit: PACKAGE_MANAGER_UNIT,
        dataDirectories: parts.trees.map((tree) => tree.sourcePath),
        wasActive: outcome(state, 'active'),
        wasEnabled: outcome(state, 'enabled'),
      },
      undo: { order: 'restore-service', title: 'take the fence down and start the source' },
      downtime: 'starts',
      requirements: ['TEAM2-GEN-02', 'TEAM2-PM-18', 'TEAM2-PM-20'],
    }),
    parallel('under-the-fence', ...made.finals.flatMap((final) => [[final.copy], [final.manifest]])),
  ];
  return phase({
    id: 'final-copy',
    title: 'Final copy under the fence',
    ...(meanwhile === undefined
      ? {}
      : {
          gate: stopSourceGate(parts.gates, {
            evidence: made.finals.map(({ tree }) => `warm-copy-${tree.id}`),
            meanwhile,
          }),
        }),
    nodes,
  });
}

const keepWarm = (parts: Parts, tree: TreePair): Step =>
  step({
    ...copyOf(parts, tree, 'warm'),
    id: `keep-warm-${tree.id}`,
    title: `keep the copy of ${tree.sourcePath} warm while the gate waits`,
  });
