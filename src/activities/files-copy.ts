import type { filesContracts } from '../contracts/files.js';
import { copyScript, firstPassMark, type CopyInput } from '../contracts/files-copy.js';
import { landingOf } from '../contracts/files-landing.js';
import { failure, RehostFailure } from '../failures.js';
import { DISK_FULL, rsyncExit } from '../formats/rsync.js';
import {
  honestProgress,
  parsePullSummary,
  parseRsyncProgress,
  wantsAnotherPass,
} from '../formats/rsync-progress.js';
import { signalOf, watchUnit, type UnitResult } from '../hosts/index.js';
import type { ActionContext, Handler } from './action.js';
import { effectContext } from './effect-context.js';
import { preparePeer } from './files-peer.js';
import { stopOnCancel, watchOptions } from './watch.js';

/** One pass of a pull as a unit on the target; a new attempt attaches to the running one. */
export const copy: Handler<(typeof filesContracts)['files.copy@1']> = {
  async act(input, context) {
    const { call, host, hosts } = context;
    const source = hosts.get(input.source);
    const effect = effectContext(call);
    const { incoming } = landingOf(input, call.migration);
    await preparePeer({
      source,
      target: host,
      migration: call.migration,
      step: call.step,
      keyStep: input.keyStep,
    });
    const first = await host.script('if [ -e "$1" ] || [ ! -e "$2" ]; then echo first; fi', [
      firstPassMark(effect),
      incoming,
    ]);
    const unit = {
      migration: call.migration,
      step: call.step,
      generation: call.generation,
      script: copyScript(input, effect),
    };
    const options = watchOptions(context, (poll) => {
      const progress = parseRsyncProgress(poll.progress);
      return progress === undefined ? { bytesDone: 0 } : honestProgress(progress, first.trim() === 'first');
    });
    const result = await stopOnCancel(context, unit, watchUnit(host, unit, { ...options, accept: 'any' }));
    if (result.exitStatus !== 0) throw copyFailure(input, context, result);
    return summarize(input, context, result);
  },
};

function summarize(input: CopyInput, context: ActionContext, result: UnitResult) {
  const { call } = context;
  const summary = parsePullSummary(result.progress);
  if (summary === undefined) {
    throw failure('UnitFailed', {
      message: `the copy of tree ${input.tree} to host ${call.host} ended without its statistics`,
      detail: result.progress.slice(-400),
      hint: 'Run "rehost retry": what was copied stays, only the difference goes again.',
    });
  }
  const bytesBefore = summary.passes.filter(({ generation }) => generation < call.generation).pop()?.bytes;
  const again = input.pass === 'warm' && wantsAnotherPass(summary.bytesReceived, bytesBefore);
  return {
    changed: true,
    again,
    values: {
      bytesSent: summary.bytesReceived,
      bytesTotal: summary.bytesTotal,
      filesTransferred: summary.filesTransferred,
      filesTotal: summary.filesTotal,
      durationMs: result.durationMs,
      attempts: summary.attempts,
      again,
      ...(bytesBefore === undefined ? {} : { bytesBefore }),
      incoming: landingOf(input, call.migration).incoming,
    },
  };
}

// Statuses of the unit's own script: see copyScript.
const OWN_STATUSES: Readonly<Record<number, string>> = {
  75: 'Another receiver held the lock of this tree for 10 min.',
  78: 'The directory of the copy could not be made.',
};

function endedBySignal(status: number): string | undefined {
  const signal = signalOf(status);
  if (signal === undefined) return undefined;
  const killed =
    signal === 9 ? ' (KILL): by hand, or by the kernel when memory ran out ("journalctl -k")' : '';
  return `rsync was ended by signal ${signal}${killed}.`;
}

function copyFailure(input: CopyInput, context: ActionContext, result: UnitResult): RehostFailure {
  const host = context.call.host;
  const { incoming } = landingOf(input, context.call.migration);
  const exit = rsyncExit(result.exitStatus);
  const documented =
    OWN_STATUSES[result.exitStatus] ??
    endedBySignal(result.exitStatus) ??
    `rsync documents status ${result.exitStatus} as "${exit.documented}".`;
  const said = `${documented}\n${result.stderr}`.trim();
  if (new RegExp(DISK_FULL).test(result.stderr)) {
    return failure('DiskFull', {
      message: `host ${host} has no room left for ${incoming} while tree ${input.tree} was copied`,
      detail: said,
      hint: `Free space (look at "df -h ${incoming}" and "df -i ${incoming}" on ${host}), then run "rehost retry": it goes on where it stopped.`,
    });
  }
  const hint: Readonly<Record<string, string>> = {
    75: `Another receiver works on this tree: look at "systemctl list-units 'rehost-*'" on ${host}, then run "rehost retry".`,
    partial:
      'Some entries could not be read or written: put right what the lines say, then run "rehost retry".',
    vanished:
      'Files vanish although nothing should write: find out what still runs on the source, then run "rehost retry".',
    retry:
      'The link broke several times: check the network between the hosts, then run "rehost retry"; it goes on where it stopped.',
  };
  return failure('UnitFailed', {
    message: `the ${input.pass} copy of ${input.sourcePath} to host ${host} ended with status ${result.exitStatus}, wanted 0`,
    detail: said,
    hint:
      hint[result.exitStatus] ??
      hint[exit.verdict] ??
      'Put right what the lines say, then run "rehost retry".',
  });
}
