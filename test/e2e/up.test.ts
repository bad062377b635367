/*
 * "rehost up" as a process of its own: a second command reaches it, a signal ends it in order, and a run that waited in
 * it goes on in the next one. No lab: the run parks at once, since the worker's inventory lacks its hosts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { Check } from '../../src/cli/doctor-checks.js';
import { newMigrationId, workflowIdOf } from '../../src/client.js';
import { listens } from '../../src/dev-server.js';
import { sealPlan } from '../../src/digest.js';
import type { StatusView } from '../../src/run/status.js';
import { compiled } from '../unit/procedures/discovered.js';
import { callRehost, startRehost, type Running } from './process.js';

jest.setTimeout(300_000);

const directory = mkdtempSync(join(tmpdir(), 'rehost-up-'));
const inventory = join(directory, 'inventory.yaml');
const plan = sealPlan(compiled());
writeFileSync(inventory, 'hosts:\n  elsewhere: { address: 127.0.0.1, user: rehost }\n');

const all: Running[] = [];
afterAll(async () => {
  // They have ended, unless a test above could not go on.
  for (const up of all) {
    up.kill('SIGTERM');
    await up.ended;
  }
  rmSync(directory, { recursive: true, force: true });
});

interface Place {
  readonly address: string;
  readonly page: string;
}

/** Two ports that are free now; the embedded Temporal is told both. */
async function freePorts(): Promise<readonly [string, string]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<string>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve(String((server.address() as AddressInfo).port)));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return [ports[0] ?? '', ports[1] ?? ''];
}

/** A run as somebody starts it who does not ask a worker first whether it may begin. */
async function startRun(address: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await new Client({ connection }).workflow.start('packageManagerServer', {
      workflowId: workflowIdOf(plan.kind, plan.target),
      taskQueue: 'rehost',
      args: [{ plan, migration: newMigrationId(plan.target, new Date()), requester: 'requester' }],
    });
  } finally {
    await connection.close();
  }
}

async function startUp(): Promise<Place & { readonly up: Running }> {
  const [port, uiPort] = await freePorts();
  const words = ['up', '--inventory', inventory, '--port', port, '--ui-port', uiPort];
  const up = startRehost(words, { cwd: directory, env: { XDG_DATA_HOME: directory } });
  all.push(up);
  const [, address = '', page = ''] = await up.told(
    /^Temporal {4}(\S+)\nWeb page {4}http:\/\/(\S+)\nTask queue {2}rehost\nInventory {3}\S*inventory\.yaml\n/,
  );
  await up.told(/^Ready\. Ctrl-C stops both/m);
  return { up, address, page };
}

async function json<Value>(code: number, ...argv: string[]): Promise<Value> {
  const answer = await callRehost([...argv, '-o', 'json']);
  expect({ argv, code: answer.code, err: answer.err }).toMatchObject({ argv, code });
  return JSON.parse(answer.out) as Value;
}

const reached = async (place: Place): Promise<boolean[]> =>
  Promise.all(
    [place.address, place.page].map((at) => {
      const [ip = '', port = ''] = at.split(':');
      return listens(ip, Number(port));
    }),
  );

describe('up', () => {
  it('is reached by other commands, and ends with 0 on Ctrl-C, Temporal with it', async () => {
    const { up, ...place } = await startUp();
    const { checks } = await json<{ checks: Check[] }>(0, 'doctor', '--address', place.address);
    expect(checks.map(({ title, failure }) => [title, failure])).toEqual([
      ['Temporal', undefined],
      ['search attributes', undefined],
      ['workers of task queue rehost', undefined],
    ]);
    await startRun(place.address);
    const watch = ['watch', 'ppm-target', '--until', 'attention', '--address', place.address];
    const parked = await callRehost(watch);
    expect(parked).toMatchObject({ code: 13, err: expect.stringContaining('HostUnknown') as string });
    up.kill('SIGINT');
    const ended = await up.ended;
    expect(ended.code).toBe(0);
    expect(ended.err).toMatch(/Stopping: the worker first, then Temporal\. Units on the hosts go on\.\n$/);
    expect(await reached(place)).toEqual([false, false]);
  });

  it('takes up a run that waited when it is started again, and ends with 0 on SIGTERM', async () => {
    const { up, ...place } = await startUp();
    const view = await json<StatusView>(0, 'status', 'ppm-target', '--address', place.address);
    expect(view).toMatchObject({ state: 'parked', open: [{ id: 'admit' }] });
    expect((await callRehost(['retry', 'ppm-target', '--address', place.address])).code).toBe(0);
    const words = ['watch', 'ppm-target', '--until', 'attention', '--address', place.address];
    expect((await json<StatusView>(13, ...words)).phases[0]?.steps[0]).toMatchObject({
      id: 'admit',
      status: 'parked',
      generation: 2,
    });
    up.kill('SIGTERM');
    expect((await up.ended).code).toBe(0);
    expect(await reached(place)).toEqual([false, false]);
  });

  it('ends in the same order when its terminal is closed, though nobody reads what it says', async () => {
    const { up, ...place } = await startUp();
    up.hangUp();
    expect((await up.ended).code).toBe(0);
    expect(await reached(place)).toEqual([false, false]);
  });
});
