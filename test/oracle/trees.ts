import { OracleError, fieldsOf, pathText, quoted, runSections, unescapeOctal, type Exec } from './exec.js';

/** One entry of a tree. Strings; times in ns since 1970, sizes in bytes, modes octal, owners by name. */
export interface Entry {
  readonly type: string;
  readonly size: string;
  readonly mtimeNs: string;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly link?: string;
  /** All paths of the snapshot that are the same file, when there is more than one. */
  readonly hardLinks?: readonly string[] | undefined;
  readonly linkCount?: string | undefined;
  readonly sha256?: string | undefined;
  /** Entries of a POSIX ACL beyond the mode, in the order of getfacl, by name. */
  readonly acl?: readonly string[];
  readonly xattrs?: Readonly<Record<string, string>>;
  /** An SQLite database: bytes are not compared, rows are. */
  readonly database?: true;
}

/** Entries by printable path. */
export type Entries = Readonly<Record<string, Entry>>;

interface MutableEntry {
  type: string;
  size: string;
  mtimeNs: string;
  mode: string;
  owner: string;
  group: string;
  link?: string;
  hardLinks?: readonly string[];
  linkCount?: string;
  sha256?: string;
  acl?: readonly string[];
  xattrs?: Record<string, string>;
}

const FORMAT = '%y\\0%p\\0%s\\0%T@\\0%m\\0%u\\0%g\\0%D:%i\\0%n\\0%l\\0';
const FIELDS = 10;

/** Roots without those that lie beneath another one. @throws OracleError for a root that is not absolute */
export function outermost(roots: readonly string[]): readonly string[] {
  const clean = [...new Set(roots.map((root) => root.replace(/(?<=.)\/+$/, '')))].sort();
  const relative = clean.find((root) => !root.startsWith('/'));
  if (relative !== undefined) throw new OracleError(`root "${relative}" is not an absolute path`);
  return clean.filter(
    (root) => !clean.some((other) => other !== root && root.startsWith(other === '/' ? '/' : `${other}/`)),
  );
}

/** Shell text that defines `walk TESTS…`: find over the roots that exist, without the pruned patterns. */
export function walkFunction(roots: readonly string[], prune: readonly string[]): string {
  const pruned = prune.map((pattern) => `-path ${quoted(pattern)}`).join(' -o ');
  const guard = pruned === '' ? '' : `\\( ${pruned} \\) -prune -o `;
  // The test arguments come after the roots; a shell has one list of arguments, so the roots are spelled out.
  const present = outermost(roots).map(
    (root) =>
      `if [ -e ${quoted(root)} ] || [ -L ${quoted(root)} ]; then find ${quoted(root)} ${guard}"$@" || return 1; fi`,
  );
  return `walk() {\n${present.join('\n')}\ntrue\n}`;
}

/**
 * Every entry beneath the roots: type, size, mtime, mode, owner, links, digest, ACL and extended attributes.
 *
 * Tools: find, sha256sum, getfacl, getfattr. A root that does not exist gives no entry. Tried up to four times when
 * files come and go while it looks. @throws OracleError
 */
export async function readTrees(
  exec: Exec,
  host: string,
  options: { readonly roots: readonly string[]; readonly prune: readonly string[] },
): Promise<Entries> {
  const script = {
    setup: walkFunction(options.roots, options.prune),
    sections: [
      { name: 'entries', body: `walk -printf ${quoted(FORMAT)}` },
      { name: 'digests', body: 'walk -type f -print0 | xargs -0 -r sha256sum -z --' },
      // -s leaves out entries that the mode already tells, -P does not follow links
      { name: 'acls', body: 'walk ! -type l -print0 | xargs -0 -r getfacl -p -P -s -E --' },
      { name: 'xattrs', body: 'walk -print0 | xargs -0 -r getfattr -h -d -m - -e hex --absolute-names --' },
    ],
  };
  let problem = '';
  for (let attempt = 0; attempt < 4; attempt += 1) {
    try {
      const entries = parseTrees(await runSections(exec, host, script));
      const undigested = Object.entries(entries).find(
        ([, entry]) => entry.type === 'f' && entry.sha256 === undefined,
      );
      if (undigested === undefined) return entries;
      problem = `no digest of ${undigested[0]}`;
    } catch (error) {
      if (!(error instanceof OracleError) || !error.message.includes('No such file or directory'))
        throw error;
      problem = error.message;
    }
  }
  throw new OracleError(`${host}: files change while they are read: ${problem}`);
}

function parseTrees(sections: ReadonlyMap<string, Buffer>): Entries {
  const entries = new Map<string, MutableEntry>();
  const inodes = new Map<string, string[]>();
  const fields = fieldsOf(section(sections, 'entries'));
  for (let index = 0; index + FIELDS <= fields.length; index += FIELDS) {
    const [type, path, size, mtime, mode, owner, group, inode, links, link] = fields.slice(
      index,
      index + FIELDS,
    ) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
    const name = pathText(path);
    entries.set(name, {
      type: String(type),
      size: String(size),
      mtimeNs: nanoseconds(String(mtime)),
      mode: String(mode),
      owner: String(owner),
      group: String(group),
      ...(link.length > 0 ? { link: pathText(link) } : {}),
      ...(String(type) !== 'd' && String(links) !== '1' ? { linkCount: String(links) } : {}),
    });
    if (String(type) !== 'd' && String(links) !== '1')
      inodes.set(String(inode), [...(inodes.get(String(inode)) ?? []), name]);
  }
  for (const names of inodes.values()) {
    const hardLinks = names.sort();
    for (const name of hardLinks) at(entries, name).hardLinks = hardLinks;
  }
  for (const record of fieldsOf(section(sections, 'digests'))) {
    if (record.length > 66)
      at(entries, pathText(record.subarray(66))).sha256 = record.toString('latin1', 0, 64);
  }
  for (const block of blocksOf(section(sections, 'acls')))
    at(entries, block.path).acl = block.lines.filter((line) => !line.startsWith('#'));
  for (const block of blocksOf(section(sections, 'xattrs'))) {
    at(entries, block.path).xattrs = Object.fromEntries(block.lines.map((line) => split(line, '=')));
  }
  return Object.fromEntries(entries);
}

function section(sections: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const found = sections.get(name);
  if (found === undefined) throw new OracleError(`no section "${name}"`);
  return found;
}

// An entry that a later tool saw and find did not: it came in between.
function at(entries: Map<string, MutableEntry>, path: string): MutableEntry {
  const entry = entries.get(path);
  if (entry === undefined) throw new OracleError(`${path}: No such file or directory when find looked`);
  return entry;
}

/** `1700000000.1234567890` of find's %T@ as whole nanoseconds. */
function nanoseconds(text: string): string {
  const [seconds = '0', fraction = ''] = text.split('.');
  return `${seconds}${fraction.padEnd(9, '0').slice(0, 9)}`;
}

function split(line: string, separator: string): [string, string] {
  const index = line.indexOf(separator);
  return index === -1 ? [line, ''] : [line.slice(0, index), line.slice(index + 1)];
}

/** The blocks that getfacl and getfattr print: `# file: PATH`, lines, an empty line. */
function blocksOf(bytes: Buffer): readonly { readonly path: string; readonly lines: readonly string[] }[] {
  return bytes
    .toString('latin1')
    .split(/\n(?:\n|$)/)
    .filter((block) => block.startsWith('# file: '))
    .map((block) => {
      const [head = '', ...lines] = block.split('\n');
      const path = pathText(unescapeOctal(Buffer.from(head.slice('# file: '.length), 'latin1')));
      return { path, lines: lines.filter((line) => line !== '') };
    });
}
