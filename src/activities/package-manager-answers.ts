import { z } from 'zod';
import { RSPM } from '../contracts/package-manager.js';
import { digestOf, sha256 } from '../digest.js';
import { failure } from '../failures.js';
import type { Host } from '../hosts/host.js';
import type { ActionContext } from './action.js';

/** One recorded answer: an address or a command of the product's own tool, and what its answer digests to. */
const answer = z.strictObject({
  kind: z.enum(['http', 'rspm']),
  address: z.string(),
  status: z.number(),
  bytes: z.number(),
  sha256: z.string(),
});
/** One recorded answer of a product. */
export type Answer = z.output<typeof answer>;

/** An address to ask; `kind` says over HTTP or with the product's tool. */
export interface Address {
  readonly kind: 'http' | 'rspm';
  readonly address: string;
}

/** What of `/__api__/status` is the same on both hosts: names of members that do not depend on host, licence or time. */
const STATUS_MEMBERS = ['version', 'bioc_versions'];
const STATUS = '/__api__/status';
/** Shape of the parts of the repository list that are needed to find addresses. */
const repositories = z.array(
  z.looseObject({ id: z.union([z.number(), z.string()]), name: z.string(), type: z.string() }),
);
const snapshots = z.array(z.looseObject({ path: z.string() }));

interface Product {
  readonly host: Host;
  readonly port: number;
  readonly context: ActionContext;
}

/** All addresses worth recording: status, repositories, newest indexes, up to `frozen` frozen ones. */
export async function findAddresses(
  product: Product,
  frozen: number,
): Promise<{
  readonly addresses: readonly Address[];
  readonly repositories: number;
  readonly frozen: number;
}> {
  const list = repositories.parse(await getJson(product, '/__api__/repos'));
  const found: Address[] = [http('/__ping__'), http(STATUS), http('/__api__/repos')];
  const frozenIndexes: string[][] = [];
  for (const repository of list) {
    found.push(http(`/__api__/repos/${repository.id}/packages`));
    found.push(http(indexOf(repository.type, `/${repository.name}/latest`)));
    const states = snapshots.parse(await getJson(product, `/__api__/repos/${repository.id}/snapshots`));
    frozenIndexes.push(states.map((state) => indexOf(repository.type, state.path)));
    found.push(rspm('info', `--repo=${repository.name}`));
  }
  const chosen = roundRobin(frozenIndexes, frozen);
  for (const index of chosen) {
    found.push(http(index));
    found.push(...(await pagesOf(product, index)).map(http));
  }
  found.push(rspm('list', 'repos'), rspm('list', 'sources'));
  return { addresses: unique(found), repositories: list.length, frozen: chosen.length };
}

/** Asks every address once, in order; heartbeats as it goes. */
export async function askAll(product: Product, addresses: readonly Address[]): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (const [at, address] of addresses.entries()) {
    product.context.signal.throwIfAborted();
    answers.push(await ask(product, address));
    product.context.heartbeat({
      step: product.context.call.step,
      bytesDone: 0,
      filesDone: at + 1,
      note: `${at + 1} of ${addresses.length} addresses`,
      pollFailures: 0,
    });
  }
  return answers;
}

/**
 * Nothing, when every address was answered well: an address that fails on the source as on the target would prove nothing.
 * @throws ProductAnswersWrong naming the first twenty
 */
export function assertAnswered(answers: readonly Answer[], host: string): void {
  const good = (one: Answer): boolean => (one.kind === 'http' ? one.status === 200 : one.status === 0);
  const bad = answers.filter((one) => !good(one));
  if (bad.length === 0) return;
  throw failure('ProductAnswersWrong', {
    message: `${bad.length} of ${answers.length} addresses do not answer on ${host}; the source must serve all that it lists`,
    detail: bad
      .slice(0, 20)
      .map((one) => `${one.kind} ${one.address}: status ${one.status}`)
      .join('\n'),
    hint: `Look at the log of Package Manager on ${host}, correct what is broken there, then "rehost retry".`,
  });
}

/** One answer per line, in the order asked: the text that is kept on the host and digested. */
export const printAnswers = (answers: readonly Answer[]): string =>
  answers.map((one) => `${JSON.stringify(one)}\n`).join('');

/** Reads back what `printAnswers` wrote. @throws ProductAnswersWrong when the file is not that */
export function parseAnswers(text: string, file: string): readonly Answer[] {
  try {
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => answer.parse(JSON.parse(line)));
  } catch (cause) {
    throw failure(
      'ProductAnswersWrong',
      {
        message: `recorded answers in ${file} cannot be read`,
        hint: 'Roll back with "rehost rollback" and start again: the record was changed by hand.',
      },
      { cause },
    );
  }
}

const http = (address: string): Address => ({ kind: 'http', address });
const rspm = (...words: string[]): Address => ({ kind: 'rspm', address: words.join(' ') });

// An address of a snapshot may be the snapshot's root or its index already.
function indexOf(type: string, address: string): string {
  const base = address.replace(/\/+$/, '').replace(/\/(?:src\/contrib\/PACKAGES|simple)$/, '');
  return /pypi|python/i.test(type) ? `${base}/simple/` : `${base}/src/contrib/PACKAGES`;
}

// Each repository gives one in turn, newest first, so that fifty addresses cover every kind of repository.
function roundRobin(lists: readonly (readonly string[])[], most: number): readonly string[] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  const turns = Array.from({ length: longest }, (_, turn) =>
    lists.flatMap((list) => list.at(-1 - turn) ?? []),
  );
  return turns.flat().slice(0, most);
}

const unique = (addresses: readonly Address[]): readonly Address[] => [
  ...new Map(addresses.map((one) => [`${one.kind} ${one.address}`, one])).values(),
];

/**
 * Pages behind a frozen PyPI index: the first and the last project, whose pages carry the digests of their files.
 *
 * Package files themselves are never fetched: the product counts each download, and recording must change nothing.
 */
async function pagesOf(product: Product, index: string): Promise<readonly string[]> {
  if (!index.endsWith('/simple/')) return [];
  const { text, status } = await get(product, index);
  if (status !== 200) return [];
  const projects = hrefs(text, index);
  return projects.length <= 2 ? projects : [projects[0] ?? '', projects.at(-1) ?? ''];
}

const hrefs = (html: string, base: string): readonly string[] =>
  [...html.matchAll(/href="([^"]+)"/g)].map((match) => {
    const url = new URL(match[1] ?? '', `http://product${base}`);
    return `${url.pathname}${url.search}`;
  });

async function ask(product: Product, address: Address): Promise<Answer> {
  if (address.kind === 'rspm') return askTool(product, address.address);
  const got = await get(product, address.address);
  const digest = address.address === STATUS && got.status === 200 ? digestStatus(got) : got.sha256;
  const bytes = address.address === STATUS ? 0 : got.bytes;
  return { kind: 'http', address: address.address, status: got.status, bytes, sha256: digest };
}

// A page of something in between (a proxy, a maintenance page) is no status: then all of it counts.
function digestStatus({ text, sha256: whole }: { text: string; sha256: string }): string {
  const status = parseJson(text);
  if (status === undefined) return whole;
  const members = typeof status === 'object' && status !== null ? Object.entries(status) : [];
  return digestOf(Object.fromEntries(members.filter(([name]) => STATUS_MEMBERS.includes(name))));
}

async function askTool(product: Product, address: string): Promise<Answer> {
  const result = await product.host.run([RSPM, '--output-format', 'json', ...address.split(' ')], {
    signal: product.context.signal,
  });
  const status = result.end.kind === 'exited' ? result.end.exitStatus : -1;
  return { kind: 'rspm', address, status, bytes: result.stdout.length, sha256: sha256(result.stdout) };
}

/** Lists are kept whole: a repository with a snapshot for each day of some years has hundreds of kilobytes of them. */
const KEEP_LIST_BYTES = 32 * 1024 * 1024;

async function get(product: Product, path: string, keepBytes?: number): ReturnType<Host['request']> {
  return product.host.request({
    port: product.port,
    path,
    ...(keepBytes === undefined ? {} : { keepBytes }),
    signal: product.context.signal,
    timeoutMs: 60_000,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The caller says what it means that it is none.
    return undefined;
  }
}

async function getJson(product: Product, path: string): Promise<unknown> {
  const got = await get(product, path, KEEP_LIST_BYTES);
  const value = got.status === 200 ? parseJson(got.text) : undefined;
  if (value !== undefined) return value;
  const answer = got.status === 200 ? '200 with something that is not JSON' : String(got.status);
  throw failure('ProductAnswersWrong', {
    message: `Package Manager on ${product.host.name} answers ${answer} to ${path}; 200 and JSON are needed`,
    detail: got.text.slice(0, 400),
    hint: `Look at "systemctl status rstudio-pm" on ${product.host.name}, then "rehost retry".`,
  });
}
