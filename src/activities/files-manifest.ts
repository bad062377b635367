import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { z } from 'zod';
import type { filesContracts } from '../contracts/files.js';
import { manifestPath, manifestScriptOf } from '../contracts/files-manifest.js';
import { failure, type RehostFailure } from '../failures.js';
import { compareManifests, DIFFERENCE_KINDS, type Comparison } from '../formats/manifest-difference.js';
import { watchUnit, type Host } from '../hosts/index.js';
import type { Handler } from './action.js';
import { effectContext } from './effect-context.js';
import { stopOnCancel, watchOptions } from './watch.js';

/** Writes the manifest of one tree as a unit; the host reads all contents, only counts and the digest come back. */
export const manifest: Handler<(typeof filesContracts)['files.manifest@1']> = {
  async act(input, context) {
    const { call, host } = context;
    const effect = effectContext(call);
    const path = manifestPath(effect, input.label);
    const unit = {
      migration: call.migration,
      step: call.step,
      generation: call.generation,
      script: manifestScriptOf(input, effect),
    };
    await stopOnCancel(context, unit, watchUnit(host, unit, watchOptions(context)));
    const facts = (await host.readFile(`${path}.facts`)) ?? '';
    const [entries, files, bytes, allocatedBytes, digest = ''] = facts.trim().split(' ');
    return {
      changed: false,
      values: {
        entries: Number(entries),
        files: Number(files),
        bytes: Number(bytes),
        allocatedBytes: Number(allocatedBytes),
        digest,
        path,
      },
    };
  },
};

type CompareInput = z.output<(typeof filesContracts)['files.compare@1']['input']>;

/** Equal digests are equal trees; otherwise both manifests are fetched and what differs is named. */
export const compare: Handler<(typeof filesContracts)['files.compare@1']> = {
  async act(input, context) {
    const { hosts } = context;
    const { source, target } = input;
    if (source.digest === target.digest) {
      const entries = await countLines(hosts.get(target.host), target.path);
      return { changed: false, values: { equal: true as const, entries, digest: target.digest } };
    }
    const texts = await Promise.all([
      fetchManifest(hosts.get(source.host), source),
      fetchManifest(hosts.get(target.host), target),
    ]);
    throw differs(input, compareManifests(...texts));
  },
};

const countLines = async (host: Host, path: string): Promise<number> =>
  Number(await host.script('wc -l < "$1"', [path]));

/** Bytes of compressed manifest in one round trip; base64 makes them a third more. */
const CHUNK_BYTES = 4 * 1024 * 1024;
/** Largest compressed manifest that a worker takes in; about 5 million entries. */
const MANIFEST_LIMIT_BYTES = 256 * 1024 * 1024;

async function fetchManifest(host: Host, listed: { path: string; digest: string }): Promise<string> {
  const file = `${listed.path}.gz`;
  const size = Number(await host.check(['stat', '-c', '%s', '--', file]));
  if (size > MANIFEST_LIMIT_BYTES) {
    throw failure('VerificationDiffers', {
      message: `the manifests differ, and ${file} on host ${host.name} has ${size} bytes, more than ${MANIFEST_LIMIT_BYTES}`,
      hint: `Copy both manifests to one place and run "diff" on them: ${listed.path} on ${host.name}.`,
    });
  }
  const chunks: Buffer[] = [];
  for (let offset = 0; offset < size; offset += CHUNK_BYTES) {
    const text = await host.script(
      'tail -c "+$2" -- "$1" | head -c "$3" | base64 -w 0',
      [file, String(offset + 1), String(CHUNK_BYTES)],
      {
        maxBytes: 2 * CHUNK_BYTES,
      },
    );
    chunks.push(Buffer.from(text, 'base64'));
  }
  const manifestBytes = gunzipSync(Buffer.concat(chunks));
  const digest = createHash('sha256').update(manifestBytes).digest('hex');
  if (digest !== listed.digest) {
    throw failure('VerificationDiffers', {
      message: `${listed.path} on host ${host.name} is not the manifest that was made: its digest is ${digest}, wanted ${listed.digest}`,
      hint: 'Somebody changed it, or a later generation replaced it: run "rehost retry" on the manifest\'s step.',
    });
  }
  return manifestBytes.toString('latin1');
}

function differs(input: CompareInput, comparison: Comparison): RehostFailure {
  const counts = DIFFERENCE_KINDS.flatMap((kind) => {
    const count = comparison.counts[kind];
    return count === undefined ? [] : [`${kind} ${count}`];
  });
  const lines = comparison.first.map(
    ({ name, words }) => `${Buffer.from(name, 'latin1').toString('utf8')}: ${words}`,
  );
  const more = comparison.differing - comparison.first.length;
  return failure('VerificationDiffers', {
    message: `tree ${input.tree}: ${comparison.differing} of ${comparison.entries} entries differ between host ${input.source.host} and incoming on host ${input.target.host}, wanted 0`,
    detail: [`By kind: ${counts.join(', ')}.`, ...lines, ...(more > 0 ? [`… and ${more} more`] : [])].join(
      '\n',
    ),
    hint: 'Nothing on the target was replaced. Find out what wrote to either side, run "rehost retry" on the final copy and the manifests, then on this step.',
  });
}
