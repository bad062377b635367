import { CLAIM_PATH, STATE_ROOT } from '../contracts/paths.js';
import { failure, type RehostFailure } from '../failures.js';
import { canonicalJson } from '../plan/json.js';
import { z } from 'zod';
import type { Host } from './host.js';

const claimShape = z.object({
  migration: z.string(),
  workflowId: z.string(),
  requester: z.string(),
  since: z.string(),
});

/** Which migration may work on a host, and whose it is; `since` is ISO 8601 UTC. */
export type Claim = z.output<typeof claimShape>;

// ln fails when the name exists and never shows half a content: the claim is there whole, or it is another's.
const CLAIM = `root=$1 claim=$2 size=$3
umask 077
mkdir -p -- "$root"
temp=$root/.claim.$$
trap 'rm -f -- "$temp"' EXIT
cat >"$temp"
[ "$(stat -c %s -- "$temp")" = "$size" ] || { echo "the claim did not arrive whole" >&2; exit 75; }
sync -- "$temp"
if ln -T -- "$temp" "$claim" 2>/dev/null; then
  sync -- "$root"
  echo claimed
else
  cat -- "$claim" 2>/dev/null || echo gone
fi`;

/**
 * Claims a host for a migration; of several that try at once exactly one gets it.
 *
 * Repeat: safe, the claim of the same migration stays as it is.
 * @throws ClaimForeign naming the other migration, its Workflow, requester and since when
 */
export async function claimHost(host: Host, claim: Claim): Promise<'claimed' | 'already-ours'> {
  const line = `${canonicalJson(claimShape.parse(claim))}\n`;
  for (let attempt = 1; ; attempt += 1) {
    const args = [STATE_ROOT, CLAIM_PATH, String(Buffer.byteLength(line))];
    const answer = (await host.script(CLAIM, args, { stdin: line })).trim();
    if (answer === 'claimed') return 'claimed';
    // Released between our try and our look: try again.
    if (answer === 'gone' && attempt < 5) continue;
    const present = parseClaim(answer);
    if (present?.migration === claim.migration) return 'already-ours';
    throw foreign(host, present, answer);
  }
}

/** The claim on a host, or undefined when it is free. @throws ClaimForeign when the file cannot be read as a claim */
export async function readClaim(host: Host): Promise<Claim | undefined> {
  const text = await host.readFile(CLAIM_PATH);
  if (text === undefined) return undefined;
  const present = parseClaim(text);
  if (present === undefined) throw foreign(host, undefined, text);
  return present;
}

/** Answers nothing when the host is free or claimed by this migration. @throws ClaimForeign */
export async function refuseForeignClaim(host: Host, migration: string): Promise<void> {
  const present = await readClaim(host);
  if (present !== undefined && present.migration !== migration) throw foreign(host, present, '');
}

/** Gives a host free when this migration holds it; answers whether it did. Repeat: safe. */
export async function releaseClaim(host: Host, migration: string): Promise<boolean> {
  const present = await readClaim(host);
  if (present?.migration !== migration) return false;
  await host.script('rm -f -- "$1"; sync -- "$2"', [CLAIM_PATH, STATE_ROOT]);
  return true;
}

function parseClaim(text: string): Claim | undefined {
  try {
    return claimShape.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function foreign(host: Host, present: Claim | undefined, text: string): RehostFailure {
  if (present === undefined) {
    return failure('ClaimForeign', {
      message: `host ${host.name} is claimed by something that rehost cannot read`,
      detail: `${CLAIM_PATH} holds: ${text.slice(0, 200)}`,
      hint: `Find out who wrote ${CLAIM_PATH} on ${host.name}; when no migration works there, remove the file and run "rehost retry".`,
    });
  }
  return failure('ClaimForeign', {
    message: `host ${host.name} is claimed by migration ${present.migration}`,
    detail: `Workflow ${present.workflowId}, requested by ${present.requester}, since ${present.since}; the claim is ${CLAIM_PATH} on the host.`,
    hint: `Run "rehost status ${present.migration}" and finish or roll it back. If its Temporal is gone for good, follow ${STATE_ROOT}/${present.migration}/UNDO.md on the host and remove ${CLAIM_PATH} last.`,
  });
}
