/*
 * The configuration format of Posit's servers: Git's config format as read by go-gcfg. Parsed with positions, edited
 * line by line: comments, order and quoting of everything else stay as they are.
 * @see github.com/go-gcfg/gcfg, package documentation
 */

/** One assignment with the lines it stands on (0-based, inclusive). `value` undefined: a bare name. */
export interface GcfgEntry {
  readonly section: string;
  readonly subsection: string | undefined;
  readonly name: string;
  readonly value: string | undefined;
  readonly firstLine: number;
  readonly lastLine: number;
}

/** A line that is not gcfg, with its number as editors count (1-based). */
export interface GcfgProblem {
  readonly line: number;
  readonly message: string;
}

/** A parsed file. `lines` keep their line ends out; `eol` is what joins them. */
export interface Gcfg {
  readonly lines: readonly string[];
  readonly eol: '\n' | '\r\n';
  readonly entries: readonly GcfgEntry[];
  /** Section heads with the line each stands on (0-based). */
  readonly sections: readonly {
    readonly section: string;
    readonly subsection: string | undefined;
    readonly line: number;
  }[];
  readonly problems: readonly GcfgProblem[];
}

const NAME = /^[\p{L}][\p{L}\p{Nd}-]*/u;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\', '"': '"', n: '\n', t: '\t' };

/** Parses a gcfg text; lines that are not gcfg become problems, the rest is still read. */
export function parseGcfg(text: string): Gcfg {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const entries: GcfgEntry[] = [];
  const sections: { section: string; subsection: string | undefined; line: number }[] = [];
  const problems: GcfgProblem[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = (lines[at] ?? '').trim();
    if (line === '' || line.startsWith(';') || line.startsWith('#')) continue;
    if (line.startsWith('[')) {
      const head = parseHead(line);
      if (typeof head === 'string') problems.push({ line: at + 1, message: head });
      else sections.push({ ...head, line: at });
      continue;
    }
    const current = sections.at(-1);
    const firstLine = at;
    const parsed = parseAssignment(lines, at);
    if (typeof parsed === 'string') problems.push({ line: firstLine + 1, message: parsed });
    else if (current === undefined)
      problems.push({ line: firstLine + 1, message: 'assignment before the first section' });
    else {
      at = parsed.lastLine;
      const { section, subsection } = current;
      entries.push({ section, subsection, name: parsed.name, value: parsed.value, firstLine, lastLine: at });
    }
  }
  return { lines, eol, entries, sections, problems };
}

function parseHead(line: string): { section: string; subsection: string | undefined } | string {
  const match = /^\[\s*([^\]\s"]+)\s*(?:"((?:[^"\\]|\\["\\])+)")?\s*\]\s*(?:[;#].*)?$/.exec(line);
  const section = match?.[1];
  if (section === undefined || NAME.exec(section)?.[0] !== section) return `not a section head: ${line}`;
  return { section, subsection: match?.[2]?.replace(/\\(["\\])/g, '$1') };
}

function parseAssignment(
  lines: readonly string[],
  start: number,
): { name: string; value: string | undefined; lastLine: number } | string {
  const line = (lines[start] ?? '').trimStart();
  const name = NAME.exec(line)?.[0];
  if (name === undefined) return `not an assignment: ${line.trim()}`;
  const rest = line.slice(name.length).trimStart();
  if (rest === '' || rest.startsWith(';') || rest.startsWith('#'))
    return { name, value: undefined, lastLine: start };
  if (!rest.startsWith('=')) return `expected "=" after ${name}`;
  return parseValue(name, rest.slice(1), { lines, start });
}

function parseValue(
  name: string,
  first: string,
  where: { readonly lines: readonly string[]; readonly start: number },
): { name: string; value: string; lastLine: number } | string {
  let lastLine = where.start;
  let text = first.trimStart();
  let value = '';
  // Blanks at the end of an unquoted run are dropped, blanks inside are kept: remember how far the value counts.
  let keep = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '\\') {
      const next = text[at + 1];
      if (next === undefined && !quoted) {
        lastLine += 1;
        text = where.lines[lastLine] ?? '';
        at = -1;
        continue;
      }
      const escaped = next === undefined ? undefined : ESCAPES[next];
      if (escaped === undefined || (!quoted && next !== '"' && next !== '\\'))
        return `unknown escape in ${name}`;
      value += escaped;
      keep = value.length;
      at += 1;
    } else if (char === '"') {
      quoted = !quoted;
      keep = value.length;
    } else if (!quoted && (char === ';' || char === '#')) break;
    else {
      value += char;
      if (quoted || !/\s/.test(char)) keep = value.length;
    }
  }
  return quoted ? `quote not closed in ${name}` : { name, value: value.slice(0, keep), lastLine };
}

const same = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();

/** All values of a property in file order, after the bare-name rule (a bare name clears what came before). */
export function gcfgValues(gcfg: Gcfg, section: string, name: string): readonly string[] {
  return gcfg.entries
    .filter(
      (entry) => same(entry.section, section) && entry.subsection === undefined && same(entry.name, name),
    )
    .reduce<readonly string[]>(
      (values, entry) => (entry.value === undefined ? [] : [...values, entry.value]),
      [],
    );
}

/** The value of a single-valued property: the last one wins; undefined when it is not set. */
export function gcfgValue(gcfg: Gcfg, section: string, name: string): string | undefined {
  return gcfgValues(gcfg, section, name).at(-1);
}

/** A value as it must be written so that it reads back unchanged: always quoted. */
export function gcfgQuote(value: string): string {
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t');
  return `"${escaped}"`;
}

/**
 * The text with one property set to exactly these values; everything else stays byte for byte.
 *
 * Where values only go away, their lines go and the lines of the others stay, comments behind them included. Otherwise
 * the first occurrence is rewritten in place, further ones are removed, a new property goes to the end of its first
 * section, a new section to the end of the file. Repeat: a second call with the same values changes nothing.
 */
export function setGcfgValues(
  text: string,
  property: { section: string; name: string },
  values: readonly string[],
): string {
  const gcfg = parseGcfg(text);
  const current = gcfgValues(gcfg, property.section, property.name);
  if (current.length === values.length && current.every((value, at) => value === values[at])) return text;
  const found = gcfg.entries.filter(
    (entry) =>
      same(entry.section, property.section) &&
      entry.subsection === undefined &&
      same(entry.name, property.name),
  );
  const gone = entriesToDrop(found, values);
  if (gone !== undefined)
    return printLines(
      text,
      gcfg.lines.filter((_, at) => !isWithin(gone, at)),
      gcfg.eol,
    );
  const written = values.map((value) => `${found[0]?.name ?? property.name} = ${gcfgQuote(value)}`);
  const lines: string[] = [];
  const insertAt = found[0]?.firstLine ?? endOfSection(gcfg, property.section);
  gcfg.lines.forEach((line, at) => {
    if (at === insertAt) lines.push(...written);
    if (!isWithin(found, at)) lines.push(line);
  });
  if (insertAt === undefined) lines.push(`[${property.section}]`, ...written, '');
  else if (insertAt >= gcfg.lines.length) lines.push(...written);
  return printLines(text, lines, gcfg.eol);
}

const isWithin = (entries: readonly GcfgEntry[], line: number): boolean =>
  entries.some((entry) => line >= entry.firstLine && line <= entry.lastLine);

const printLines = (text: string, lines: readonly string[], eol: string): string =>
  (text.startsWith('\uFEFF') ? '\uFEFF' : '') + lines.join(eol);

/** The entries whose lines must go so that exactly these values are left, in this order; undefined when that is not enough. */
function entriesToDrop(
  found: readonly GcfgEntry[],
  values: readonly string[],
): readonly GcfgEntry[] | undefined {
  if (found.some((entry) => entry.value === undefined)) return undefined;
  let next = 0;
  const gone = found.filter((entry) => {
    if (entry.value !== values[next]) return true;
    next += 1;
    return false;
  });
  return found.length > 0 && next === values.length ? gone : undefined;
}

/** Line index where a new property of the section belongs: after its last entry, else after its head. */
function endOfSection(gcfg: Gcfg, section: string): number | undefined {
  const head = gcfg.sections.find(
    (candidate) => same(candidate.section, section) && candidate.subsection === undefined,
  );
  if (head === undefined) return undefined;
  const next = gcfg.sections.find((candidate) => candidate.line > head.line)?.line ?? gcfg.lines.length;
  const last = gcfg.entries.filter((entry) => entry.firstLine > head.line && entry.lastLine < next).at(-1);
  return (last?.lastLine ?? head.line) + 1;
}
