import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { createActivities } from '../../../src/activities/create.js';
import type { Host, Hosts } from '../../../src/hosts/host.js';
import type { StepCall } from '../../../src/plan/call.js';

const WALK_MS = 90_000;

/** A host on which every script takes as long as a walk over a big tree. */
function slowHosts(): Hosts {
  const host = {
    name: 'a',
    script: () => new Promise<string>((resolve) => setTimeout(() => resolve('5\n'), WALK_MS)),
  } as unknown as Host;
  return { get: () => host, names: ['a'], close: () => Promise.resolve() };
}

describe('the Activity of an action', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('heartbeats while one command takes longer than the heartbeat timeout of its class', async () => {
    const activities = createActivities({ hosts: slowHosts(), logger: pino({ level: 'silent' }) });
    const environment = new MockActivityEnvironment();
    let beats = 0;
    environment.on('heartbeat', () => (beats += 1));
    const call: StepCall = {
      migration: 'm',
      step: 'evict-cache',
      sequence: 1,
      generation: 1,
      host: 'a',
      input: { cacheDirs: ['/data/cache'], upstream: 'air-gapped' },
      mode: 'act',
      undo: [],
    };
    const ended = environment.run(activities['packageManager.evict@1'], call);
    await jest.advanceTimersByTimeAsync(WALK_MS);
    expect(await ended).toMatchObject({ changed: false, values: { evicted: false, bytesBefore: 5 } });
    expect(beats).toBeGreaterThan(WALK_MS / 10_000);
  });
});
