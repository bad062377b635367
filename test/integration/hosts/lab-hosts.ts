import { randomBytes } from 'node:crypto';
import { labExec, labUp, type Lab, type LabHostName } from '../../../lab/lab.js';
import { createHosts, type HostConfig, type Hosts, type UnitSpec } from '../../../src/hosts/index.js';
import type { RehostFailure } from '../../../src/failures.js';

/** The lab, brought up when it is not; about 5 s the first time. */
export const up = (): Promise<Lab> => labUp();

/** How a host of the lab is reached, as the inventory of the lab says. */
export function configOf(lab: Lab, name: LabHostName): HostConfig {
  const { port, hostKey } = lab.hosts[name];
  return { name, address: '127.0.0.1', port, user: 'rehost', identityFile: lab.identityFile, hostKey };
}

/** Both hosts of the lab, with what a test changes about how they are reached. */
export const connect = (lab: Lab, change: Partial<HostConfig> = {}): Hosts =>
  createHosts([
    { ...configOf(lab, 'ppm-source'), ...change },
    { ...configOf(lab, 'ppm-target'), ...change },
  ]);

/** A migration id that no other test uses. */
export const newMigration = (): string => `test-${randomBytes(4).toString('hex')}`;

/** A unit of a test. */
export const unitOf = (migration: string, script: string, more: Partial<UnitSpec> = {}): UnitSpec => ({
  migration,
  step: 'copy',
  generation: 1,
  script,
  ...more,
});

/** The failure that a promise ends with; a promise that does not fail is an error of the test. */
export async function failureOf(promise: Promise<unknown>): Promise<RehostFailure> {
  const error: unknown = await promise.then(
    (value) => new Error(`nothing was thrown; the answer was ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof Error && 'type' in error) return error as RehostFailure;
  throw error;
}

/** Waits until a condition holds, at most 20 s. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited 20 s for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Removes what the tests of this folder leave on both hosts: every migration made by `newMigration`, and the claim. */
export async function cleanUp(): Promise<void> {
  const remove =
    'rm -rf /var/lib/rehost/test-* /var/lib/rehost/claim; rmdir /var/lib/rehost 2>/dev/null || :';
  await Promise.all(
    (['ppm-source', 'ppm-target'] as const).map((host) => labExec(host, ['sh', '-c', remove])),
  );
}
