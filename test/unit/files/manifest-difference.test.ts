import fc from 'fast-check';
import { compareManifests } from '../../../src/formats/manifest-difference.js';
import { patternRegex, unescapeName } from '../../../src/formats/manifest-script.js';

const line = (name: string, change: Partial<Record<number, string>> = {}): string =>
  [name, 'f', '3', '1.5', '644', 'root', 'root', '-', 'abc', '-', '-', '-']
    .map((value, index) => change[index] ?? value)
    .join('\t');
const text = (...lines: readonly string[]): string => lines.map((one) => `${one}\n`).join('');

describe('comparing manifests', () => {
  it('finds nothing in equal ones', () => {
    const manifest = text(line('.'), line('./a'), line('./b'));
    expect(compareManifests(manifest, manifest)).toEqual({ entries: 3, counts: {}, differing: 0, first: [] });
  });

  it.each([
    [1, 'l', 'type'],
    [2, '4', 'size'],
    [3, '1.6', 'mtime'],
    [4, '600', 'mode'],
    [5, 'daemon', 'owner'],
    [6, 'daemon', 'group'],
    [7, 'elsewhere', 'link-target'],
    [8, 'def', 'content'],
    [9, './b', 'hard-link'],
    [10, 'user:x:rw-', 'acl'],
    [11, 'user.a=0x31', 'xattr'],
  ] as const)('names the entry whose column %d is %s as %s', (column, value, kind) => {
    const found = compareManifests(
      text(line('./a'), line('./b')),
      text(line('./a', { [column]: value }), line('./b')),
    );
    expect(found).toMatchObject({
      differing: 1,
      counts: { [kind]: 1 },
      first: [{ name: './a', kinds: [kind] }],
    });
    expect(found.first[0]?.words).toContain(`${value} on the target`);
  });

  it('tells missing from extra entries, also at the ends', () => {
    const found = compareManifests(
      text(line('./a'), line('./c')),
      text(line('./b'), line('./c'), line('./d')),
    );
    expect(found.first.map(({ name, kinds }) => [name, kinds[0]])).toEqual([
      ['./a', 'missing'],
      ['./b', 'extra'],
      ['./d', 'extra'],
    ]);
  });

  it('compares an empty tree', () => {
    expect(compareManifests('', text(line('./a')))).toMatchObject({ differing: 1, counts: { extra: 1 } });
    expect(compareManifests('', '')).toMatchObject({ differing: 0 });
  });

  it('keeps the first 20 and counts all', () => {
    const lines = Array.from({ length: 300 }, (_, index) => line(`./${String(index).padStart(4, '0')}`));
    const found = compareManifests(text(...lines), '');
    expect(found).toMatchObject({ differing: 300, counts: { missing: 300 } });
    expect(found.first).toHaveLength(20);
  });

  it('counts exactly the names that are on one side only', () => {
    const names = fc.uniqueArray(
      fc.string({ unit: fc.constantFrom('a', 'b', '-', '.', 'é'), minLength: 1, maxLength: 4 }),
    );
    const manifest = (list: readonly string[]): string =>
      text(
        ...list
          .map((name) => Buffer.from(name).toString('latin1'))
          .sort()
          .map((name) => line(name)),
      );
    fc.assert(
      fc.property(names, names, (left, right) => {
        const found = compareManifests(manifest(left), manifest(right), 1000);
        const missing = left.filter((name) => !right.includes(name)).length;
        const extra = right.filter((name) => !left.includes(name)).length;
        return (
          (found.counts.missing ?? 0) === missing &&
          (found.counts.extra ?? 0) === extra &&
          found.entries === left.length
        );
      }),
    );
  });
});

describe('anchored patterns', () => {
  it.each([
    ['/cache', './cache', true],
    ['/cache', './sub/cache', false],
    ['/*.lic', './a.lic', true],
    ['/*.lic', './sub/a.lic', false],
    ['/*.lic', './alic', false],
    ['/a+(b)', './a+(b)', true],
    ['/launcher-?/x', './launcher-1/x', true],
    ['/launcher-?/x', './launcher-//x', false],
  ])('%s and %s: %s', (pattern, path, matches) => {
    expect(new RegExp(`^${patternRegex(pattern)}$`).test(path)).toBe(matches);
  });
});

describe('escaped names', () => {
  it('come back as they were', () => {
    expect(unescapeName(String.raw`./a\012b\134c\011d\015`)).toBe('./a\nb\\c\td\r');
  });
});
