/* What only the tests need: a browser for the Temporal UI and pip for the product's package indexes. */
import { recordToolchain, withLock } from './cache.mjs';
import { canInstallPackages, findProgram, installPackages, isExecutable, run } from './processes.mjs';

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function findBrowser() {
  const chosen = process.env.CHROMIUM;
  if (chosen && isExecutable(chosen)) return chosen;
  return BROWSERS.map(findProgram).find((path) => path !== undefined);
}

/** Makes a Chromium ready and answers its path. @throws Error with the line that says what to install */
export async function setUpBrowser(say) {
  const found = findBrowser() ?? (await install('chromium', 'about 1 min', findBrowser, say));
  if (found === undefined) throw new Error('install Chromium, or set CHROMIUM to the path of one');
  recordToolchain({ chromium: found });
  return found;
}

/** Makes pip ready and answers the Python that has it. @throws Error with the line that says what to install */
export async function setUpPip(say) {
  const found = (await findPip()) ?? (await install('python3-pip', 'about 20 s', findPip, say));
  if (found === undefined) throw new Error('install Python 3 with pip');
  recordToolchain({ pip: found });
  return found;
}

async function findPip() {
  for (const python of ['python3', 'python'].map(findProgram)) {
    if (python === undefined) continue;
    const { status } = await run(python, ['-m', 'pip', '--version'], { timeoutMs: 30_000 });
    if (status === 0) return python;
  }
  return undefined;
}

async function install(name, expected, find, say) {
  if (!canInstallPackages()) return undefined;
  say(`installing the package ${name}, ${expected}`);
  await withLock('packages', () => installPackages(name));
  return find();
}
