import { RehostFailure } from '../failures.js';
import type { CommandContext } from './context.js';

/** One thing that `doctor` looked at; without `failure` it is well. */
export interface Check {
  readonly title: string;
  readonly found: string;
  readonly failure?: {
    readonly type: string;
    readonly message: string;
    readonly detail?: string;
    readonly hint: string;
  };
  readonly notes: readonly string[];
}

/** What lies on one host, from its ledgers. */
export interface HostLeftOvers {
  readonly host: string;
  readonly leftOvers: readonly {
    readonly migration: string;
    readonly kind: string;
    readonly what: string;
    readonly step: string;
    readonly remove: readonly string[];
  }[];
  readonly migrations: readonly string[];
}

/** Outcome of `doctor.host@1`, as it comes over Temporal. */
interface Examination {
  readonly login: string;
  readonly hostKey: string;
  readonly os: string;
  readonly clockOffsetMs: number;
  readonly problems: readonly {
    readonly type: string;
    readonly message: string;
    readonly detail: string;
    readonly hint: string;
  }[];
  readonly missingTools: readonly string[];
  readonly sudoers: { readonly path: string; readonly text: string; readonly state: string };
  readonly claim: string;
}

const CLOCK_LIMIT_MS = 5000;

/** Temporal, its search attributes and its workers; later checks are left out when an earlier one fails. */
export async function checkTemporal(context: CommandContext): Promise<readonly Check[]> {
  const { address, namespace, taskQueue } = context.configuration;
  const checks: Check[] = [];
  try {
    const client = await context.client();
    const missing = await client.missingSearchAttributes();
    checks.push({ title: 'Temporal', found: `${address}, namespace ${namespace}`, notes: [] });
    checks.push(searchAttributes(missing, namespace));
    const { activities } = await client.pollers();
    checks.push(workers([...new Set(activities)], taskQueue));
  } catch (error) {
    checks.push(faultOf('Temporal', error));
  }
  return checks;
}

function searchAttributes(missing: readonly string[], namespace: string): Check {
  const title = 'search attributes';
  if (missing.length === 0) return { title, found: 'all there', notes: [] };
  const words = missing.map((name) => `--name ${name} --type Keyword`).join(' ');
  return {
    title,
    found: '',
    notes: [],
    failure: {
      type: 'UsageInvalid',
      message: `namespace ${namespace} lacks ${missing.join(', ')}`,
      hint: `Run "temporal operator search-attribute create --namespace ${namespace} ${words}".`,
    },
  };
}

function workers(identities: readonly string[], taskQueue: string): Check {
  const title = `workers of task queue ${taskQueue}`;
  if (identities.length > 0) return { title, found: identities.join(', '), notes: [] };
  return {
    title,
    found: '',
    notes: [],
    failure: {
      type: 'NoWorker',
      message: 'no worker has polled in the last minute',
      hint: 'Start one with "rehost worker --inventory FILE", or "rehost up".',
    },
  };
}

/** A host as a worker reaches it: connection, host key, root, tools, clock. */
export async function checkHost(
  context: CommandContext,
  host: string,
  showSudoers: boolean,
): Promise<readonly Check[]> {
  try {
    const client = await context.client();
    const outcome = await client.inspect({ action: 'doctor.host@1', host, input: {}, timeouts: 'short' });
    return hostChecks(host, outcome.values as unknown as Examination, showSudoers);
  } catch (error) {
    return [faultOf(`host ${host}`, error)];
  }
}

function hostChecks(host: string, found: Examination, showSudoers: boolean): readonly Check[] {
  const [problem] = found.problems;
  const file = [
    `sudoers file ${found.sudoers.path} (mode 0440):`,
    ...found.sudoers.text
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
  ];
  const root: Check = {
    title: `root on ${host}`,
    found: `account ${found.login}; sudoers file: ${found.sudoers.state}`,
    notes: problem !== undefined || showSudoers ? file : [],
    ...(problem === undefined ? {} : { failure: problem }),
  };
  const tools: Check = {
    title: `tools on ${host}`,
    found: 'all there',
    notes: [],
    ...(found.missingTools.length === 0 ? {} : { failure: toolsMissing(host, found.missingTools) }),
  };
  const claim = found.claim === '' ? [] : [`claimed: ${found.claim}`];
  const clock =
    Math.abs(found.clockOffsetMs) > CLOCK_LIMIT_MS
      ? [`its clock is ${found.clockOffsetMs} ms away from the worker's`]
      : [];
  return [
    {
      title: `host ${host}`,
      found: `${found.os || 'reached'}, host key ${found.hostKey}`,
      notes: [...claim, ...clock],
    },
    root,
    tools,
  ];
}

const toolsMissing = (host: string, missing: readonly string[]): NonNullable<Check['failure']> => ({
  type: 'ToolMissing',
  message: `${host} lacks ${missing.join(', ')}`,
  hint: `Install them, on Debian: ssh ${host} sudo apt-get install systemd rsync coreutils util-linux acl attr findutils.`,
});

/** What migrations left on a host. */
export async function leftOversOf(context: CommandContext, host: string): Promise<HostLeftOvers> {
  const client = await context.client();
  const { values } = await client.inspect({
    action: 'doctor.leftOvers@1',
    host,
    input: {},
    timeouts: 'short',
  });
  return { host, ...(values as unknown as Omit<HostLeftOvers, 'host'>) };
}

function faultOf(title: string, error: unknown): Check {
  if (!(error instanceof RehostFailure)) throw error;
  const { type, message, detail, hint } = error;
  return {
    title,
    found: '',
    notes: [],
    failure: { type, message, hint, ...(detail === undefined ? {} : { detail }) },
  };
}
