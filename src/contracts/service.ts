import { z } from 'zod';
import { contract, nothing } from './contract.js';
import { fenceDropInPath, fenceEffects, fenceLines, unfenceEffects, unfenceLines } from './service-shell.js';

const unit = z.string().regex(/^[A-Za-z0-9@._:-]+\.service$/, 'a systemd service name that ends in .service');
const flags = { wasActive: z.boolean(), wasEnabled: z.boolean() };

/** Contracts of systemd services: what they are, the fence, the start. */
export const serviceContracts = {
  'service.facts@1': contract({
    summary: 'Reads whether a service is active, enabled and fenced.',
    input: z.strictObject({ unit }),
    outcome: z.strictObject({ active: z.boolean(), enabled: z.boolean(), fenced: z.boolean() }),
    timeouts: 'short',
    readOnly: true,
    effects: nothing,
  }),
  'service.fence@1': contract({
    summary: 'Stops and disables a service and keeps it from being started, until the fence is taken down.',
    input: z.strictObject({ unit, dataDirectories: z.array(z.string()), ...flags }),
    outcome: z.strictObject({ mark: z.record(z.string(), z.json()) }),
    timeouts: 'short',
    readOnly: false,
    effects: ({ unit: name }, { host, migration }) => fenceEffects(host, { unit: name, migration }),
    undo: {
      shell: (input, { migration }) =>
        unfenceLines({ unit: input.unit, migration, enabled: input.wasEnabled, active: input.wasActive }),
      effects: (input, { host, migration }) =>
        unfenceEffects(host, { unit: input.unit, migration, enabled: true, active: true }),
    },
    leaves: (input, { migration }) => ({
      kind: 'drop-in',
      what: fenceDropInPath(input.unit),
      remove: unfenceLines({ unit: input.unit, migration, enabled: false, active: false }),
    }),
  }),
  'service.start@1': contract({
    summary: 'Takes the fence down, enables and starts a service, and waits until it answers.',
    input: z.strictObject({ unit, port: z.int(), path: z.string(), waitSeconds: z.int() }),
    outcome: z.strictObject({ answeredAfterMs: z.int() }),
    timeouts: 'short',
    readOnly: false,
    effects: (input, { host, migration }) =>
      unfenceEffects(host, { unit: input.unit, migration, enabled: true, active: true }),
    undo: {
      shell: (input, { migration }) => fenceLines({ unit: input.unit, migration }),
      effects: (input, { host, migration }) => fenceEffects(host, { unit: input.unit, migration }),
    },
  }),
} as const;
