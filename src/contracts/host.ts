import { z } from 'zod';
import { quoteWord } from '../formats/shell.js';
import { contract, nothing, type Effect } from './contract.js';
import { CLAIM_PATH, FINISHED_PATH, migrationDir } from './paths.js';

/** Where the time of going live is recorded. */
export const goingLivePath = (migration: string): string => `${migrationDir(migration)}/going-live`;

const plannedHost = z.looseObject({
  role: z.enum(['source', 'target']),
  hostKey: z.string(),
  machineId: z.string(),
});
const json = z.json();

const releaseLines = (migration: string): readonly string[] => [
  `if grep -q -F ${quoteWord(`"migration":"${migration}"`)} ${CLAIM_PATH} 2>/dev/null; then`,
  `  rm -f ${CLAIM_PATH}`,
  'fi',
];
const releaseEffects = (host: string): readonly Effect[] => [
  { kind: 'command', host, argv: ['rm', '-f', CLAIM_PATH] },
];

/** Contracts of what is done to a host as such, and of a run's admission. */
export const hostContracts = {
  'plan.admit@1': contract({
    summary:
      'Checks before anything else: digest, schema, voters, inventory, identity of the hosts, foreign claims.',
    input: z.strictObject({ plan: json, digest: z.string(), requester: z.string().optional() }),
    outcome: z.strictObject({ hosts: z.number(), digest: z.string() }),
    timeouts: 'short',
    readOnly: true,
    effects: nothing,
  }),
  'facts.recheck@1': contract({
    summary: 'Reads the pinned facts again and names every difference.',
    input: z.strictObject({
      kind: z.string(),
      facts: z.record(z.string(), z.record(z.string(), json)),
      hosts: z.record(z.string(), plannedHost),
      /** `host.fact` names that the run itself has changed. */
      except: z.array(z.string()),
    }),
    outcome: z.strictObject({ facts: z.number() }),
    timeouts: 'short',
    readOnly: true,
    effects: nothing,
  }),
  'host.claim@1': contract({
    summary: 'Claims a host for this migration and refuses a foreign claim.',
    input: z.strictObject({ requester: z.string(), workflowId: z.string() }),
    /** `account`: with which rehost logged in; after the run a person removes it. */
    outcome: z.strictObject({ since: z.string(), account: z.string() }),
    timeouts: 'short',
    readOnly: false,
    effects: (_input, { host }): readonly Effect[] => [
      { kind: 'write', host, path: CLAIM_PATH, mode: '0600' },
    ],
    undo: {
      shell: (_input, { migration }) => releaseLines(migration),
      effects: (_input, { host }) => releaseEffects(host),
    },
  }),
  'host.goLive@1': contract({
    summary: 'Records that the target goes live: a rollback after it loses what users did since.',
    input: z.strictObject({}),
    outcome: z.strictObject({ at: z.string() }),
    timeouts: 'short',
    readOnly: false,
    effects: (_input, { host, migration }): readonly Effect[] => [
      { kind: 'write', host, path: goingLivePath(migration), mode: '0600' },
    ],
  }),
  'host.finish@1': contract({
    summary: 'Records the finished migration on the host and releases the claim.',
    input: z.strictObject({
      role: z.enum(['source', 'target']),
      kind: z.string(),
      source: z.string(),
      target: z.string(),
      digest: z.string(),
    }),
    outcome: z.strictObject({ recorded: z.boolean() }),
    timeouts: 'short',
    readOnly: false,
    effects: (_input, { host }): readonly Effect[] => [
      { kind: 'write', host, path: FINISHED_PATH, mode: '0600' },
      ...releaseEffects(host),
    ],
  }),
} as const;
