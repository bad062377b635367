import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { documents, read, ROOT } from './documents.js';

const prose = (text: string): string => text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '');

const links = documents.flatMap((file) =>
  [...prose(read(file)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => ({ file, link })),
);

// As the usual Markdown hosts make anchors of headings.
const anchorsOf = (file: string): readonly string[] =>
  [...read(file).matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('links of the documents', () => {
  it('are there to be checked', () => {
    expect(links.length).toBeGreaterThan(20);
  });

  it.each(links)('$file leads to $link', ({ file, link }) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? file : relative(ROOT, join(ROOT, dirname(file), path));
    expect(target.startsWith('..')).toBe(false);
    expect(existsSync(join(ROOT, target))).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(target)).toContain(anchor);
  });
});
