import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { documents, read, ROOT } from './documents.js';

// Folders that every system has may be named; where this checkout happens to lie may not.
const SYSTEM = new Set(['/', '/home', '/mnt', '/opt', '/root', '/run', '/srv', '/tmp', '/usr', '/var']);
const places = [ROOT, dirname(ROOT), homedir()].filter((place) => !SYSTEM.has(place));

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What a document must not hold, by reason. */
const FORBIDDEN: Readonly<Record<string, RegExp>> = {
  'place of this machine': new RegExp(`(?<![\\w/])(?:${places.map(escaped).join('|')})(?![\\w-])`),
  'host of a registry or mirror': /\b(?:registry|proxy|mirror|deb|index|files)\.[a-z0-9-]+\.[a-z]{2,}\b/,
  'unfinished work': /\b(?:TODO|FIXME|TBD|XXX)\b/,
  'other word for source and target': /\b(?:old host|new host|src host|dst|destination host)\b/i,
};

describe('words of the documents', () => {
  it.each(documents.flatMap((file) => Object.keys(FORBIDDEN).map((reason) => ({ file, reason }))))(
    '$file names no $reason',
    ({ file, reason }) => {
      expect(FORBIDDEN[reason]?.exec(read(file))?.[0]).toBeUndefined();
    },
  );

  it('are the same for every machine in the lock file: it names no place to download from', () => {
    expect(/"resolved": "https?:/.exec(read('package-lock.json'))).toBeNull();
  });
});
