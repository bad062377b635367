import { z } from 'zod';
import { contract, nothing } from './contract.js';

const leftOver = z.strictObject({
  migration: z.string(),
  id: z.string(),
  kind: z.string(),
  what: z.string(),
  step: z.string(),
  remove: z.array(z.string()),
});

const problem = z.strictObject({
  type: z.string(),
  message: z.string(),
  detail: z.string(),
  hint: z.string(),
});

/** Most lines of a log that one look gives. */
export const LOG_LINES_LIMIT = 400;

/** Contracts of what `doctor` and `logs` look at; none of them changes anything. */
export const doctorContracts = {
  'doctor.host@1': contract({
    summary:
      'Tells whether a host is reached, what it is, whether commands run as root, and which tools it lacks.',
    input: z.strictObject({}),
    outcome: z.strictObject({
      login: z.string(),
      hostKey: z.string(),
      hostName: z.string(),
      os: z.string(),
      machineId: z.string(),
      clockOffsetMs: z.number(),
      problems: z.array(problem),
      missingTools: z.array(z.string()),
      sudoers: z.strictObject({ path: z.string(), text: z.string(), state: z.string() }),
      claim: z.string(),
    }),
    timeouts: 'short',
    readOnly: true,
    effects: nothing,
  }),
  'doctor.leftOvers@1': contract({
    summary: 'Lists what migrations left on a host, from the ledgers that lie there.',
    input: z.strictObject({}),
    outcome: z.strictObject({ leftOvers: z.array(leftOver), migrations: z.array(z.string()) }),
    timeouts: 'short',
    readOnly: true,
    effects: nothing,
  }),
  'doctor.log@1': contract({
    summary: "Reads the end of a step's log on a host.",
    input: z.strictObject({
      step: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
      generation: z.int().min(0),
      lines: z.int().min(1).max(LOG_LINES_LIMIT),
    }),
    outcome: z.strictObject({
      directory: z.string(),
      found: z.boolean(),
      progress: z.string(),
      stdout: z.string(),
      stderr: z.string(),
      journal: z.string(),
    }),
    timeouts: 'short',
    readOnly: true,
    effects: nothing,
  }),
} as const;
