#!/usr/bin/env node
/*
 * Sets up what a checkout needs: npm packages, Temporal CLI, container engine, lab images, and what the tests need.
 *
 *   node scripts/setup.mjs [--for demo|test]
 *
 * One line per part that takes time, on stderr. Safe to repeat and to run twice at once; what is there is skipped.
 */
import { isProgram } from './setup/cache.mjs';
import { setUpEngine } from './setup/engine.mjs';
import { setUpBrowser, setUpPip } from './setup/extras.mjs';
import { setUpImages } from './setup/images.mjs';
import { setUpPackages } from './setup/packages.mjs';
import { setUpTemporal } from './setup/temporal.mjs';

const PURPOSES = ['demo', 'test'];

/**
 * Sets up everything for a purpose and answers what was resolved.
 *
 * Shape: `{ temporal, images: { source, target }, chromium?, pip?, missing }`; `missing` is a list of `{ part, remedy }`.
 * A part that cannot be set up does not stop the others, and is named on stderr with what to install.
 */
export async function setup({ for: purpose = 'demo' } = {}) {
  const startedAt = Date.now();
  const report = createReport();
  const packages = report.part('npm packages', setUpPackages);
  // The download of the Temporal CLI needs the npm packages; the engine and the images need neither.
  const temporal = packages.then(() => report.part('Temporal CLI', setUpTemporal));
  const engine = report.part('container engine', setUpEngine);
  const images = engine.then((version) =>
    version === undefined ? undefined : report.part('lab images', setUpImages),
  );
  const extras =
    purpose === 'test' ? [report.part('Chromium', setUpBrowser), report.part('pip', setUpPip)] : [];
  const [cli, names, chromium, pip] = await Promise.all([temporal, images, ...extras]);
  report.close(Date.now() - startedAt);
  return { temporal: cli?.path, images: names, chromium, pip, missing: report.missing };
}

function createReport() {
  const missing = [];
  let told = false;
  const line = (part, text) => {
    told = true;
    process.stderr.write(`setup: ${part}: ${text}\n`);
  };
  const part = async (name, work) => {
    const startedAt = Date.now();
    let spoke = false;
    try {
      const result = await work((text) => {
        spoke = true;
        line(name, text);
      });
      if (spoke) line(name, `ready (${seconds(Date.now() - startedAt)})`);
      return result;
    } catch (error) {
      missing.push({ part: name, remedy: error.message });
      line(name, `MISSING. ${error.message}`);
      return undefined;
    }
  };
  const close = (durationMs) => {
    if (missing.length > 0) process.stderr.write(`setup: ${missing.length} part(s) missing, see above\n`);
    else
      process.stderr.write(
        `setup: ${told ? 'everything is ready' : 'everything is there'} (${seconds(durationMs)})\n`,
      );
  };
  return { part, close, missing };
}

const seconds = (durationMs) => `${(durationMs / 1000).toFixed(1)} s`;

if (isProgram(import.meta.filename)) {
  const at = process.argv.indexOf('--for');
  const purpose = at === -1 ? 'demo' : process.argv[at + 1];
  if (!PURPOSES.includes(purpose)) {
    process.stderr.write(`setup: --for must be one of ${PURPOSES.join(', ')}, not ${purpose ?? 'nothing'}\n`);
    process.exitCode = 2;
  } else {
    const { missing } = await setup({ for: purpose });
    if (missing.length > 0) process.exitCode = 1;
  }
}
