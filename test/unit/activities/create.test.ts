import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { createActivities } from '../../../src/activities/create.js';
import { failure } from '../../../src/failures.js';
import type { Host, Hosts } from '../../../src/hosts/host.js';
import type { StepCall } from '../../../src/plan/call.js';

const WALK_MS = 90_000;

const hostsWith = (script: () => Promise<string>): Hosts => {
  const host = { name: 'a', script } as unknown as Host;
  return { get: () => host, names: ['a'], close: () => Promise.resolve() };
};
/** A host on which every script takes as long as a walk over a big tree. */
const slowHosts = (): Hosts =>
  hostsWith(() => new Promise<string>((resolve) => setTimeout(() => resolve('5\n'), WALK_MS)));

const EVICT: StepCall = {
  migration: 'm',
  step: 'evict-cache',
  sequence: 1,
  generation: 1,
  host: 'a',
  input: { cacheDirs: ['/data/cache'], upstream: 'air-gapped' },
  mode: 'act',
  undo: [],
};

describe('the Activity of an action', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('heartbeats while one command takes longer than the heartbeat timeout of its class', async () => {
    const activities = createActivities({ hosts: slowHosts(), logger: pino({ level: 'silent' }) });
    const environment = new MockActivityEnvironment();
    let beats = 0;
    environment.on('heartbeat', () => (beats += 1));
    const ended = environment.run(activities['packageManager.evict@1'], EVICT);
    await jest.advanceTimersByTimeAsync(WALK_MS);
    expect(await ended).toMatchObject({ changed: false, values: { evicted: false, bytesBefore: 5 } });
    expect(beats).toBeGreaterThan(WALK_MS / 10_000);
  });

  it('goes on without the sizes of a cache that takes too long to measure', async () => {
    const late = failure('CommandTimedOut', { message: 'too long', hint: 'none' });
    const hosts = hostsWith(() => Promise.reject(late));
    const activities = createActivities({ hosts, logger: pino({ level: 'silent' }) });
    const ended = await new MockActivityEnvironment().run(activities['packageManager.evict@1'], EVICT);
    expect(ended).toMatchObject({
      values: { evicted: false, note: 'not cleared: the upstream is air-gapped' },
    });
  });
});
