import { GCFG_PATH, PACKAGE_MANAGER_UNIT } from '../../contracts/package-manager.js';
import { outcome, phase, step } from '../../plan/builder.js';
import type { Phase, Step } from '../../plan/types.js';
import type { Proven } from './copy-phases.js';
import { dataExclusions } from './exclusions.js';
import { handOverGate, replaceGate } from './gates.js';
import { authorizeStep, copyStepIds, FENCE, keyStep, recheck, type Parts } from './parts.js';
import type { TreePair } from './trees.js';

/** Facts of the target that the swap and the adapted configuration change, by the run's own doing. */
const CHANGED_BY_THE_RUN = ['keyFingerprint', 'keyPath', 'configDigest', 'launcherDir'];
const START_WAIT_SECONDS = 120;

/** Replace, start and finish: from here the target's data changes. */
export function replacePhases(parts: Parts, proven: Proven): readonly Phase[] {
  const proof = proofSteps(parts, proven);
  return [
    replacePhase(parts, proven),
    phase({ id: 'start', title: 'Start the target and prove it', nodes: [startTarget(parts), ...proof] }),
    finishPhase(
      parts,
      proof.map((one) => one.id),
    ),
  ];
}

function replacePhase(parts: Parts, proven: Proven): Phase {
  const { target, trees } = parts;
  const state = step({
    id: 'target-state',
    title: 'read whether the target is active and enabled',
    action: 'service.facts@1',
    host: target.name,
    input: { unit: PACKAGE_MANAGER_UNIT },
  });
  const stop = step({
    id: 'stop-target',
    title: `stop ${PACKAGE_MANAGER_UNIT} on the target and keep it from starting`,
    action: 'service.fence@1',
    host: target.name,
    input: {
      unit: PACKAGE_MANAGER_UNIT,
      dataDirectories: trees.map((tree) => tree.targetPath),
      wasActive: outcome(state, 'active'),
      wasEnabled: outcome(state, 'enabled'),
    },
    undo: { order: 'clean-up', title: 'let the target run again as before' },
    requirements: ['TEAM2-PM-23'],
  });
  return phase({
    id: 'replace',
    title: 'Replace the data of the target',
    gate: replaceGate(parts.gates, proven.evidence),
    nodes: [
      recheck(parts, 'replace-target-data', { fence: FENCE }),
      state,
      stop,
      ...carrySteps(parts),
      ...trees.flatMap((tree, at) => swapSteps(parts, tree, at === 0)),
      ...adaptSteps(parts),
      step({
        id: 'check-config',
        title: 'check the configuration of the target (rspm check-config)',
        action: 'packageManager.checkConfig@1',
        host: target.name,
        input: {},
      }),
    ],
  });
}

function carrySteps(parts: Parts): readonly Step[] {
  const data = parts.trees.find((tree) => tree.id === 'data');
  if (data === undefined) return [];
  const patterns = dataExclusions(parts.target.found.facts)
    .filter((exclusion) => exclusion.hostBound)
    .map(({ pattern }) => pattern);
  return [
    step({
      id: 'carry-host-bound',
      title: 'take over what belongs to the target: licence, licence state, launcher state',
      action: 'files.carry@1',
      host: parts.target.name,
      input: { targetPath: data.targetPath, inside: data.inside, patterns },
      undo: 'keeps',
    }),
  ];
}

function swapSteps(parts: Parts, tree: TreePair, first: boolean): readonly Step[] {
  const place = { targetPath: tree.targetPath, inside: tree.inside };
  const facts = step({
    id: `swap-facts-${tree.id}`,
    title: `read which directories are swapped for ${tree.targetPath}`,
    action: 'files.swapFacts@1',
    host: parts.target.name,
    input: place,
  });
  return [
    facts,
    step({
      id: `swap-${tree.id}`,
      title: `swap the copy in as ${tree.targetPath}; what was there becomes the restore point`,
      action: 'files.swap@1',
      host: parts.target.name,
      input: {
        ...place,
        liveInode: outcome(facts, 'liveInode'),
        incomingInode: outcome(facts, 'incomingInode'),
      },
      undo: {
        order: 'clean-up',
        title: `put back what was in ${tree.targetPath}`,
      },
      ...(first ? { replacesTarget: true } : {}),
      requirements: [
        'TEAM2-PM-24',
        'TEAM2-PM-25',
        'TEAM2-PM-28',
        'TEAM2-PM-29',
        'TEAM2-PM-32',
        'TEAM2-PM-37',
      ],
    }),
  ];
}

// Configuration of the target stays its own. Only R and Python paths that do not exist there are taken out of a list
// in which others do: a server with a path that does not exist refuses to start.
function adaptSteps(parts: Parts): readonly Step[] {
  const { missingPaths, rVersions, pythonVersions } = parts.target.found.forecast;
  const edit = (name: string, paths: readonly string[]) => {
    const kept = paths.filter((path) => !missingPaths.includes(path));
    return kept.length === paths.length || kept.length === 0
      ? []
      : [{ section: 'Server', name, values: kept }];
  };
  const edits = [...edit('RVersion', rVersions), ...edit('PythonVersion', pythonVersions)];
  if (edits.length === 0) return [];
  return [
    step({
      id: 'adapt-config',
      title: 'take R and Python paths that the target lacks out of its configuration',
      action: 'packageManager.adapt@1',
      host: parts.target.name,
      input: { path: GCFG_PATH, edits },
      undo: { order: 'clean-up', title: 'put the configuration file back as it was' },
    }),
  ];
}

const startTarget = (parts: Parts): Step =>
  step({
    id: 'start-target',
    title: `enable and start ${PACKAGE_MANAGER_UNIT} on the target and wait for its status`,
    action: 'service.start@1',
    host: parts.target.name,
    input: {
      unit: PACKAGE_MANAGER_UNIT,
      port: parts.target.found.facts.port,
      path: '/__api__/status',
      waitSeconds: START_WAIT_SECONDS,
    },
    undo: { order: 'isolate-target', title: 'stop the target and keep it from starting' },
  });

function proofSteps(parts: Parts, proven: Proven): readonly Step[] {
  const { target, source } = parts;
  return [
    step({
      id: 'answers-equal',
      title: 'ask the target for every recorded address and compare',
      action: 'packageManager.compareAnswers@1',
      host: target.name,
      input: {
        port: target.found.facts.port,
        recordedOn: source.name,
        path: outcome(proven.answers, 'path'),
        digest: outcome(proven.answers, 'digest'),
      },
      skip: 'voters',
      verification: true,
      requirements: [
        'TEAM2-PM-02',
        'TEAM2-PM-03',
        'TEAM2-PM-04',
        'TEAM2-PM-05',
        'TEAM2-PM-06',
        'TEAM2-PM-08',
      ],
    }),
    step({
      id: 'proof',
      title: 'look at service, log, command-line group and licence of the target',
      action: 'packageManager.proof@1',
      host: target.name,
      input: {
        unit: PACKAGE_MANAGER_UNIT,
        group: target.found.facts.serviceGroup,
        members: source.found.forecast.groupMembers,
        licences: target.found.forecast.licences,
        dataDir: target.found.facts.dataDir,
      },
      skip: 'operator',
    }),
  ];
}

function finishPhase(parts: Parts, evidence: readonly string[]): Phase {
  const { source, target, trees, spec } = parts;
  const finish = (host: string, role: 'source' | 'target'): Step =>
    step({
      id: `finish-${role}`,
      title: `record the finished migration on ${host} and release its claim`,
      action: 'host.finish@1',
      host,
      input: { role, kind: spec.kind, source: source.name, target: target.name, digest: { $plan: 'digest' } },
      undo: 'keeps',
    });
  return phase({
    id: 'finish',
    title: 'Hand over and finish',
    gate: handOverGate(parts.gates, evidence),
    nodes: [
      recheck(parts, 'hand-over', {
        fence: FENCE,
        except: CHANGED_BY_THE_RUN.map((fact) => `${target.name}.${fact}`),
      }),
      step({
        id: 'go-live',
        title: 'record that the target goes live',
        action: 'host.goLive@1',
        host: target.name,
        input: {},
        undo: 'keeps',
        goesLive: true,
        downtime: 'ends',
        requirements: ['TEAM2-GEN-06'],
      }),
      step({
        id: 'discard-access',
        title: 'take the pull keys out of authorized_keys of the source',
        action: 'files.discard@1',
        host: source.name,
        input: { authorizeSteps: trees.map(authorizeStep) },
        undo: 'keeps',
      }),
      step({
        id: 'discard-copy',
        title: 'remove pull keys and what is left of incoming on the target',
        action: 'files.discard@1',
        host: target.name,
        input: {
          trees: trees.map((tree) => ({ tree: tree.id, targetPath: tree.targetPath, inside: tree.inside })),
          keySteps: trees.map(keyStep),
          copySteps: trees.flatMap(copyStepIds),
        },
        undo: 'keeps',
      }),
      finish(source.name, 'source'),
      finish(target.name, 'target'),
    ],
  });
}
