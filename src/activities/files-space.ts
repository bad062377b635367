import type { z } from 'zod';
import type { filesContracts } from '../contracts/files.js';
import { discardScript } from '../contracts/files-space.js';
import { failure } from '../failures.js';
import { removeLeftOver, type Host } from '../hosts/index.js';
import type { Handler } from './action.js';
import { effectContext } from './effect-context.js';

type SpaceContract = (typeof filesContracts)['files.space@1'];
type FileSystem = z.output<SpaceContract['outcome']>['fileSystems'][number];
type SpaceCheck = z.output<SpaceContract['input']>['checks'][number];

/** What is wanted and free on each file system, and a sentence for each shortage. */
export interface Space {
  readonly fileSystems: readonly FileSystem[];
  readonly shortages: readonly string[];
}

// df of the nearest parent that exists: mount point last, because it may hold blanks. `-` or 0: no fixed number of inodes.
const DF = `for path do
  while [ ! -e "$path" ]; do path=$(dirname -- "$path"); done
  df -B1 --output=avail,itotal,iavail,target -- "$path" | tail -n 1
done`;

/** Compares what is wanted with what is free; several wants on one file system are summed. Never throws for a shortage. */
export async function spaceOn(host: Host, checks: readonly SpaceCheck[]): Promise<Space> {
  const lines = (
    await host.script(
      DF,
      checks.map(({ path }) => path),
    )
  )
    .trim()
    .split('\n');
  const found = new Map<string, { readonly fileSystem: FileSystem; readonly purposes: readonly string[] }>();
  for (const [index, check] of checks.entries()) {
    const [, avail = '0', itotal = '-', iavail = '-', mountedOn = '/'] =
      /^\s*(\S+)\s+(\S+)\s+(\S+)\s+(.*)$/.exec(lines[index] ?? '') ?? [];
    const before = found.get(mountedOn);
    const fileSystem = {
      mountedOn,
      freeBytes: Number(avail),
      wantedBytes: (before?.fileSystem.wantedBytes ?? 0) + check.bytes,
      ...(Number(itotal) > 0 ? { freeInodes: Number(iavail) } : {}),
      wantedInodes: (before?.fileSystem.wantedInodes ?? 0) + check.inodes,
    };
    found.set(mountedOn, { fileSystem, purposes: [...(before?.purposes ?? []), check.purpose] });
  }
  const all = [...found.values()];
  return {
    fileSystems: all.map(({ fileSystem }) => fileSystem),
    shortages: all.flatMap(({ fileSystem, purposes }) => shortagesOf(host.name, fileSystem, purposes)),
  };
}

function shortagesOf(host: string, space: FileSystem, wantedFor: readonly string[]): readonly string[] {
  const place = `${space.mountedOn} on host ${host}`;
  const purposes = wantedFor.join(', ');
  return [
    ...(space.freeBytes < space.wantedBytes
      ? [`${place} has ${space.freeBytes} bytes free, wanted ${space.wantedBytes} (${purposes})`]
      : []),
    ...(space.freeInodes !== undefined && space.freeInodes < space.wantedInodes
      ? [`${place} has ${space.freeInodes} inodes free, wanted ${space.wantedInodes} (${purposes})`]
      : []),
  ];
}

/** Parks before a disk is full. */
export const space: Handler<SpaceContract> = {
  async act(input, context) {
    const { fileSystems, shortages } = await spaceOn(context.host, input.checks);
    const [first, ...others] = shortages;
    if (first !== undefined) {
      throw failure('DiskFull', {
        message: first,
        ...(others.length === 0 ? {} : { detail: others.join('\n') }),
        hint: 'Free or add space there, then run "rehost retry".',
      });
    }
    return { changed: false, values: { fileSystems: [...fileSystems] } };
  },
};

/** Removes what only the copying needed, by the same lines that the undo of those steps would run. */
export const discard: Handler<(typeof filesContracts)['files.discard@1']> = {
  async act(input, context) {
    const script = discardScript(input, effectContext(context.call));
    await context.host.script(script, [], { timeoutMs: 110_000 });
    for (const step of [...input.keySteps, ...input.authorizeSteps, ...input.copySteps]) {
      await removeLeftOver(context.host, context.call.migration, step);
    }
    const removed = input.trees.length + input.keySteps.length + input.authorizeSteps.length;
    return { changed: removed > 0, values: { removed } };
  },
};
