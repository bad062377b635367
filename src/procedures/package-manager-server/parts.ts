import type { PackageManagerDiscovery } from '../../contracts/package-manager.js';
import { step } from '../../plan/builder.js';
import type { Forecast, PreflightCheck } from '../../plan/types.js';
import type { Spec } from '../../spec/spec-schema.js';
import { dataExclusions } from './exclusions.js';
import type { GateInput } from './gates.js';
import type { TreePair } from './trees.js';

/** One end of the migration with what discovery found there. */
export interface End {
  readonly name: string;
  readonly found: PackageManagerDiscovery;
}

/** What the phases are compiled from. */
export interface PhasesInput {
  readonly spec: Spec;
  readonly source: End;
  readonly target: End;
  readonly trees: readonly TreePair[];
  readonly preflight: readonly PreflightCheck[];
  readonly forecast: Forecast;
}

/** What every phase works with. */
export interface Parts extends PhasesInput {
  readonly gates: GateInput;
}

/** Patterns of a tree that are neither copied nor compared, anchored at its root. */
export const excludesOf = (parts: PhasesInput, tree: TreePair): readonly string[] =>
  tree.id === 'data' ? dataExclusions(parts.source.found.facts).map(({ pattern }) => pattern) : [];

/** Id of the step that raises the fence of the source. */
export const FENCE = 'fence-source';

/** What a recheck leaves out, and the fence that must hold by then. */
interface RecheckOptions {
  /** `host.fact` names that the run itself has changed by then. */
  readonly except?: readonly string[];
  readonly fence?: string;
}

/**
 * The step that reads the pinned facts again, at admission and first of each phase after a gate. With a fence it also
 * proves that nobody started the source while the gate waited: what users write then would be lost.
 */
export const recheck = (
  parts: Pick<PhasesInput, 'spec' | 'source'>,
  gate: string,
  { except = [], fence }: RecheckOptions = {},
) =>
  step({
    id: `recheck-${gate}`,
    title:
      fence === undefined
        ? 'read the pinned facts of both hosts again'
        : 'read the pinned facts of both hosts again, and look that the fence of the source held',
    ...(fence === undefined ? {} : { fence }),
    action: 'facts.recheck@1',
    host: parts.source.name,
    input: {
      kind: parts.spec.kind,
      facts: { $plan: 'facts' },
      hosts: { $plan: 'hosts' },
      except: [...except],
    },
    requirements: ['TEAM2-PM-33'],
  });

/** Id of the step that makes a tree's pull key. */
export const keyStep = (tree: TreePair): string => `pull-key-${tree.id}`;
/** Ids of the steps that copy a tree. */
export const copyStepIds = (tree: TreePair): string[] =>
  ['warm-copy', 'keep-warm', 'final-copy'].map((pass) => `${pass}-${tree.id}`);
/** Id of the step that authorises a tree's pull key on the source. */
export const authorizeStep = (tree: TreePair): string => `authorize-${tree.id}`;
