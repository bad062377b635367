import { setTimeout as sleep } from 'node:timers/promises';
import type { serviceContracts } from '../contracts/service.js';
import { fenceDropInPath, unfenceLines } from '../contracts/service-shell.js';
import { failure, RehostFailure } from '../failures.js';
import { listLeftOvers, raiseFence, readServiceState, removeLeftOver, type Host } from '../hosts/index.js';
import type { ActionContext, Handlers } from './action.js';

const ASK_EVERY_MS = 500;

/** systemd services: facts, fence, start. */
export const serviceHandlers = {
  'service.facts@1': {
    async act(input, context) {
      const { active, enabled, fenced } = await readServiceState(context.host, input.unit);
      return { changed: false, values: { active, enabled, fenced } };
    },
  },
  'service.fence@1': {
    async act(input, context) {
      const fenced = { unit: input.unit, migration: context.call.migration };
      const mark = await raiseFence(context.host, fenced);
      return { changed: true, values: { mark: mark as unknown as Record<string, string> } };
    },
    async undone(input, context) {
      const state = await readServiceState(context.host, input.unit);
      if (!state.fenced && (!input.wasActive || state.active)) return;
      throw failure('ServiceNotStarted', {
        message: `${input.unit} on ${context.host.name} does not run as before the fence`,
        detail: `active ${state.active}, wanted ${input.wasActive}; fenced ${state.fenced}, wanted false`,
        hint: `Look at "systemctl status ${input.unit}" on ${context.host.name}, then "rehost retry".`,
      });
    },
  },
  'service.start@1': {
    async act(input, context) {
      const lines = unfenceLines({
        unit: input.unit,
        migration: context.call.migration,
        enabled: true,
        active: true,
      });
      await startService(context, input.unit, lines);
      await forgetFence(context, input.unit);
      return { changed: true, values: { answeredAfterMs: await awaitAnswer(context, input) } };
    },
  },
} satisfies Handlers<typeof serviceContracts>;

// The fence that an earlier step left on this host is down now.
async function forgetFence({ host, call }: ActionContext, unit: string): Promise<void> {
  const path = fenceDropInPath(unit);
  for (const { id, what } of await listLeftOvers(host, call.migration))
    if (what === path) await removeLeftOver(host, call.migration, id);
}

async function startService(context: ActionContext, unit: string, lines: readonly string[]): Promise<void> {
  const { host, signal } = context;
  const result = await host.run(['sh', '-eu', '-c', lines.join('\n')], { signal, timeoutMs: 110_000 });
  if (result.end.kind === 'exited' && result.end.exitStatus === 0) return;
  const log = await host.run(['journalctl', '-u', unit, '-n', '15', '--no-pager', '-o', 'cat']);
  throw failure('ServiceNotStarted', {
    message: `${unit} does not start on ${host.name}`,
    detail: `${result.stderr.trim()}\n${log.stdout.trim()}`.trim(),
    hint: `Correct what the log says on ${host.name}, then "rehost retry", or "rehost rollback".`,
  });
}

async function awaitAnswer(
  context: ActionContext,
  input: { unit: string; port: number; path: string; waitSeconds: number },
): Promise<number> {
  const startedAt = performance.now();
  let last = 'nothing';
  while (performance.now() - startedAt < input.waitSeconds * 1000) {
    context.signal.throwIfAborted();
    last = await askOnce(context.host, input);
    if (last === '200') return Math.round(performance.now() - startedAt);
    await sleep(ASK_EVERY_MS, undefined, { signal: context.signal });
  }
  throw failure('ServiceNotStarted', {
    message: `${input.unit} on ${context.host.name} does not answer ${input.path} after ${input.waitSeconds} s`,
    detail: `last answer: ${last}; wanted status 200 on port ${input.port}`,
    hint: `Look at "journalctl -u ${input.unit}" on ${context.host.name}, then "rehost retry".`,
  });
}

async function askOnce(host: Host, input: { port: number; path: string }): Promise<string> {
  try {
    return String((await host.request({ port: input.port, path: input.path, timeoutMs: 10_000 })).status);
  } catch (error) {
    // Not listening yet is what is waited for; a lost connection is asked again by Temporal's retry.
    if (error instanceof RehostFailure && error.type === 'ProductAnswersWrong') return error.message;
    throw error;
  }
}
