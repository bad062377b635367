import { contracts, type ActionName } from '../contracts/index.js';
import type { Contract, EffectContext } from '../contracts/contract.js';
import { failure } from '../failures.js';
import { recordUndo, removeUndo, watchUnit } from '../hosts/index.js';
import type { Hosts } from '../hosts/host.js';
import type { StepCall, UndoEntry } from '../plan/call.js';
import { UNDO_ORDERS } from '../plan/types.js';
import type { ActionContext, Handler } from './action.js';
import { watchOptions } from './watch.js';

/** Writes every undo of the step into UNDO.md of the host that it touches, before the step acts. Safe to repeat. */
export async function writeUndo(call: StepCall, hosts: Hosts): Promise<void> {
  const touched = [...new Set(call.undo.map((entry) => entry.host))];
  for (const entry of call.undo) {
    const contract: Contract = contracts[entry.action as ActionName];
    if (contract.undo === undefined) continue;
    await recordUndo(hosts.get(entry.host), call.migration, {
      sequence: call.sequence,
      step: entry.step,
      title: entry.title,
      order: entry.order,
      shell: contract.undo.shell(contract.input.parse(entry.input), contextOf(call, entry)),
      otherHosts:
        touched.length > 1 ? touched.filter((host) => host !== entry.host) : otherHosts(call, entry, hosts),
    });
  }
}

const otherHosts = (call: StepCall, entry: UndoEntry, hosts: Hosts): readonly string[] =>
  (call.peers ?? hosts.names).filter((name) => name !== entry.host);

const contextOf = (call: StepCall, entry: Pick<UndoEntry, 'step' | 'host'>): EffectContext => ({
  migration: call.migration,
  step: entry.step,
  generation: String(call.generation),
  host: entry.host,
});

interface UndoRun {
  readonly contract: Contract;
  readonly handler: Handler<Contract>;
  readonly input: unknown;
  readonly context: ActionContext;
}

/**
 * Runs the contract's undo lines on the call's host, proves the result, then takes the entry out of UNDO.md.
 *
 * Exactly the lines that stand in UNDO.md are run. Repeat: safe, the lines look before they act.
 */
export async function undoStep({ contract, handler, input, context }: UndoRun): Promise<void> {
  const { call, host } = context;
  if (contract.undo === undefined) {
    throw failure('ContractViolated', {
      message: `step ${call.step} has no undo lines`,
      hint: 'This is a defect of rehost: please report it with the output of "rehost report".',
    });
  }
  const lines = contract.undo.shell(input, contextOf(call, { step: call.step, host: call.host })).join('\n');
  if (contract.timeouts === 'unit') {
    const unit = {
      migration: call.migration,
      step: `${call.step}-undo`,
      generation: call.generation,
      script: lines,
    };
    await watchUnit(host, unit, watchOptions(context, unit));
  } else {
    await host.script(lines, [], { signal: context.signal, timeoutMs: 110_000 });
  }
  await handler.undone?.(input, context);
  for (const order of UNDO_ORDERS) {
    await removeUndo(host, call.migration, { sequence: call.sequence, step: call.step, order });
  }
}
