import {
  isMap,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type YAMLError,
} from 'yaml';
import { z } from 'zod';
import { nearest } from './nearest.js';

/** One thing that is wrong in a file a person wrote; line and column count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** `migration.yaml:4:1: unknown key "soruce"; did you mean "source"?` */
export const problemLine = (problem: Problem): string =>
  `${problem.file}:${problem.line}:${problem.column}: ${problem.text}`;

/** What a checked file gave: its value and where things stand in it, or everything that is wrong. */
export type Checked<Value> =
  | { readonly ok: true; readonly value: Value; readonly locate: (path: readonly PropertyKey[]) => Position }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** A place in a file; counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

interface Source {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
  readonly known: JsonSchemaNode;
}

interface JsonSchemaNode {
  readonly properties?: Readonly<Record<string, JsonSchemaNode>>;
  readonly additionalProperties?: JsonSchemaNode | boolean;
  readonly propertyNames?: { readonly enum?: readonly string[] };
  readonly items?: JsonSchemaNode;
}

/** Longest file that is read, in characters: thousands of hosts. */
const LIMIT = 1_000_000;

/** Checks YAML text by a schema and reports every problem with its place; syntax errors come alone. */
export function checkYaml<Schema extends z.ZodType>(
  text: string,
  file: string,
  schema: Schema,
): Checked<z.output<Schema>> {
  const lines = new LineCounter();
  if (text.length > LIMIT) {
    const problem = `has ${text.length} characters; at most ${LIMIT} are read: is it the right file?`;
    return { ok: false, problems: [{ file, line: 1, column: 1, text: problem }] };
  }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = [...document.errors, ...document.warnings].map(syntaxProblem);
  const unreadable = broken.length > 0 ? broken : aliases(document);
  if (unreadable.length > 0) {
    return {
      ok: false,
      problems: unreadable.map(({ offset, text: what }) => ({
        file,
        ...position(lines, offset),
        text: what,
      })),
    };
  }
  const known = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchemaNode;
  const source: Source = { file, document, lines, known };
  const parsed = schema.safeParse(document.toJS());
  if (parsed.success) {
    return { ok: true, value: parsed.data, locate: (path) => locate(source, path, 'key') };
  }
  const problems = parsed.error.issues.flatMap((issue) => describeIssue(source, issue));
  return {
    ok: false,
    problems: problems.sort((left, right) => left.line - right.line || left.column - right.column),
  };
}

interface Unreadable {
  readonly offset: number;
  readonly text: string;
}

function syntaxProblem(error: YAMLError): Unreadable {
  const offset = error.pos[0];
  switch (error.code) {
    case 'MULTIPLE_DOCS':
      return { offset, text: 'a second document begins here ("---"); one file holds one' };
    case 'RESOURCE_EXHAUSTION':
      return { offset, text: 'is nested too deeply' };
    default:
      return { offset, text: error.message };
  }
}

/** Aliases: who reads the file sees another value than the one that counts, and a few of them make millions. */
function aliases(document: Document): readonly Unreadable[] {
  const found: Unreadable[] = [];
  visit(document, {
    Alias(_key, node) {
      found.push({
        offset: rangeStart(node) ?? 0,
        text: `alias "*${node.source}": write the value here instead`,
      });
    },
  });
  return found;
}

function position(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** Where a path stands: its key, or its value; what is absent is reported at the nearest part that exists. */
function locate(source: Source, path: readonly PropertyKey[], what: 'key' | 'value'): Position {
  for (let length = path.length; length > 0; length--) {
    const offset = offsetOf(source, path.slice(0, length), length === path.length ? what : 'key');
    if (offset !== undefined) return position(source.lines, offset);
  }
  return { line: 1, column: 1 };
}

function offsetOf(source: Source, path: readonly PropertyKey[], what: 'key' | 'value'): number | undefined {
  const last = path.at(-1);
  const parent: unknown =
    path.length === 1 ? source.document.contents : source.document.getIn(path.slice(0, -1), true);
  if (isMap(parent)) {
    const pair = parent.items.find(
      (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(last),
    );
    if (pair === undefined) return undefined;
    const node: unknown = what === 'value' && pair.value !== null ? pair.value : pair.key;
    return rangeStart(node);
  }
  return rangeStart(source.document.getIn(path, true));
}

function rangeStart(node: unknown): number | undefined {
  const range = (node as { range?: readonly number[] | null } | undefined)?.range;
  return range?.[0];
}

function knownKeys(schema: JsonSchemaNode, path: readonly PropertyKey[]): readonly string[] {
  let node: JsonSchemaNode | undefined = schema;
  for (const part of path) {
    const rest: JsonSchemaNode | boolean | undefined = node?.additionalProperties;
    node = node?.properties?.[String(part)] ?? (typeof rest === 'object' ? rest : undefined) ?? node?.items;
  }
  return Object.keys(node?.properties ?? {}).concat(node?.propertyNames?.enum ?? []);
}

function describeIssue(source: Source, issue: z.core.$ZodIssue): readonly Problem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(source, [...issue.path, key]));
  }
  if (issue.code === 'invalid_key') {
    const reasons = issue.issues.map((inner) => inner.message).join('; ');
    return [at(source, issue.path, { what: 'key', text: `key "${String(issue.path.at(-1))}" ${reasons}` })];
  }
  const found: unknown = valueAt(source, issue.path);
  if (found === undefined) {
    const text = `${pathText(issue.path)} is missing`;
    return [at(source, issue.path.slice(0, -1), { what: 'key', text })];
  }
  return [at(source, issue.path, { what: 'value', text: `${pathText(issue.path)} ${wanted(issue, found)}` })];
}

function wanted(issue: z.core.$ZodIssue, found: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `wants ${typeName(issue.expected)}, found ${shown(found)}`;
    case 'invalid_value': {
      const values = issue.values.map(String);
      const near = typeof found === 'string' ? nearest(found, values) : undefined;
      const hint = near === undefined ? '' : `; did you mean "${near}"?`;
      return `wants ${values.map((value) => `"${value}"`).join(' or ')}, found ${shown(found)}${hint}`;
    }
    default:
      return typeof found === 'object' ? issue.message : `${issue.message}, found ${shown(found)}`;
  }
}

function unknownKey(source: Source, path: readonly PropertyKey[]): Problem {
  const known = knownKeys(source.known, path.slice(0, -1));
  const key = String(path.at(-1));
  const near = nearest(key, known);
  const rest = near === undefined ? `known here: ${known.join(', ')}` : `did you mean "${near}"?`;
  return at(source, path, { what: 'key', text: `unknown key "${key}"; ${rest}` });
}

function at(
  source: Source,
  path: readonly PropertyKey[],
  { what, text }: { what: 'key' | 'value'; text: string },
): Problem {
  return { file: source.file, ...locate(source, path, what), text };
}

function valueAt(source: Source, path: readonly PropertyKey[]): unknown {
  return path.length === 0 ? (source.document.toJS() as unknown) : source.document.getIn(path);
}

const pathText = (path: readonly PropertyKey[]): string =>
  path.length === 0 ? 'the file' : path.map(String).join('.');

function typeName(expected: string): string {
  const names: Readonly<Record<string, string>> = {
    string: 'a text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'keys and values',
    record: 'keys and values',
  };
  return names[expected] ?? expected;
}

function shown(value: unknown): string {
  if (value === null) return 'nothing';
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value === 'number' || typeof value === 'boolean')
    return `${typeof value === 'number' ? 'the number ' : ''}${value}`;
  return isMap(value) ? 'keys and values' : 'a list';
}
