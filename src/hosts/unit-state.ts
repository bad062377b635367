import { z } from 'zod';

/** What one look at a host gives about a unit; a member is absent when its file is. */
export interface UnitObservation {
  /** Boot id and start time of PID 1 of the host as it runs now. */
  readonly boot: string;
  readonly loadState: string;
  readonly activeState: string;
  readonly subState: string;
  readonly result: string;
  readonly execMainStatus: number;
  readonly invocationId: string;
  /** Hash of the spec that lies on the host. */
  readonly spec?: string;
  readonly started?: { readonly boot: string };
  readonly exit?: ExitRecord;
  /** Whether `stopUnit` was called for it before it had finished. */
  readonly stopped: boolean;
}

const exitRecord = z.object({
  exitStatus: z.number(),
  spec: z.string(),
  invocationId: z.string(),
  startedAt: z.string(),
  endedAt: z.string(),
  durationMs: z.number(),
});
/** What a unit's program wrote when its script had ended. */
export type ExitRecord = z.output<typeof exitRecord>;

/** What a unit is, told from record, systemd and boot. */
export type UnitStatus =
  | { readonly kind: 'not-started' }
  | { readonly kind: 'running'; readonly invocationId: string }
  | {
      readonly kind: 'finished';
      readonly exitStatus: number;
      readonly startedAt: string;
      readonly endedAt: string;
      readonly durationMs: number;
      readonly invocationId: string;
    }
  /** The unit's own program was ended before it could write its record; `result` is systemd's word (`oom-kill`, `timeout`, …). */
  | { readonly kind: 'failed'; readonly result: string; readonly execMainStatus: number }
  | { readonly kind: 'lost'; readonly reason: 'killed' | 'host-restarted' }
  /** It was stopped by `stopUnit`. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'conflict'; readonly wanted: string; readonly found: string };

/** systemd's states in which a process of the unit's own may still run. */
const LIVE = ['active', 'activating', 'deactivating', 'reloading', 'refreshing'];

/**
 * The state table of a unit.
 *
 * `LoadState` is read first: for a unit that never existed systemd prints `Result=success` and status 0 (measured).
 * A record decides whatever systemd says, because it is written last and synced.
 */
export function unitStatus(seen: UnitObservation, wantedHash: string): UnitStatus {
  const found = seen.exit?.spec ?? seen.spec;
  if (found !== undefined && found !== wantedHash) return { kind: 'conflict', wanted: wantedHash, found };
  if (seen.exit !== undefined) {
    const { exitStatus, startedAt, endedAt, durationMs, invocationId } = seen.exit;
    return { kind: 'finished', exitStatus, startedAt, endedAt, durationMs, invocationId };
  }
  const loaded = seen.loadState === 'loaded';
  const exited = seen.activeState === 'active' && seen.subState === 'exited';
  if (loaded && !exited && LIVE.includes(seen.activeState))
    return { kind: 'running', invocationId: seen.invocationId };
  if (seen.stopped) return { kind: 'stopped' };
  if (seen.started !== undefined && seen.started.boot !== seen.boot)
    return { kind: 'lost', reason: 'host-restarted' };
  if (loaded && (exited || seen.activeState === 'failed')) {
    return { kind: 'failed', result: seen.result, execMainStatus: seen.execMainStatus };
  }
  return seen.started === undefined ? { kind: 'not-started' } : { kind: 'lost', reason: 'killed' };
}

/** One poll's text, as the host printed it, in parts. */
export interface ParsedPoll {
  readonly observation: UnitObservation;
  readonly progress: string;
  readonly stderr: string;
  readonly freeBytes: number;
  readonly freeInodes: number;
  /** The host is shutting down: its units end, and only its next start tells what that meant. */
  readonly stopping: boolean;
}

const decoded = (value: string | undefined): string => Buffer.from(value ?? '', 'base64').toString();

/** Reads what POLL_UNIT prints. A record that is no valid JSON counts as absent: it is written whole or not at all. */
export function parsePoll(text: string): ParsedPoll {
  const fields = new Map(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf('=');
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
  const field = (name: string): string => fields.get(name) ?? '';
  const exit = exitRecord.safeParse(json(decoded(fields.get('exit'))));
  const started = z.object({ boot: z.string() }).safeParse(json(decoded(fields.get('started'))));
  const [blocks = 0, blockBytes = 0, freeInodes = 0] = field('free').split(' ').map(Number);
  const observation: UnitObservation = {
    boot: field('boot'),
    loadState: field('LoadState'),
    activeState: field('ActiveState'),
    subState: field('SubState'),
    result: field('Result'),
    execMainStatus: Number(field('ExecMainStatus')),
    invocationId: field('InvocationID'),
    ...(fields.has('spec') ? { spec: decoded(fields.get('spec')).trim() } : {}),
    ...(fields.has('started') ? { started: started.success ? started.data : { boot: '' } } : {}),
    ...(exit.success ? { exit: exit.data } : {}),
    stopped: fields.has('stopped'),
  };
  return {
    observation,
    progress: decoded(fields.get('progress')),
    stderr: decoded(fields.get('stderr')),
    freeBytes: blocks * blockBytes,
    freeInodes,
    stopping: fields.has('stopping'),
  };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
