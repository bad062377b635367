/** Kinds of difference between two manifests, in the order in which they are told. */
export const DIFFERENCE_KINDS = [
  'missing',
  'extra',
  'type',
  'size',
  'mtime',
  'mode',
  'owner',
  'group',
  'link-target',
  'content',
  'hard-link',
  'acl',
  'xattr',
] as const;
/** One kind of difference. */
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

// The columns after the name, in the order in which the manifest's script writes them.
const COLUMNS = [
  'type',
  'size',
  'mtime',
  'mode',
  'owner',
  'group',
  'link-target',
  'content',
  'hard-link',
  'acl',
  'xattr',
] as const satisfies readonly DifferenceKind[];

/** One entry that differs; `name` is escaped as in the manifest. */
export interface Difference {
  readonly name: string;
  readonly kinds: readonly DifferenceKind[];
  /** For each kind what the source has and what the target has, in words. */
  readonly words: string;
}

/** All that differs: counts by kind, and the first entries by name. */
export interface Comparison {
  readonly entries: number;
  readonly counts: Readonly<Partial<Record<DifferenceKind, number>>>;
  readonly differing: number;
  readonly first: readonly Difference[];
}

/**
 * Compares two manifests, each sorted by bytes of the name, line by line; keeps at most `keep` differing entries.
 *
 * Texts are read as latin1, so that names of any bytes keep their order.
 */
export function compareManifests(source: string, target: string, keep = 20): Comparison {
  const counts: Partial<Record<DifferenceKind, number>> = {};
  const first: Difference[] = [];
  let differing = 0;
  let entries = 0;
  const note = (difference: Difference): void => {
    differing += 1;
    for (const kind of difference.kinds) counts[kind] = (counts[kind] ?? 0) + 1;
    if (first.length < keep) first.push(difference);
  };
  const sources = linesOf(source);
  const targets = linesOf(target);
  let left = sources.next();
  let right = targets.next();
  while (left.done !== true || right.done !== true) {
    const order = orderOf(left, right);
    if (order < 0) {
      note({ name: nameOf(String(left.value)), kinds: ['missing'], words: 'is missing on the target' });
    } else if (order > 0) {
      note({ name: nameOf(String(right.value)), kinds: ['extra'], words: 'is on the target only' });
    } else if (left.value !== right.value) {
      note(differenceOf(nameOf(String(left.value)), String(left.value), String(right.value)));
    }
    if (order <= 0) {
      entries += 1;
      left = sources.next();
    }
    if (order >= 0) right = targets.next();
  }
  return { entries, counts, differing, first };
}

function* linesOf(text: string): Generator<string, undefined> {
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n', start);
    const stop = end === -1 ? text.length : end;
    if (stop > start) yield text.slice(start, stop);
    start = stop + 1;
  }
  return undefined;
}

// Which line comes first by its name; a side that has ended comes last.
function orderOf(left: IteratorResult<string, undefined>, right: IteratorResult<string, undefined>): number {
  if (left.done === true) return 1;
  if (right.done === true) return -1;
  const [leftName, rightName] = [nameOf(left.value), nameOf(right.value)];
  return leftName === rightName ? 0 : leftName < rightName ? -1 : 1;
}

const nameOf = (line: string): string => line.slice(0, Math.max(0, line.indexOf('\t')));

function differenceOf(name: string, source: string, target: string): Difference {
  const sourceColumns = source.split('\t').slice(1);
  const targetColumns = target.split('\t').slice(1);
  const kinds = COLUMNS.filter((_kind, index) => sourceColumns[index] !== targetColumns[index]);
  const words = COLUMNS.flatMap((kind, index) =>
    sourceColumns[index] === targetColumns[index]
      ? []
      : [
          `${kind} ${shortened(sourceColumns[index])} on the source, ${shortened(targetColumns[index])} on the target`,
        ],
  );
  return { name, kinds, words: words.join('; ') };
}

const shortened = (value: string | undefined): string => {
  const text = value ?? '-';
  return text.length > 60 ? `${text.slice(0, 16)}…` : text;
};
