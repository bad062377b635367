import { quoteWord } from './shell.js';

/** Where a manifest is made of what. */
export interface ManifestPlan {
  /** Root of the tree. */
  readonly root: string;
  /** Path of the finished manifest; `.gz` and `.facts` lie beside it, `.work` while it is made. */
  readonly output: string;
  /** Patterns anchored at the root. */
  readonly excludes: readonly string[];
  readonly owners: 'name' | 'numeric';
}

/** An anchored pattern as a POSIX extended regular expression on find's `./path`; `*` and `?` match no slash. */
export function patternRegex(pattern: string): string {
  const body = pattern
    .replace(/[.+(){}|^$[\]\\]/g, (special) => `\\${special}`)
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  return `\\.${body}`;
}

// Names become one line: a backslash and the three controls that would break lines or columns, in octal as getfacl has it.
const ESCAPE = String.raw`s/\\/\\134/g;s/\t/\\011/g;s/\n/\\012/g;s/\r/\\015/g`;

/** An escaped name of a manifest, as bytes' text again. */
export const unescapeName = (escaped: string): string =>
  escaped.replace(/\\([0-7]{3})/g, (_match, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

// "# file: NAME" blocks of getfacl and getfattr become "NAME<tab>attribute" lines, sorted, then one line a name.
const BLOCKS = String.raw`s/\t/\\011/g;/^# file: /{s/^# file: //;h;d};/^#/d;/^$/d;/^system\./d;G;s/^\(.*\)\n\(.*\)$/\2\t\1/p`;
const MERGE = String.raw`:a;$!N;s/^\([^\t]*\)\t\([^\n]*\)\n\1\t\(.*\)$/\1\t\2,\3/;ta;P;D`;

/**
 * Script that writes the manifest of one tree: a line an entry, sorted by bytes of the name, columns by tabs.
 *
 * Columns: name (escaped, from `.`), type, size (files and links), mtime with nanoseconds, mode, owner, group, link
 * target, SHA-256, first name of the hard-link group, access lists, extended attributes in hex; `-` where there is none.
 * Blocks are summed in `.facts`, not compared: sparse copies turn allocated zeroes into holes, tried.
 * `.facts`: entries, files, bytes, allocated bytes, SHA-256 of the manifest. Needs no Python, Perl or awk.
 * Repeat: safe, the manifest appears by rename. It reads the tree only; access times may change by mount options.
 */
export function manifestScript(plan: ManifestPlan): string {
  const ids =
    plan.owners === 'numeric'
      ? { user: '%U', group: '%G', acl: ' -n' }
      : { user: '%u', group: '%g', acl: '' };
  const pruned = plan.excludes.map((pattern) => `-regex ${quoteWord(patternRegex(pattern))}`).join(' -o ');
  const find = `find . -regextype posix-extended \\( ${pruned} \\) -prune -o`;
  return `set -eu
LC_ALL=C
export LC_ALL
umask 077
root=${quoteWord(plan.root)}
output=${quoteWord(plan.output)}
work=$output.work
tab=$(printf '\\t')
rm -rf -- "$work"
mkdir -- "$work" "$work/sums"
cd -- "$root"
${find} -printf '%y//%s//%T@//%m//${ids.user}//${ids.group}//%D:%i//%b//%p//%l\\0' > "$work/found"
sed -z -e '${ESCAPE}' -e 's,//,\\t,;s,//,\\t,;s,//,\\t,;s,//,\\t,;s,//,\\t,;s,//,\\t,;s,//,\\t,;s,//,\\t,;s,//,\\t,' -e 's/^\\([^fl]\\)\\t[0-9]*/\\1\\t-/' "$work/found" | tr '\\0' '\\n' |
  sed 's/^\\(.*\\)\\t\\([^\\t]*\\)\\t\\([^\\t]*\\)$/\\2\\t\\1\\t\\3/' | sort -T "$work" -t "$tab" -k1,1 > "$work/base"
${find} -type f -print0 | xargs -0 -r -n 64 -P "$(nproc)" sh -c 'sha256sum -z -- "$@" >> "$0/$$"' "$work/sums"
find "$work/sums" -type f -print0 | xargs -0 -r cat -- | sed -z '${ESCAPE};s/^\\([0-9a-f]*\\)  \\(.*\\)$/\\2\\t\\1/' | tr '\\0' '\\n' | sort -T "$work" -t "$tab" -k1,1 > "$work/hashes"
grep "^[^$tab]*\${tab}f" "$work/base" | cut -f 8,1 | sed 's/^\\(.*\\)\\t\\(.*\\)$/\\2\\t\\1/' | sort -T "$work" -t "$tab" -k1,1 -k2,2 > "$work/inodes" || [ $? -eq 1 ]
cut -f 1 "$work/inodes" | uniq -d > "$work/shared"
join -t "$tab" "$work/inodes" "$work/shared" > "$work/members"
sort -s -u -t "$tab" -k1,1 "$work/members" > "$work/firsts"
join -t "$tab" -o 1.2,2.2 "$work/members" "$work/firsts" | sort -T "$work" -t "$tab" -k1,1 > "$work/links"
${find} ! -type l -print0 | xargs -0 -r getfacl -p -s -E${ids.acl} -- > "$work/acls.raw"
sed -n '${BLOCKS}' "$work/acls.raw" | sort -T "$work" -u | sed '${MERGE}' > "$work/acls"
${find} -print0 | xargs -0 -r getfattr -h -d -m - -e hex --absolute-names -- > "$work/attributes.raw"
sed -n '${BLOCKS}' "$work/attributes.raw" | sort -T "$work" -u | sed '${MERGE}' > "$work/attributes"
join -t "$tab" -a 1 -e - -o 1.1,1.2,1.3,1.4,1.5,1.6,1.7,1.10,2.2 "$work/base" "$work/hashes" > "$work/hashed"
join -t "$tab" -a 1 -e - -o 1.1,1.2,1.3,1.4,1.5,1.6,1.7,1.8,1.9,2.2 "$work/hashed" "$work/links" > "$work/linked"
join -t "$tab" -a 1 -e - -o 1.1,1.2,1.3,1.4,1.5,1.6,1.7,1.8,1.9,1.10,2.2 "$work/linked" "$work/acls" > "$work/listed"
join -t "$tab" -a 1 -e - -o 1.1,1.2,1.3,1.4,1.5,1.6,1.7,1.8,1.9,1.10,1.11,2.2 "$work/listed" "$work/attributes" > "$work/manifest"
sum() { total=0; while read -r number; do total=$((total + number)); done; echo "$total"; }
entries=$(wc -l < "$work/manifest")
files=$(wc -l < "$work/hashes")
listed=$(wc -l < "$work/inodes")
[ "$files" -eq "$listed" ] || { echo "rehost: $listed files were found, $files were read: the tree changed meanwhile" >&2; exit 76; }
bytes=$(grep "^[^$tab]*\${tab}f" "$work/manifest" | cut -f 3 | sum)
allocated=$(cut -f 9 "$work/base" | sum)
digest=$(sha256sum < "$work/manifest" | cut -d ' ' -f 1)
gzip -n -c "$work/manifest" > "$work/gz"
echo "$entries $files $bytes $((allocated * 512)) $digest" > "$work/facts"
mv -f -- "$work/manifest" "$output"
mv -f -- "$work/gz" "$output.gz"
mv -f -- "$work/facts" "$output.facts"
rm -rf -- "$work"
`;
}
