import { basename } from 'node:path';
import { files } from '../docs/documents.js';

const code = files.filter(
  (file) => /^(?:src|lab|test|scripts|bench)\//.test(file) && /\.(?:ts|mjs|cjs|js)$/.test(file),
);
const stem = (file: string): string => basename(file).replace(/\..*$/, '');

describe('file names', () => {
  it('are kebab-case', () => {
    expect(code.filter((file) => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(stem(file)))).toEqual([]);
  });

  it('say what is inside: no utils, helpers or common', () => {
    expect(code.filter((file) => /^(?:utils?|helpers?|common|misc)$/.test(stem(file)))).toEqual([]);
  });
});
