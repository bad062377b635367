import fc from 'fast-check';
import { gcfgQuote, gcfgValue, gcfgValues, parseGcfg, setGcfgValues } from '../../../src/formats/gcfg.js';

const FILE = `; production
[Server]
DataDir = "/srv/ppm/data" ; moved
RVersion = /opt/R/4.3.1   # first
RVersion = /opt/R/4.4.1
Address = https://pm.example.com:4242/a b  ; trailing

[Postgres "other"]
URL = postgres://x;cut
[sqlite]
Dir = "/srv/\\"q\\"" "tail"
Bare
Long = one \\
two
`;

describe('parseGcfg', () => {
  it.each([
    ['quotes and a trailing comment', 'Server', 'DataDir', '/srv/ppm/data'],
    ['names in another case', 'SERVER', 'datadir', '/srv/ppm/data'],
    ['an unquoted value with inner blanks', 'Server', 'Address', 'https://pm.example.com:4242/a b'],
    ['mixed quoted pieces and escapes', 'SQLite', 'Dir', '/srv/"q" tail'],
    ['a continued line', 'sqlite', 'Long', 'one two'],
  ])('reads a value with %s', (_case, section, name, value) => {
    expect(gcfgValue(parseGcfg(FILE), section, name)).toBe(value);
  });

  it('appends repeated properties of a list', () => {
    expect(gcfgValues(parseGcfg(FILE), 'Server', 'RVersion')).toEqual(['/opt/R/4.3.1', '/opt/R/4.4.1']);
  });

  it('does not mix a subsection with its section', () => {
    expect(gcfgValue(parseGcfg(FILE), 'Postgres', 'URL')).toBeUndefined();
  });

  it.each([
    ['[Server.sub]\n', 1],
    ['[Server ""]\n', 1],
    ['x = 1\n', 1],
    ['[A]\nx = "open\n', 2],
    ['[A]\nx = "bad \\q"\n', 2],
    ['[A]\n_x = 1\n', 2],
  ])('names the line of what is not gcfg: %j', (text, line) => {
    expect(parseGcfg(text).problems.map((problem) => problem.line)).toEqual([line]);
  });
});

describe('setGcfgValues', () => {
  it('rewrites one property and leaves every other byte alone', () => {
    const edited = setGcfgValues(FILE, { section: 'server', name: 'RVERSION' }, ['/opt/R/4.5.0']);
    expect(edited).toBe(
      FILE.replace('RVersion = /opt/R/4.3.1   # first\nRVersion = /opt/R/4.4.1', 'RVersion = "/opt/R/4.5.0"'),
    );
  });

  it.each([
    ['the last', ['/opt/R/4.3.1'], 'RVersion = /opt/R/4.4.1\n'],
    ['the first', ['/opt/R/4.4.1'], 'RVersion = /opt/R/4.3.1   # first\n'],
  ])('takes only the line of %s value away when the others stay', (_which, values, line) => {
    const edited = setGcfgValues(FILE, { section: 'Server', name: 'RVersion' }, values);
    expect(edited).toBe(FILE.replace(line, ''));
  });

  it('rewrites the values when their order is another or a bare name cleared some', () => {
    const swapped = ['/opt/R/4.4.1', '/opt/R/4.3.1'];
    const edited = setGcfgValues(FILE, { section: 'Server', name: 'RVersion' }, swapped);
    expect(gcfgValues(parseGcfg(edited), 'Server', 'RVersion')).toEqual(swapped);
    const cleared = '[Server]\nRVersion = a\nRVersion\nRVersion = b\nRVersion = a\n';
    const kept = setGcfgValues(cleared, { section: 'Server', name: 'RVersion' }, ['a']);
    expect(kept).toBe('[Server]\nRVersion = "a"\n');
  });

  it('changes nothing when the values are already there', () => {
    expect(setGcfgValues(FILE, { section: 'Server', name: 'DataDir' }, ['/srv/ppm/data'])).toBe(FILE);
  });

  it('adds a property to its section and a section to the file', () => {
    const edited = setGcfgValues(FILE, { section: 'Server', name: 'New' }, ['1']);
    expect(gcfgValue(parseGcfg(edited), 'Server', 'New')).toBe('1');
    const other = setGcfgValues(FILE, { section: 'HTTP', name: 'Listen' }, [':4242']);
    expect(gcfgValue(parseGcfg(other), 'HTTP', 'Listen')).toBe(':4242');
    expect(other.startsWith(FILE)).toBe(true);
  });

  it('reads back any value that it wrote', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).filter((text) => !/[\0\r\uD800-\uDFFF]/.test(text)),
        (value) => {
          const text = setGcfgValues(FILE, { section: 'Server', name: 'Any' }, [value]);
          expect(gcfgValue(parseGcfg(text), 'Server', 'Any')).toBe(value);
          expect(gcfgQuote(value).includes('\n')).toBe(false);
        },
      ),
    );
  });
});
