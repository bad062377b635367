import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Root of the checkout. */
export const ROOT = join(__dirname, '../../..');

const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', 'artifacts', '.rehost', '.git', '__pycache__']);

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [relative(ROOT, path)];
  });
}

/** Every file of the checkout that people write, by its path from the root. */
export const files: readonly string[] = filesBelow(ROOT);
/** Every Markdown document. */
export const documents: readonly string[] = files.filter((file) => file.endsWith('.md'));
/** The text of a file of the checkout. */
export const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
