import { gunzipSync } from 'node:zlib';

/** What a command gave. `stdout` holds ASCII only: the oracle's scripts pack everything else. */
export interface ExecResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command as root on a host and tells how it ended; `stdin` is given to the command and then closed. */
export type Exec = (host: string, argv: readonly string[], stdin?: string) => Promise<ExecResult>;

/** The oracle could not look: never a verdict about the migration. */
export class OracleError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'OracleError';
  }
}

/** One word for a POSIX shell, always in single quotes. */
export const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

const SENTINEL = Buffer.from('\nend of section\n');

// Each section is a shell function. The sentinel is printed only when the function succeeded, so that neither a broken
// pipe nor a failed command can pass for a short list. base64 keeps bytes of names apart from text; gzip keeps it small.
const PROLOGUE = `LC_ALL=C; export LC_ALL; PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH
section() { printf '%s ' "$1"; { "$1" </dev/null && printf '\\nend of section\\n'; } | gzip -1c | base64 -w0; echo; }
`;

/** A shell function of a script, whose output is one section. The body must fail when it could not look. */
export interface Section {
  readonly name: string;
  readonly body: string;
}

/**
 * The bytes that each section printed, by name.
 *
 * The script goes through stdin, so that its text is no process' command line (the oracle looks for left-over
 * processes by their command lines) and no record of executed commands holds it.
 * @throws OracleError when a section failed, with what it wrote to stderr
 */
export async function runSections(
  exec: Exec,
  host: string,
  script: { readonly setup?: string; readonly sections: readonly Section[] },
): Promise<ReadonlyMap<string, Buffer>> {
  const functions = script.sections.map(({ name, body }) => `${name}() {\n${body}\n}\n`).join('');
  const calls = script.sections.map(({ name }) => `section ${name}\n`).join('');
  const text = `${PROLOGUE}${script.setup ?? ''}\n${functions}${calls}`;
  const result = await exec(host, ['sh', '-s'], text);
  const found = new Map<string, Buffer>();
  for (const line of result.stdout.split('\n')) {
    const [name, packed] = line.split(' ');
    if (name === undefined || packed === undefined) continue;
    const bytes = gunzipSync(Buffer.from(packed, 'base64'));
    if (!bytes.subarray(-SENTINEL.length).equals(SENTINEL)) {
      throw new OracleError(`${host}: section "${name}" failed: ${result.stderr.trim().slice(-2000)}`);
    }
    found.set(name, bytes.subarray(0, -SENTINEL.length));
  }
  const missing = script.sections.find(({ name }) => !found.has(name));
  if (result.status !== 0 || missing !== undefined) {
    const what = missing === undefined ? `exit status ${result.status}` : `no section "${missing.name}"`;
    throw new OracleError(`${host}: ${what}: ${result.stderr.trim().slice(-2000)}`);
  }
  return found;
}

/** Splits NUL-terminated fields. */
export function fieldsOf(bytes: Buffer): readonly Buffer[] {
  const fields: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0, start);
    if (end === -1) {
      fields.push(bytes.subarray(start));
      break;
    }
    fields.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return fields;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * A path's bytes as printable text, one text per path.
 *
 * Valid UTF-8 stays as it is but for control characters and the backslash, which are written `\ooo`; a path that is
 * not UTF-8 is written byte by byte that way. Two different paths never give the same text.
 */
export function pathText(bytes: Buffer): string {
  const octal = (code: number): string => `\\${code.toString(8).padStart(3, '0')}`;
  try {
    // eslint-disable-next-line no-control-regex -- control characters are what is to be made visible
    return decoder.decode(bytes).replace(/[\u0000-\u001f\u007f\\]/g, (char) => octal(char.charCodeAt(0)));
  } catch {
    return [...bytes]
      .map((code) => (code > 0x20 && code < 0x7f && code !== 0x5c ? String.fromCharCode(code) : octal(code)))
      .join('');
  }
}

/** The bytes that `getfacl` and `getfattr` wrote with `\ooo` escapes. */
export function unescapeOctal(text: Buffer): Buffer {
  const latin = text
    .toString('latin1')
    .replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
  return Buffer.from(latin, 'latin1');
}
