import { contracts, type ActionName } from '../contracts/index.js';
import type { Contract, EffectContext } from '../contracts/contract.js';
import { failure } from '../failures.js';
import { addLeftOver, recordUndo, removeLeftOver, removeUndo, watchUnit } from '../hosts/index.js';
import type { Hosts } from '../hosts/host.js';
import type { StepCall, UndoEntry } from '../plan/call.js';
import type { ActionContext, Handler } from './action.js';
import { effectContext } from './effect-context.js';
import { watchOptions } from './watch.js';

/**
 * Writes the step's own undo into UNDO.md of the host that it touches, and what the step will leave there into the
 * ledger, before the step acts. Entries of earlier steps stand there already. Repeat: safe.
 */
export async function writeUndo(call: StepCall, hosts: Hosts): Promise<void> {
  for (const entry of call.undo.filter((one) => one.step === call.step)) {
    const contract: Contract = contracts[entry.action as ActionName];
    if (contract.undo === undefined) continue;
    const host = hosts.get(entry.host);
    const input = contract.input.parse(entry.input);
    const context = contextOf(call, entry);
    const leaves = contract.leaves?.(input, context);
    if (leaves !== undefined) {
      await addLeftOver(host, call.migration, { id: entry.step, step: entry.step, ...leaves });
    }
    await recordUndo(host, call.migration, {
      sequence: call.sequence,
      step: entry.step,
      title: entry.title,
      order: entry.order,
      shell: contract.undo.shell(input, context),
      otherHosts: otherHosts(call, entry, hosts),
    });
  }
}

const otherHosts = (call: StepCall, entry: UndoEntry, hosts: Hosts): readonly string[] =>
  (call.peers ?? hosts.names).filter((name) => name !== entry.host);

// The entry names its own step and host; all else is the call's.
const contextOf = (call: StepCall, { step, host }: UndoEntry): EffectContext => ({
  ...effectContext(call),
  step,
  host,
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
  const { order } = call;
  if (contract.undo === undefined || order === undefined) {
    throw failure('ContractViolated', {
      message: `step ${call.step} has no undo lines, or its undo has no order`,
      hint: 'This is a defect of rehost: please report it with the output of "rehost report".',
    });
  }
  const lines = contract.undo.shell(input, effectContext(call)).join('\n');
  if (contract.timeouts === 'unit') {
    const unit = {
      migration: call.migration,
      step: `${call.step}-undo`,
      generation: call.generation,
      script: lines,
    };
    await watchUnit(host, unit, watchOptions(context));
  } else {
    await host.script(lines, [], { timeoutMs: 110_000 });
  }
  await handler.undone?.(input, context);
  if (contract.leaves !== undefined) await removeLeftOver(host, call.migration, call.step);
  await removeUndo(host, call.migration, { sequence: call.sequence, step: call.step, order });
}
