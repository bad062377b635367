import { z } from 'zod';
import { parseRate, RATE_PATTERN } from './rate.js';

/** Gates that a spec may treat differently from its general approvals. */
export const GATE_IDS = ['begin', 'stop-source', 'replace-target-data', 'hand-over'] as const;

/** Kinds of migration that this release knows. */
export const KINDS = ['package-manager-server'] as const;

/** Longest host name: it is part of migration ids, unit names and paths, which end at 255 bytes. */
export const HOST_NAME_LIMIT = 40;

/** A host's name in spec and inventory: lower-case letters, digits and inner hyphens. */
export const hostName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'wants lower-case letters, digits and inner hyphens')
  .max(HOST_NAME_LIMIT, `wants at most ${HOST_NAME_LIMIT} characters`);

const person = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]*$/, 'wants a name of letters, digits and ". _ @ -"');

const voters = z
  .array(person)
  .min(1, 'wants at least one voter')
  .refine(
    (names) => new Set(names.map((name) => name.toLowerCase())).size === names.length,
    'names a voter twice (case does not tell people apart)',
  )
  .describe('People or roles who may vote; the requester of a run never counts.');
const votes = z
  .int('wants a whole number')
  .min(1, 'wants at least 1')
  .describe('How many different voters must approve.');
const proof = z
  .literal(['claimed'])
  .describe('How a voter proves who they are: claimed takes the actor by name (signed comes later).');

const rate = z
  .string()
  .regex(RATE_PATTERN, 'wants a rate such as 80MiB/s (units B, kB, MB, GB, KiB, MiB, GiB)')
  .transform((text, context) => {
    const bytes = parseRate(text);
    if (bytes !== undefined) return bytes;
    context.addIssue({ code: 'custom', message: 'wants at least 1KiB/s' });
    return z.NEVER;
  });

const waiver = z.strictObject({
  check: z
    .string()
    .regex(/^[A-Z][A-Za-z0-9-]*$/, 'wants the id of a preflight check, such as PM-DIRECTION')
    .describe('Id of the preflight check.'),
  by: person.describe('Who answers for it.'),
  reason: z.string().min(10, 'wants a reason of at least 10 characters').describe('Why it may be waived.'),
  until: z.iso.date('wants a day such as 2026-12-31').describe('Last day on which it counts, UTC.'),
});

const gateOverride = z.strictObject({
  voters: voters.exactOptional(),
  votes: votes.exactOptional(),
  proof: proof.exactOptional(),
});

/**
 * What a person writes in migration.yaml: type, default, check, JSON Schema and documentation come from here.
 *
 * Shape after parsing: `transfer.limit` in bytes per second; `target-options` becomes `targetOptions`.
 */
export const specSchema = z
  .strictObject({
    kind: z.literal(KINDS).describe('What is moved and how; one procedure per kind.'),
    source: hostName.describe('Name of the source host in the inventory.'),
    target: hostName.describe('Name of the target host in the inventory.'),
    approvals: z
      .strictObject({
        voters,
        votes: votes.default(1),
        proof: proof.default('claimed'),
        gates: z
          .partialRecord(z.literal(GATE_IDS), gateOverride)
          .default({})
          .describe('Other voters or votes for one gate.'),
      })
      .describe('Who opens the gates.'),
    backup: z
      .strictObject({
        kind: z
          .literal(['verified-copy'])
          .describe(
            "verified-copy: the copy on the target, compared with the source, is the source's backup.",
          ),
      })
      .default({ kind: 'verified-copy' })
      .describe('How the backup of the source that the vendor asks for is met.'),
    transfer: z
      .strictObject({
        limit: rate.exactOptional().describe('Most bytes per second between the hosts, such as 80MiB/s.'),
      })
      .default({})
      .describe('How data travels.'),
    'target-options': z
      .strictObject({
        landing: z
          .literal(['incoming'])
          .default('incoming')
          .describe("incoming: copies land beside the target's data and are swapped in by rename."),
      })
      .default({ landing: 'incoming' })
      .describe('How the target is treated.'),
    waivers: z
      .array(waiver)
      .max(20)
      .default([])
      .describe(
        'Preflight blockers that somebody answers for; each becomes a warning until its day has passed.',
      ),
    owners: z
      .literal(['name', 'numeric'])
      .default('name')
      .describe('name: owners keep their names, ids may differ. numeric: ids are kept.'),
  })
  .transform(({ 'target-options': targetOptions, ...rest }) => ({ ...rest, targetOptions }));

/** A checked spec with its defaults filled in. */
export type Spec = z.output<typeof specSchema>;
/** A gate whose approvals a spec may override. */
export type GateId = (typeof GATE_IDS)[number];

/** Who votes at one gate: the spec's general approvals with the gate's own on top. */
export function approvalsOf(
  spec: Pick<Spec, 'approvals'>,
  gate: GateId,
): { readonly voters: readonly string[]; readonly votes: number; readonly proof: 'claimed' } {
  const { gates, ...general } = spec.approvals;
  return { ...general, ...gates[gate] };
}
