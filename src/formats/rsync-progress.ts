/** What one line of `--info=progress2` says. Bytes are those received in this call, entries those of the whole tree. */
export interface RsyncProgress {
  readonly bytesDone: number;
  /** Share of the tree's size, 0–100, whole numbers. */
  readonly percent: number;
  readonly bytesPerSecond: number;
  readonly entriesDone?: number;
  readonly entriesTotal?: number;
}

const LINE =
  /^\s*([\d,]+)\s+(\d{1,3})%\s+([\d.]+)([kMGT]?)B\/s\s+[\d:?]+(?:\s+\(xfr#\d+, (?:ir|to)-chk=(\d+)\/(\d+)\))?/;
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/**
 * The newest progress in rsync's output, or undefined when no line makes sense.
 *
 * A line that states something impossible (more than 100 %, more entries left than there are) is refused.
 */
export function parseRsyncProgress(output: string): RsyncProgress | undefined {
  const lines = output.split(/[\r\n]/);
  for (let index = lines.length - 1; index >= 0; index -= 1) {
    const parsed = parseLine(lines[index] ?? '');
    if (parsed !== undefined) return parsed;
  }
  return undefined;
}

function parseLine(line: string): RsyncProgress | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const [, bytes = '', percent = '', rate = '', unit = '', left, total] = match;
  const parsed = {
    bytesDone: Number(bytes.replaceAll(',', '')),
    percent: Number(percent),
    bytesPerSecond: Math.round(Number(rate) * (UNITS[unit] ?? 1)),
  };
  if (parsed.percent > 100 || !Object.values(parsed).every(Number.isFinite)) return undefined;
  if (left === undefined || total === undefined) return parsed;
  if (Number(left) > Number(total)) return undefined;
  return { ...parsed, entriesDone: Number(total) - Number(left), entriesTotal: Number(total) };
}

/** Progress as it is shown to people: total is never below done, an ETA only where it is more than a guess. */
export interface HonestProgress {
  readonly bytesDone: number;
  readonly bytesTotal?: number;
  readonly filesDone?: number;
  readonly bytesPerSecond?: number;
  readonly etaMs?: number;
  readonly note?: string;
}

/**
 * What may be said about a running pull.
 *
 * In the first pass the share of bytes gives total and ETA. In later passes rsync cannot know how much of what is there
 * will go again, so there is neither: only what went over, at what rate, and how many entries were compared.
 */
export function honestProgress(progress: RsyncProgress, firstPass: boolean): HonestProgress {
  const { bytesDone, percent, bytesPerSecond, entriesDone, entriesTotal } = progress;
  const base = {
    bytesDone,
    bytesPerSecond,
    ...(entriesDone === undefined ? {} : { filesDone: entriesDone }),
    ...(entriesTotal === undefined
      ? {}
      : { note: `${entriesDone ?? 0} of ${entriesTotal} entries compared` }),
  };
  if (!firstPass || percent === 0) return base;
  const bytesTotal = Math.max(bytesDone, Math.round((bytesDone * 100) / percent));
  if (bytesPerSecond === 0) return { ...base, bytesTotal };
  return { ...base, bytesTotal, etaMs: Math.round(((bytesTotal - bytesDone) / bytesPerSecond) * 1000) };
}

/** What the finished unit's progress file says. */
export interface PullSummary {
  readonly attempts: number;
  readonly bytesReceived: number;
  readonly bytesTotal: number;
  readonly filesTransferred: number;
  readonly filesTotal: number;
  /** Bytes of each pass of the step so far, oldest first, this one included. */
  readonly passes: readonly { readonly generation: number; readonly bytes: number }[];
}

/**
 * Reads the statistics that `copyScript` leaves; several calls of rsync in one unit are summed, totals are the largest.
 *
 * Undefined when the text is not whole. @see rsync(1), "--stats"
 */
export function parsePullSummary(text: string): PullSummary | undefined {
  const numbers = (pattern: RegExp): readonly number[] =>
    [...text.matchAll(pattern)].map((match) => Number((match[1] ?? '').replaceAll(',', '')));
  const sum = (values: readonly number[]): number => values.reduce((left, right) => left + right, 0);
  const received = numbers(/^Total bytes received: ([\d,]+)$/gm);
  const attempts = numbers(/^attempts (\d+)$/gm)[0];
  const passes = [...text.matchAll(/^pass (\d+) (\d+)$/gm)].map(([, generation, bytes]) => ({
    generation: Number(generation),
    bytes: Number(bytes),
  }));
  if (attempts === undefined || received.length === 0 || passes.length === 0) return undefined;
  return {
    attempts,
    bytesReceived: sum(received),
    bytesTotal: Math.max(0, ...numbers(/^Total file size: ([\d,]+) bytes$/gm)),
    filesTransferred: sum(numbers(/^Number of regular files transferred: ([\d,]+)$/gm)),
    filesTotal: Math.max(0, ...numbers(/^Number of files: ([\d,]+)/gm)),
    passes,
  };
}

/** A pass that moved less than this is not worth another one: the delta is as small as it gets. */
const SETTLED_BYTES = 1024 * 1024;

/**
 * Whether another warm pass pays: the first always, later ones while a pass moved less than 0.8 of the one before.
 *
 * `before` are the bytes of the pass before this one in the same step.
 */
export function wantsAnotherPass(bytes: number, before: number | undefined): boolean {
  if (before === undefined) return true;
  return bytes > SETTLED_BYTES && bytes < 0.8 * before;
}
