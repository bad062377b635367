import type { hostContracts } from '../contracts/host.js';
import { goingLivePath } from '../contracts/host.js';
import { FINISHED_PATH } from '../contracts/paths.js';
import { approvalsFailure } from '../approvals-failure.js';
import { digestPlan } from '../digest.js';
import { failure, type RehostFailure } from '../failures.js';
import { preflightFailure } from '../preflight-failure.js';
import { claimHost, readIdentity, refuseForeignClaim, releaseClaim, type Host } from '../hosts/index.js';
import type { Json } from '../plan/json.js';
import type { Plan, PlannedHost } from '../plan/types.js';
import { canonicalJson } from '../plan/json.js';
import type { ActionContext, Handlers } from './action.js';
import { readPackageManagerFacts } from './package-manager-discover.js';

/** What reads the pinned facts of a host again, by kind of migration. */
const READERS: Readonly<Record<string, (host: Host) => Promise<Readonly<Record<string, Json>>>>> = {
  'package-manager-server': readPackageManagerFacts,
};

/** A host as such: admission, pinned facts, claim, going live, the record of a finished migration. */
export const hostHandlers = {
  'plan.admit@1': {
    async act(input, context) {
      const plan = input.plan as unknown as Plan;
      admitPlan(plan, input);
      const names = Object.keys(plan.hosts);
      await Promise.all(names.map((name) => admitHost(context, name, plan.hosts[name])));
      return { changed: false, values: { hosts: names.length, digest: input.digest } };
    },
  },
  'facts.recheck@1': { act: recheckFacts },
  'host.claim@1': {
    async act(input, context) {
      const since = new Date().toISOString();
      const claim = {
        migration: context.call.migration,
        workflowId: input.workflowId,
        requester: input.requester,
        since,
      };
      const answer = await claimHost(context.host, claim);
      return { changed: answer === 'claimed', values: { since, account: context.host.user } };
    },
  },
  'host.goLive@1': {
    async act(_input, context) {
      const path = goingLivePath(context.call.migration);
      const known = (await context.host.readFile(path))?.trim();
      const at = known ?? new Date().toISOString();
      const changed = await context.host.writeFile(path, `${at}\n`, { mode: '0600' });
      return { changed, values: { at } };
    },
  },
  'host.finish@1': {
    async act(input, context) {
      const { migration } = context.call;
      const text = (await context.host.readFile(FINISHED_PATH)) ?? '';
      const recorded = text.includes(`"migration":"${migration}"`);
      if (!recorded) {
        const line = JSON.stringify({ migration, ...input, at: new Date().toISOString() });
        await context.host.writeFile(FINISHED_PATH, `${text}${line}\n`, { mode: '0600' });
      }
      await releaseClaim(context.host, migration);
      return { changed: !recorded, values: { recorded: true } };
    },
  },
} satisfies Handlers<typeof hostContracts>;

function admitPlan(
  plan: Plan,
  { digest, requester }: { digest: string; requester?: string | undefined },
): void {
  const found = digestPlan(plan);
  if (plan.schema !== 1) {
    throw failure('PlanStale', {
      message: `plan has schema ${String(plan.schema)}; this release knows 1`,
      hint: 'Make the plan again with the release that the worker runs: "rehost plan SPEC --out PLAN".',
    });
  }
  if (found !== digest) {
    throw failure('PlanEdited', {
      message: 'the plan is not the one that its digest names',
      detail: `digest ${digest}; its content has ${found}`,
      hint: 'Run "rehost plan SPEC --out PLAN" again and apply that plan.',
    });
  }
  // Commands refuse such a plan before they start it; whoever starts the Workflow by other means is told here.
  const blocked = preflightFailure(plan);
  if (blocked !== undefined) throw blocked;
  // Who made the plan may be another than who asks for the run: only now it is known who does not count. Plans that were
  // made before this was asked do not say who asks.
  const gates = plan.phases.flatMap((phase) => phase.gate ?? []);
  const stuck = requester === undefined ? undefined : approvalsFailure(gates, requester);
  if (stuck !== undefined) throw stuck;
}

async function admitHost(
  context: ActionContext,
  name: string,
  planned: PlannedHost | undefined,
): Promise<void> {
  const host = context.hosts.get(name);
  const identity = await readIdentity(host);
  if (
    planned !== undefined &&
    (identity.machineId !== planned.machineId || identity.hostKey !== planned.hostKey)
  ) {
    throw failure('HostIdentityChanged', {
      message: `host ${name} is another machine than when the plan was made`,
      detail: `machine id ${identity.machineId}, planned ${planned.machineId}; host key ${identity.hostKey}, planned ${planned.hostKey}`,
      hint: 'Check address and hostKey in the inventory; if the machine was replaced on purpose, run "rehost plan" again.',
    });
  }
  await refuseForeignClaim(host, context.call.migration);
}

async function recheckFacts(
  input: {
    kind: string;
    facts: Record<string, Record<string, Json>>;
    hosts: Record<string, { role: 'source' | 'target' }>;
    except: string[];
  },
  context: ActionContext,
): Promise<{ changed: false; values: { facts: number } }> {
  const readFacts = READERS[input.kind];
  if (readFacts === undefined) throw unknownKind(input.kind);
  const read = await Promise.all(
    Object.keys(input.hosts).map(async (name) => [name, await readFacts(context.hosts.get(name))] as const),
  );
  const differences = read.flatMap(([name, found]) =>
    Object.entries(input.facts[name] ?? {})
      .filter(([fact]) => !input.except.includes(`${name}.${fact}`))
      .filter(([fact, planned]) => canonicalJson(planned) !== canonicalJson(found[fact]))
      .map(
        ([fact, planned]) =>
          `${name}: ${fact} was ${canonicalJson(planned)}, is ${canonicalJson(found[fact])}`,
      ),
  );
  const count = Object.values(input.facts).reduce((sum, facts) => sum + Object.keys(facts).length, 0);
  if (differences.length === 0) return { changed: false, values: { facts: count } };
  throw failure('PlanStale', {
    message:
      differences.length === 1
        ? '1 pinned fact is not as when the plan was made'
        : `${differences.length} pinned facts are not as when the plan was made`,
    detail: differences.join('\n'),
    hint: 'Put them back and run "rehost retry", or "rehost rollback" and make a new plan.',
  });
}

const unknownKind = (kind: string): RehostFailure =>
  failure('PlanStale', {
    message: `this worker does not know the kind ${kind}`,
    hint: 'Start a worker of the release that made the plan.',
  });
