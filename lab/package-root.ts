import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Directory that holds rehost's package.json: the checkout, from the sources and from `dist` alike.
 *
 * The only place that asks where this code lies; files that are not TypeScript are found from here.
 */
export function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(directory, 'package.json');
    if (existsSync(manifest) && readFileSync(manifest, 'utf8').includes('"name": "rehost"')) return directory;
    const parent = dirname(directory);
    if (parent === directory) throw new Error(`no package.json of rehost above ${import.meta.url}`);
    directory = parent;
  }
}
