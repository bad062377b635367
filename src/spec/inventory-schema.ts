import { z } from 'zod';
import { isHostKeyFingerprint } from './fingerprint.js';
import { hostName } from './spec-schema.js';

const FINGERPRINT_WANTED = 'wants a fingerprint as "ssh-keygen -lf" prints it: SHA256: and 43 characters';

const port = z.int('wants a whole number').min(1, 'wants 1 to 65535').max(65535, 'wants 1 to 65535');
const address = z.string().regex(/^[^\s@/]+$/, 'wants a name or an address without user, port or spaces');
const absolutePath = z
  .string()
  .regex(/^(~?\/)/, 'wants an absolute path, or one that begins with ~/')
  .describe('Path on the worker; ~/ is the home directory of the worker account.');
const hostKey = z.string().refine(isHostKeyFingerprint, FINGERPRINT_WANTED);

const host = z.strictObject({
  address: address.describe(
    'Where the worker reaches the host: a name, an IP address or an alias of ~/.ssh/config.',
  ),
  port: port.exactOptional().describe("Port of sshd as the worker sees it; default: the alias's, then 22."),
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_.-]*\$?$/, 'wants the name of an account')
    .exactOptional()
    .describe(
      "Account that rehost logs in with, root or one with sudo without a password; default: the alias's.",
    ),
  identityFile: absolutePath.exactOptional().describe('Private key; without it the SSH agent is asked.'),
  hostKey: hostKey
    .exactOptional()
    .describe('Pinned fingerprint of the host key; without it known_hosts decides.'),
  knownHosts: absolutePath.exactOptional().describe('known_hosts file; default ~/.ssh/known_hosts.'),
  jumpHost: hostName
    .exactOptional()
    .describe('Another host of this inventory through which this one is reached.'),
  peerAddress: address
    .exactOptional()
    .describe('Where the other host of a migration reaches this one; default: address.'),
  peerPort: port.exactOptional().describe('Port of sshd as the other host sees it; default: 22.'),
});

const oneSource = (reference: object): boolean => Object.keys(reference).length === 1;

const secret = z
  .strictObject({
    env: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'wants the name of an environment variable')
      .exactOptional()
      .describe('Environment variable of the worker that holds the secret.'),
    file: absolutePath.exactOptional().describe('File on the worker whose first line is the secret.'),
    command: z
      .array(z.string())
      .min(1, 'wants a program and its arguments')
      .exactOptional()
      .describe('Program and arguments on the worker that print the secret.'),
  })
  .refine(oneSource, 'wants exactly one of env, file, command');

const command = z.strictObject({
  argv: z
    .array(z.string().min(1))
    .min(1, 'wants a program and its arguments')
    .describe('Program and arguments on the host.'),
});

/**
 * How each named host is reached and where secrets come from: inventory.yaml, read by the worker only.
 *
 * Shape after parsing: paths still carry `~/` (see `expandHome`).
 */
export const inventorySchema = z
  .strictObject({
    hosts: z.record(hostName, host).describe('Every host that a spec may name.'),
    secrets: z
      .record(
        z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'wants lower-case letters, digits and hyphens'),
        secret,
      )
      .default({})
      .describe('Where each named secret comes from: exactly one of env, file, command.'),
    commands: z
      .record(
        z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'wants lower-case letters, digits and hyphens'),
        command,
      )
      .default({})
      .describe('Commands that this site allows by name.'),
  })
  .superRefine((inventory, context) => {
    for (const [name, entry] of Object.entries(inventory.hosts)) {
      if (
        entry.jumpHost === undefined ||
        (entry.jumpHost !== name && inventory.hosts[entry.jumpHost] !== undefined)
      )
        continue;
      context.addIssue({
        code: 'custom',
        path: ['hosts', name, 'jumpHost'],
        message: `wants another host of this inventory, found "${entry.jumpHost}"`,
      });
    }
  });

/** A checked inventory with its defaults filled in. */
export type Inventory = z.output<typeof inventorySchema>;
/** How one host is reached. */
export type InventoryHost = Inventory['hosts'][string];
/** Where one secret comes from: exactly one member is set. */
export type SecretReference = Inventory['secrets'][string];
