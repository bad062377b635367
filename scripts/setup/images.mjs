/*
 * Images of the lab's hosts: Debian base → host (systemd, sshd, tools) → host with a product.
 * Each is named by a hash of what it is made from, so that a change makes a new one and everything else is there.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { spawn } from 'node:child_process';
import { cacheDirectory, isProgram, projectRoot, recordToolchain, withLock } from './cache.mjs';
import {
  canInstallPackages,
  check,
  findProgram,
  installPackages,
  lastLines,
  osRelease,
  run,
} from './processes.mjs';

const labDirectory = join(projectRoot, 'lab');
const hostFiles = join(labDirectory, 'images', 'host');

/** The hosts of the lab and the Debian release each runs. */
export const LAB_HOSTS = [
  { role: 'source', release: 'bookworm' },
  { role: 'target', release: 'trixie' },
];

/** Makes the images of both hosts and answers `{ source, target }`, names to run. Nothing is done when they exist. */
export async function setUpImages(say) {
  const wanted = await existingImages();
  if (wanted !== undefined) return wanted;
  return withLock('images', async () => {
    const made = await Promise.all(LAB_HOSTS.map((host) => makeHost(host, say)));
    const images = Object.fromEntries(LAB_HOSTS.map((host, index) => [host.role, made[index]]));
    recordToolchain({ images });
    return images;
  });
}

async function existingImages() {
  const images = {};
  for (const { role, release } of LAB_HOSTS) {
    const base = await imageId(baseName(release));
    if (base === undefined) return undefined;
    const name = productName(role, hostName(release, base));
    if ((await imageId(name)) === undefined) return undefined;
    images[role] = name;
  }
  return images;
}

const baseName = (release) => `rehost-lab-base:${release}`;
const hostName = (release, base) => `rehost-lab-host:${release}-${digestOf([hostFiles], [base])}`;

function productName(role, host) {
  const product = join(labDirectory, 'package-manager');
  return existsSync(join(product, 'install.sh'))
    ? `rehost-lab-package-manager-${role}:${digestOf([product, join(labDirectory, 'images', 'product')], [host])}`
    : host;
}

async function imageId(name) {
  const { status, stdout } = await run('docker', ['image', 'inspect', '--format', '{{.Id}}', name], {
    timeoutMs: 30_000,
  });
  return status === 0 ? stdout.trim() : undefined;
}

function digestOf(directories, texts) {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text}\0`);
  for (const directory of directories) {
    for (const file of filesBelow(directory))
      hash.update(`${relative(projectRoot, file)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 12);
}

function filesBelow(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/__pycache__|\.pyc$/.test(join(entry.parentPath, entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function makeHost({ role, release }, say) {
  const base = await makeBase(release, say);
  const host = hostName(release, base);
  if ((await imageId(host)) === undefined) {
    say(`building the host image on Debian ${release}, about 1 min`);
    await build({
      tag: host,
      context: hostFiles,
      dockerfile: join(hostFiles, 'Dockerfile'),
      args: { BASE: baseName(release) },
    });
  }
  const product = productName(role, host);
  if ((await imageId(product)) === undefined) {
    say(`building the ${role} image with the product, about 10 s`);
    const dockerfile = join(labDirectory, 'images', 'product', 'Dockerfile');
    const context = join(labDirectory, 'package-manager');
    await build({ tag: product, context, dockerfile, args: { BASE: host, ROLE: role } });
  }
  return product;
}

async function build({ tag, context, dockerfile, args }) {
  const options = Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]);
  const command = ['build', '--network=host', '-t', tag, '-f', dockerfile, ...options, context];
  const result = await run('docker', command, { timeoutMs: 1_200_000 });
  if (result.status !== 0) {
    throw new Error(`docker build of ${tag} failed:\n${lastLines(`${result.stdout}\n${result.stderr}`, 15)}`);
  }
}

async function makeBase(release, say) {
  const name = baseName(release);
  const present = await imageId(name);
  if (present !== undefined) return present;
  say(`fetching Debian ${release}, about 30 s`);
  if (await pull(`debian:${release}`)) await check('docker', ['tag', `debian:${release}`, name]);
  else await bootstrap(release, name, say);
  return imageId(name);
}

// A registry that is not in reach may answer at once or never: it has 15 s to begin.
async function pull(image) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), 15_000);
  const onOutput = (text) => {
    if (/Pulling from|Pull complete|Status:/.test(text)) clearTimeout(timer);
  };
  const { status } = await run('docker', ['pull', image], {
    timeoutMs: 300_000,
    abort: abort.signal,
    onOutput,
  });
  clearTimeout(timer);
  return status === 0;
}

async function bootstrap(release, name, say) {
  const mirror = debianMirror();
  if (mirror === undefined || process.getuid?.() !== 0) {
    throw new Error(`run "docker pull debian:${release}" where an image registry can be reached`);
  }
  say(`no image registry in reach; bootstrapping Debian ${release} from this system's mirror, about 1 min`);
  if (findProgram('debootstrap') === undefined) {
    if (!canInstallPackages()) throw new Error('install the package debootstrap');
    await installPackages('debootstrap');
  }
  const directory = mkdtempSync(join(cacheDirectory(), `.${release}-`));
  try {
    const { status, stdout } = await run('debootstrap', ['--variant=minbase', release, directory, mirror], {
      timeoutMs: 900_000,
    });
    if (status !== 0) throw new Error(`debootstrap of ${release} failed:\n${lastLines(stdout, 5)}`);
    await importTree(directory, name);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function importTree(directory, name) {
  return new Promise((resolve, reject) => {
    const tar = spawn('tar', ['-C', directory, '--one-file-system', '-c', '.'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const load = spawn('docker', ['import', '-', name], { stdio: [tar.stdout, 'ignore', 'ignore'] });
    load.on('error', reject);
    load.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`docker import of ${name} failed`)),
    );
  });
}

/** Debian mirror that this system's own package manager uses, or undefined on another system. */
export function debianMirror() {
  if (osRelease().ID !== 'debian') return undefined;
  const lists = ['/etc/apt/sources.list'];
  const more = '/etc/apt/sources.list.d';
  if (existsSync(more)) lists.push(...readdirSync(more).map((name) => join(more, name)));
  const addresses = lists
    .filter((path) => /\.(list|sources)$/.test(path) && existsSync(path))
    .flatMap((path) => [
      ...readFileSync(path, 'utf8').matchAll(/^(?:deb\s(?:\[[^\]]*\]\s*)?|URIs:\s*)(https?:\S+)/gm),
    ])
    .map((match) => match[1].replace(/\/$/, ''));
  return addresses.find((address) => /\/debian$/.test(address));
}

// As a program: makes the images and prints their names, for the lab's TypeScript, which cannot import this file.
if (isProgram(import.meta.filename)) {
  try {
    const images = await setUpImages((text) => process.stderr.write(`lab images: ${text}\n`));
    process.stdout.write(`${JSON.stringify(images)}\n`);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
