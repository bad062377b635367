import { packageManagerDiscovery, type PackageManagerDiscovery } from '../../contracts/package-manager.js';
import { approvalsFailure } from '../../approvals-failure.js';
import { failure } from '../../failures.js';
import type { Forecast, Phase, PlannedHost } from '../../plan/types.js';
import { approvalsOf, GATE_IDS, type Spec } from '../../spec/spec-schema.js';
import type { CompileInput, Discovery, UnsealedPlan } from '../index.js';
import { dataExclusions } from './exclusions.js';
import { compilePhases } from './phases.js';
import { preflight } from './preflight.js';
import { pairTrees } from './trees.js';

const DEFAULT_RATE = 50 * 1024 * 1024;
/** Hashing both sides under the fence, bytes per second on one core: a cautious figure. */
const HASH_RATE = 200 * 1024 * 1024;
const FIXED_DOWNTIME_MS = 60_000;
/** Part of the data that is assumed to change between the last warm pass and the fence. */
const CHANGING_PART = 0.01;

/** Discovery of both hosts; the target also tells whether it reaches the source. */
export function discoverPackageManagerServer(spec: Spec): readonly Discovery[] {
  const action = 'packageManager.discover@1';
  return [
    { action, host: spec.source, input: { role: 'source' } },
    { action, host: spec.target, input: { role: 'target', peer: spec.source } },
  ];
}

/** The plan of a move of Package Manager to a new server. @see docs/procedures.md */
export function compilePackageManagerServer(input: CompileInput): UnsealedPlan {
  const { spec } = input;
  const gates = GATE_IDS.map((id) => ({ id, ...approvalsOf(spec, id) }));
  const stuck = approvalsFailure(gates, input.requester);
  if (stuck !== undefined) throw stuck;
  const source = { name: spec.source, found: discoveredOn(input, spec.source) };
  const target = { name: spec.target, found: discoveredOn(input, spec.target) };
  const checks = preflight({ source, target, owners: spec.owners, waivers: spec.waivers, now: input.now });
  const forecast = forecastOf(spec, source.found, input.now);
  const trees = pairTrees(source.found, target.found);
  return {
    schema: 1,
    release: input.release,
    kind: spec.kind,
    source: spec.source,
    target: spec.target,
    hosts: { [spec.source]: planned(source.found, 'source'), [spec.target]: planned(target.found, 'target') },
    facts: { [spec.source]: source.found.facts, [spec.target]: target.found.facts },
    preflight: checks,
    phases: compilePhases({ spec, source, target, trees, preflight: checks, forecast }),
    exclusions: dataExclusions(source.found.facts).map(({ pattern, reason }) => ({
      path: `${source.found.facts.dataDir}${pattern}`,
      reason,
    })),
    forecast,
  };
}

function discoveredOn(input: CompileInput, host: string): PackageManagerDiscovery {
  const parsed = packageManagerDiscovery.safeParse(input.discovered[host]);
  if (parsed.success) return parsed.data;
  throw failure('ContractViolated', {
    message: `discovery of ${host} does not fit its contract`,
    detail: parsed.error.message,
    hint: 'The worker may be of another release than this command: start it again with "rehost worker" of the same release.',
  });
}

const planned = (found: PackageManagerDiscovery, role: PlannedHost['role']): PlannedHost => ({
  role,
  hostKey: found.forecast.hostKey,
  machineId: found.facts.machineId,
});

function forecastOf(spec: Spec, source: PackageManagerDiscovery, now: string): Forecast {
  const sum = (field: 'bytes' | 'inodes'): number =>
    source.forecast.trees.reduce((total, tree) => total + tree[field], 0);
  const bytes = Math.max(0, sum('bytes') - source.forecast.cacheBytes);
  const bytesPerSecond = Math.min(spec.transfer.limit ?? DEFAULT_RATE, DEFAULT_RATE);
  const finalCopyBytes = Math.ceil(bytes * CHANGING_PART);
  const downtimeMs = Math.ceil(
    FIXED_DOWNTIME_MS + (finalCopyBytes / bytesPerSecond + bytes / HASH_RATE) * 1000,
  );
  return { bytes, files: sum('inodes'), bytesPerSecond, finalCopyBytes, downtimeMs, madeAt: now };
}

/** Phases of a compiled plan, for tests and documentation. */
export type { Phase };
