import { setTimeout as sleep } from 'node:timers/promises';
import { failure, FAILURES, RehostFailure } from '../failures.js';
import { NO_SPACE } from './command-failure.js';
import type { Host } from './host.js';
import { unitPlace, type UnitSpec } from './unit-spec.js';
import type { UnitStatus } from './unit-state.js';
import { forgetUnit, pollUnit, startUnit, unitConflict, unitStopped, type UnitPoll } from './unit-control.js';

/** What `watchUnit` tells after every attempt to look at the host. */
export interface WatchReport {
  /** Attempts in a row that did not reach the host; 0 after a good one. */
  readonly pollFailures: number;
  readonly poll?: UnitPoll;
  readonly lastFailure?: RehostFailure;
}

/** How a unit is watched. */
export interface WatchOptions {
  /** Ends the watching with the signal's reason; the unit goes on. */
  readonly signal: AbortSignal;
  /** Called after every attempt to look, also after a failed one: a cut to the host is not a dead worker. */
  readonly onPoll: (report: WatchReport) => void;
  /** Default 2 000. */
  readonly pollMs?: number;
  /** Default 600 000: so long the host may stay away before HostAway is thrown, which parks the step. */
  readonly unreachableAfterMs?: number;
  /** Exit statuses that are an answer; default only 0. Others throw UnitFailed. */
  readonly accept?: readonly number[] | 'any';
}

/** How a unit ended, with what it left behind. */
export interface UnitResult {
  readonly exitStatus: number;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly durationMs: number;
  readonly invocationId: string;
  readonly progress: string;
  readonly stderr: string;
}

/**
 * Starts a unit or attaches to it, and watches it until it has ended; losses of the connection are survived.
 *
 * Repeat: safe, any number of watchers see one execution and the same result.
 * @throws UnitFailed with the last 20 lines of stderr, UnitLost, HostRestarted, UnitConflict, UnitStopped
 * @throws HostAway after `unreachableAfterMs` without an answer; the reason of the signal when it is aborted
 */
export async function watchUnit(host: Host, spec: UnitSpec, options: WatchOptions): Promise<UnitResult> {
  const { signal, onPoll, pollMs = 2_000, unreachableAfterMs = 600_000 } = options;
  let begun = false;
  let pollFailures = 0;
  let refusals = 0;
  let reachedAt = performance.now();
  // Short units end within a second: the first looks come quickly, then one every `pollMs`.
  for (let looks = 0; ; looks += 1) {
    signal.throwIfAborted();
    try {
      if (!begun) await startUnit(host, spec);
      begun = true;
      const poll = await pollUnit(host, spec);
      reachedAt = performance.now();
      pollFailures = 0;
      refusals = 0;
      onPoll({ pollFailures, poll });
      // Gone before it wrote anything, for instance stopped by hand at once: starting again is safe.
      begun = poll.status.kind !== 'not-started';
      const result = await ended(host, spec, { poll, accept: options.accept ?? [0] });
      if (result !== undefined) return result;
    } catch (error) {
      refusals = isRefusal(error) ? refusals + 1 : 0;
      if (!isTransient(error, { begun, refusals })) throw error;
      pollFailures += 1;
      onPoll({ pollFailures, lastFailure: error });
      if (performance.now() - reachedAt >= unreachableAfterMs)
        throw away(host, spec, { error, unreachableAfterMs });
    }
    const pauseMs = Math.min(pollMs, FIRST_PAUSE_MS * 2 ** Math.min(looks, 10));
    await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

const FIRST_PAUSE_MS = 200;

/** A look that fails so often in a row, though the host answers, does not fail because the host goes up or down. */
const BROKEN_LOOKS = 15;
/** A busy systemd may refuse a start for a few seconds; starting is safe to repeat, so that this parks nothing. */
const BROKEN_STARTS = 5;

/**
 * Whether the host may answer later: it could not be reached, or it is going down or coming up. Then systemd does not
 * answer, and pam_nologin(8) denies the log-in of accounts that were let in before.
 */
function isTransient(
  error: unknown,
  seen: { readonly begun: boolean; readonly refusals: number },
): error is RehostFailure {
  if (!(error instanceof RehostFailure)) return false;
  if (FAILURES[error.type].retryable) return true;
  if (error.type === 'SshDenied') return seen.begun;
  return isRefusal(error) && seen.refusals <= (seen.begun ? BROKEN_LOOKS : BROKEN_STARTS);
}

/** The host answered, and said no; counted apart from lost connections, of which a restart has many before it. */
const isRefusal = (error: unknown): boolean =>
  error instanceof RehostFailure && error.type === 'CommandFailed';

async function ended(
  host: Host,
  spec: UnitSpec,
  seen: { readonly poll: UnitPoll; readonly accept: readonly number[] | 'any' },
): Promise<UnitResult | undefined> {
  const { status, progress, stderr } = seen.poll;
  if (status.kind === 'running' || status.kind === 'not-started') return undefined;
  if (status.kind !== 'finished') {
    if (status.kind === 'failed') await forgetUnit(host, spec);
    throw endFailure(host, spec, { status, stderr });
  }
  // The record is read: systemd need not remember the unit, and what the script left running ends.
  await forgetUnit(host, spec);
  const { kind: _kind, ...record } = status;
  if (seen.accept === 'any' || seen.accept.includes(status.exitStatus))
    return { ...record, progress, stderr };
  throw endFailure(host, spec, { status, stderr });
}

function endFailure(
  host: Host,
  spec: UnitSpec,
  seen: {
    readonly status: Exclude<UnitStatus, { kind: 'running' | 'not-started' }>;
    readonly stderr: string;
  },
): RehostFailure {
  const { unit, directory } = unitPlace(spec);
  const { status, stderr } = seen;
  const log = `See "rehost logs" or ${directory}/stderr on ${host.name}`;
  if (NO_SPACE.test(stderr)) return diskFull(host, unit, stderr);
  switch (status.kind) {
    case 'finished':
      return failure('UnitFailed', {
        message: `${unit} on host ${host.name} ended with status ${status.exitStatus}, wanted 0`,
        detail: stderr === '' ? `Nothing was printed to ${directory}/stderr.` : stderr,
        hint: `${log}; put right what the last lines say, then run "rehost retry".`,
      });
    case 'failed':
      return failure('UnitFailed', {
        message: `${unit} on host ${host.name} was ended by the system: ${status.result}, status ${status.execMainStatus}`,
        detail: [meaningOf(status.result), stderr].join('\n').trim(),
        hint: `${log} and "journalctl -u ${unit}", then run "rehost retry".`,
      });
    case 'lost':
      return status.reason === 'host-restarted' ? restarted(host, unit) : killed(host, unit, stderr);
    case 'stopped':
      return unitStopped(host, unit);
    case 'conflict':
      return unitConflict(host, unit, status);
  }
}

/** systemd.service(5) and systemd.exec(5) on `$SERVICE_RESULT`. */
function meaningOf(result: string): string {
  const meanings: Readonly<Record<string, string>> = {
    'oom-kill': 'systemd documents oom-kill as: a process of the unit was ended because the memory ran out.',
    timeout: 'systemd documents timeout as: the unit reached its longest run or did not end in time.',
    signal: 'systemd documents signal as: the main process was ended by a signal.',
    'exit-code':
      'systemd documents exit-code as: the main process ended with a status other than 0 before its record was written.',
    success: 'The main process ended without leaving its record.',
  };
  return meanings[result] ?? `systemd's result is ${result}.`;
}

const diskFull = (host: Host, unit: string, stderr: string): RehostFailure =>
  failure('DiskFull', {
    message: `${unit} on host ${host.name} ended because a file system is full`,
    detail: stderr,
    hint: `Make room on ${host.name} ("df -h", "df -i"), then run "rehost retry"; what is already there is used again.`,
  });

const restarted = (host: Host, unit: string): RehostFailure =>
  failure('HostRestarted', {
    message: `host ${host.name} was restarted while ${unit} was running`,
    detail:
      'The boot identity differs from the one the unit was started under, and the unit left no exit record.',
    hint: 'See that the host is healthy ("rehost doctor"), then run "rehost retry": the step starts anew under a new generation.',
  });

const killed = (host: Host, unit: string, stderr: string): RehostFailure =>
  failure('UnitLost', {
    message: `${unit} on host ${host.name} is gone without an exit record: it was killed or stopped by hand`,
    detail: stderr === '' ? 'It printed nothing to stderr.' : stderr,
    hint: `See "journalctl -u ${unit}" on ${host.name}, then run "rehost retry": the step starts anew under a new generation.`,
  });

const away = (
  host: Host,
  spec: UnitSpec,
  seen: { readonly error: RehostFailure; readonly unreachableAfterMs: number },
): RehostFailure =>
  failure(
    'HostAway',
    {
      message: `host ${host.name} did not answer for ${Math.round(seen.unreachableAfterMs / 1000)} s while ${unitPlace(spec).unit} was being watched`,
      detail: `The unit may still run there. Last: ${seen.error.message}.`,
      hint: 'Bring the way to the host back ("rehost doctor"), then run "rehost retry": the former unit is stopped first, and what it did so far stays.',
    },
    { cause: seen.error },
  );
