import { journalPath } from '../contracts/paths.js';
import { failure, type RehostFailure } from '../failures.js';
import { lastLines } from './command-failure.js';
import type { Host } from './host.js';
import { POLL_UNIT, START_UNIT, STOP_UNIT, UNIT_PROGRAM } from './unit-scripts.js';
import { RUNTIME_MAX_SECONDS, unitPlace, type UnitPlace, type UnitSpec } from './unit-spec.js';
import { parsePoll, unitStatus, type UnitStatus } from './unit-state.js';

/** What one round trip tells of a unit. */
export interface UnitPoll {
  readonly status: UnitStatus;
  /** Last 4 KiB of the progress file; empty when there is none. */
  readonly progress: string;
  /** Last 20 lines. */
  readonly stderr: string;
  /** Free for rehost's own files, on the file system of the unit's directory. */
  readonly freeBytes: number;
  readonly freeInodes: number;
}

/** A poll that the host does not answer within 20 s has failed; the connection's own keepalive takes 16–20 s. */
const POLL_TIMEOUT_MS = 20_000;
/** `TimeoutStopSec` is 20 s; a launcher may have to stop a former generation and wait 30 s for the step's lock. */
const STOP_TIMEOUT_MS = 90_000;

/**
 * Starts a unit, or finds that it was started before; any number of callers at once gives one execution.
 *
 * A former generation is stopped first and must be gone. Repeat: safe, also after a lost connection.
 * @throws UnitConflict when other content lies under the same name or a newer generation was started
 * @throws UnitStopped when this generation was stopped before it had finished
 */
export async function startUnit(host: Host, spec: UnitSpec): Promise<'started' | 'attached' | 'finished'> {
  const place = unitPlace(spec);
  const stem = place.unit.replace(/\d+\.service$/, '');
  const limit = String(spec.runtimeMaxSeconds ?? RUNTIME_MAX_SECONDS);
  const values = [
    place.directory,
    place.unit,
    place.hash,
    String(spec.generation),
    stem,
    journalPath(spec.migration),
    limit,
  ];
  const properties = (spec.properties ?? []).flatMap((property) => ['-p', property]);
  const options = { stdin: unitFiles(spec), timeoutMs: STOP_TIMEOUT_MS };
  const answer = (await host.script(START_UNIT, [...values, ...properties], options)).trim();
  if (answer === 'started' || answer === 'attached' || answer === 'finished') return answer;
  throw startRefused(host, place, answer);
}

/** Everything about a unit in one round trip that changes nothing. */
export async function pollUnit(host: Host, spec: UnitSpec): Promise<UnitPoll> {
  const { directory, unit, progressFile, hash } = unitPlace(spec);
  const text = await host.script(POLL_UNIT, [directory, unit, progressFile], { timeoutMs: POLL_TIMEOUT_MS });
  const { observation, stderr, stopping, ...rest } = parsePoll(text);
  if (stopping && observation.exit === undefined) throw shuttingDown(host, unit);
  return { ...rest, status: unitStatus(observation, hash), stderr: lastLines(stderr) };
}

/**
 * Stops a unit; afterwards its control group is empty, and a late start of the same generation is refused.
 *
 * Repeat: safe, also when the unit never existed or has finished.
 * @throws CommandFailed when processes of the unit stay alive
 */
export async function stopUnit(host: Host, spec: UnitSpec): Promise<void> {
  const { directory, unit } = unitPlace(spec);
  await host.script(STOP_UNIT, [directory, unit, 'mark'], { timeoutMs: STOP_TIMEOUT_MS });
}

/** Makes systemd forget an ended unit and ends what its script left running; its files stay. */
export async function forgetUnit(host: Host, spec: UnitSpec): Promise<void> {
  const { directory, unit } = unitPlace(spec);
  await host.script(STOP_UNIT, [directory, unit, 'free'], { timeoutMs: STOP_TIMEOUT_MS });
}

// systemd ends units before it ends sshd: a poll in between must not call them killed.
const shuttingDown = (host: Host, unit: string): RehostFailure =>
  failure('SshUnreachable', {
    message: `host ${host.name} is shutting down while ${unit} is being watched`,
    detail: 'Its next start tells what became of the unit.',
    hint: `Let ${host.name} start again, then run "rehost retry".`,
  });

// Each file as a line "SIZE NAME" and its bytes, closed by an end mark: a broken connection looks like the end of data.
function unitFiles(spec: UnitSpec): Buffer {
  const files = [
    { name: 'program', content: UNIT_PROGRAM },
    { name: 'script', content: spec.script },
    ...(spec.files ?? []).map(({ name, content }) => ({ name: `inputs/${name}`, content })),
  ];
  const parts = files.flatMap(({ name, content }) => {
    const bytes = Buffer.from(content, 'utf8');
    return [Buffer.from(`${bytes.length} ${name}\n`), bytes];
  });
  return Buffer.concat([...parts, Buffer.from('0 end\n')]);
}

function startRefused(host: Host, place: UnitPlace, answer: string): RehostFailure {
  const [word, value = ''] = answer.split(' ');
  if (word === 'conflict') return unitConflict(host, place.unit, { wanted: place.hash, found: value });
  if (word === 'stopped') return unitStopped(host, place.unit);
  if (word === 'superseded') {
    return failure('UnitConflict', {
      message: `${place.unit} on host ${host.name} was superseded: generation ${value} of its step has been started`,
      detail: 'An attempt that was believed dead came back; it started nothing.',
      hint: 'Run "rehost status" to see the newer generation; nothing needs to be repeated.',
    });
  }
  return failure('UnitLost', {
    message: `${value || place.unit} on host ${host.name} does not end, so ${place.unit} is not started`,
    detail: `The host answered: ${answer}.`,
    hint: `Run "systemctl stop ${value || place.unit}" and "systemctl status ${value || place.unit}" on ${host.name}, then "rehost retry".`,
  });
}

/** UnitConflict: other content lies on the host under the unit's name. */
export function unitConflict(
  host: Host,
  unit: string,
  hashes: { wanted: string; found: string },
): RehostFailure {
  return failure('UnitConflict', {
    message: `${unit} on host ${host.name} was started with other content`,
    detail: `Its files there have the hash ${hashes.found}, this attempt's have ${hashes.wanted}: the step's inputs or the release changed in between.`,
    hint: 'Run "rehost retry": the step starts anew under a new generation.',
  });
}

/** UnitStopped: the unit was stopped by rehost before it had finished. */
export function unitStopped(host: Host, unit: string): RehostFailure {
  return failure('UnitStopped', {
    message: `${unit} on host ${host.name} was stopped before it had finished`,
    detail: 'It was stopped by "rehost stop" or a rollback; what it had done so far is still there.',
    hint: 'Run "rehost retry" to start it anew under a new generation.',
  });
}
