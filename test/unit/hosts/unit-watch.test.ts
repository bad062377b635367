import { failure, FAILURES, type FailureType, type RehostFailure } from '../../../src/failures.js';
import { watchUnit, type Host, type UnitSpec, type WatchReport } from '../../../src/hosts/index.js';
import { POLL_UNIT, START_UNIT } from '../../../src/hosts/unit-scripts.js';
import { unitPlace } from '../../../src/hosts/unit-spec.js';

const spec: UnitSpec = { migration: 'm', step: 's', generation: 1, script: 'true' };
const { hash } = unitPlace(spec);
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const RUNNING =
  'boot=b\nLoadState=loaded\nActiveState=active\nSubState=running\nInvocationID=i\nExecMainStatus=0\n';
const finished = (status: number): string =>
  `${RUNNING}exit=${base64(JSON.stringify({ exitStatus: status, spec: hash, invocationId: 'i', startedAt: 's', endedAt: 'e', durationMs: 1 }))}\n`;
const fail = (type: FailureType): RehostFailure => failure(type, { message: type, hint: 'none' });

/** A host that answers each poll with the next text or failure, the last one again and again. */
function scripted(
  polls: readonly (string | RehostFailure)[],
  starts: readonly (string | RehostFailure)[] = ['started'],
) {
  const calls = { start: 0, poll: 0, stop: 0 };
  const next = (list: readonly (string | RehostFailure)[], call: number): Promise<string> => {
    const answer = list[Math.min(call, list.length - 1)] ?? '';
    return typeof answer === 'string' ? Promise.resolve(answer) : Promise.reject(answer);
  };
  const script = (text: string): Promise<string> => {
    if (text === START_UNIT) return next(starts, calls.start++);
    if (text === POLL_UNIT) return next(polls, calls.poll++);
    calls.stop += 1;
    return Promise.resolve('');
  };
  return { calls, host: { name: 'h', script } as unknown as Host };
}

async function watch(host: Host, more: { unreachableAfterMs?: number; accept?: 'any' } = {}) {
  const reports: WatchReport[] = [];
  const options = {
    signal: new AbortController().signal,
    pollMs: 1,
    onPoll: (report: WatchReport) => void reports.push(report),
    ...more,
  };
  const ended = await watchUnit(host, spec, options).then(
    (result) => ({ result, type: undefined, message: '' }),
    (error: unknown) => {
      const { type, message } = error as RehostFailure;
      return { result: undefined, type, message };
    },
  );
  return { ...ended, failures: reports.map(({ pollFailures }) => pollFailures) };
}

describe('watchUnit', () => {
  it('survives a lost connection at start and while it polls, and counts each', async () => {
    const { host, calls } = scripted(
      [RUNNING, fail('ConnectionLost'), fail('SshRefused'), RUNNING, finished(0)],
      [fail('SshUnreachable'), 'started'],
    );
    expect(await watch(host)).toMatchObject({ result: { exitStatus: 0 }, failures: [1, 0, 1, 2, 0, 0] });
    expect(calls).toEqual({ start: 2, poll: 5, stop: 1 });
  });

  it('survives a log-in that is denied after it was granted, as while a host comes up', async () => {
    const { host } = scripted([RUNNING, fail('SshDenied'), finished(0)]);
    expect(await watch(host)).toMatchObject({ result: { exitStatus: 0 } });
  });

  it.each(['SshDenied', 'HostKeyMismatch', 'SudoMissing', 'UnitConflict'] as const)(
    'ends at once with %s at the first contact',
    async (type) => {
      const { host, calls } = scripted([RUNNING], [fail(type)]);
      expect(await watch(host)).toMatchObject({ type, failures: [] });
      expect(calls.start).toBe(1);
    },
  );

  it('ends with the failure of a poll that goes on failing though the host answers', async () => {
    const { host, calls } = scripted([fail('CommandFailed')]);
    expect(await watch(host)).toMatchObject({ type: 'CommandFailed' });
    expect(calls.poll).toBe(16);
  });

  it('starts again after a start that the host refused for a moment', async () => {
    const { host, calls } = scripted([finished(0)], [fail('CommandFailed'), 'started']);
    expect(await watch(host)).toMatchObject({ result: { exitStatus: 0 } });
    expect(calls.start).toBe(2);
  });

  it('ends with the failure of a start that goes on being refused', async () => {
    const { host, calls } = scripted([RUNNING], [fail('CommandFailed')]);
    expect(await watch(host)).toMatchObject({ type: 'CommandFailed' });
    expect(calls.start).toBe(6);
  });

  it('goes on after refusals that follow a long time away, as when a host comes up before its systemd', async () => {
    const away = Array.from({ length: 20 }, () => fail('SshUnreachable'));
    const start = scripted([finished(0)], [...away, fail('CommandFailed'), 'started']);
    expect(await watch(start.host)).toMatchObject({ result: { exitStatus: 0 } });
    const look = scripted([RUNNING, ...away, fail('CommandFailed'), finished(0)]);
    expect(await watch(look.host)).toMatchObject({ result: { exitStatus: 0 } });
  });

  it('ends with HostKeyMismatch in the middle, without another try', async () => {
    const { host, calls } = scripted([RUNNING, fail('HostKeyMismatch')]);
    expect(await watch(host)).toMatchObject({ type: 'HostKeyMismatch' });
    expect(calls.poll).toBe(2);
  });

  it('ends with HostAway, which parks, when the host stays away too long', async () => {
    const { host } = scripted([fail('SshUnreachable')]);
    const ended = await watch(host, { unreachableAfterMs: 50 });
    expect(ended.type).toBe('HostAway');
    expect(FAILURES[ended.type!].retryable).toBe(false);
    expect(ended.message).toContain('did not answer for');
  });

  it('starts again a unit that vanished before it wrote anything', async () => {
    const { host, calls } = scripted(['boot=b\nLoadState=not-found\n', finished(0)]);
    expect(await watch(host)).toMatchObject({ result: { exitStatus: 0 } });
    expect(calls.start).toBe(2);
  });

  it('calls a full file system DiskFull, and gives every status to who accepts any', async () => {
    const full = `${finished(23)}stderr=${base64('rsync: write failed: No space left on device (28)')}\n`;
    expect(await watch(scripted([full]).host)).toMatchObject({ type: 'DiskFull' });
    expect(await watch(scripted([full]).host, { accept: 'any' })).toMatchObject({
      result: { exitStatus: 23 },
    });
  });
});
