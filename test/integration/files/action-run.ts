/*
 * Runs single actions on the lab's hosts without Temporal: the handler to act, the contract's own lines to undo.
 */
import pino from 'pino';
import type { ActionContext, Handler } from '../../../src/activities/action.js';
import { handlers } from '../../../src/activities/handlers.js';
import { writeUndo } from '../../../src/activities/undo.js';
import type { Contract } from '../../../src/contracts/contract.js';
import { contracts, type ActionName } from '../../../src/contracts/index.js';
import { createHosts, hostConfigs, type Hosts } from '../../../src/hosts/index.js';
import type { Progress, StepCall } from '../../../src/plan/call.js';
import { readInventory } from '../../../src/spec/load.js';
import { labExec, labUp, type Lab, type LabHostName } from '../../../lab/lab.js';

/** One call: which step of which host, with plain values. */
export interface ActionCall {
  readonly action: ActionName;
  readonly host: LabHostName;
  readonly step: string;
  readonly input: Record<string, unknown>;
  readonly generation?: number;
}

/** One migration's worth of calls on the lab. */
export interface ActionRun {
  readonly lab: Lab;
  readonly hosts: Hosts;
  readonly migration: string;
  /** Progress of all calls so far. */
  readonly beats: Progress[];
  act(
    call: ActionCall,
    signal?: AbortSignal,
  ): Promise<{ values: Record<string, unknown>; again?: boolean; changed: boolean }>;
  undo(call: ActionCall): Promise<void>;
  /** Writes the undo of a call into UNDO.md, as the Activity does before it acts. */
  writeUndo(call: ActionCall): Promise<void>;
  /** Runs a script as root on a host, not through the code under test; answers stdout. @throws when it fails */
  sh(host: LabHostName, script: string): Promise<string>;
  close(): Promise<void>;
}

/** Connects to the lab as the worker would. */
export async function actionRun(migration: string): Promise<ActionRun> {
  const lab = await labUp();
  const hosts = createHosts(hostConfigs(readInventory(lab.inventory).value.hosts));
  const beats: Progress[] = [];
  const stepCall = (call: ActionCall, undo: StepCall['undo'] = []): StepCall => ({
    migration,
    step: call.step,
    sequence: 0,
    generation: call.generation ?? 1,
    host: call.host,
    input: call.input as never,
    mode: 'act',
    undo,
  });
  const contextOf = (call: ActionCall, signal: AbortSignal): ActionContext => ({
    call: stepCall(call),
    hosts,
    host: hosts.get(call.host),
    signal,
    abortReason: () => (signal.aborted ? 'cancel' : 'none'),
    heartbeat: (progress) => void beats.push(progress),
    logger: pino({ level: 'silent' }),
  });
  return {
    lab,
    hosts,
    migration,
    beats,
    async act(call, signal = new AbortController().signal) {
      const contract: Contract = contracts[call.action];
      const handler: Handler<Contract> = handlers[call.action];
      const result = await handler.act(contract.input.parse(call.input), contextOf(call, signal));
      return { ...result, values: contract.outcome.parse(result.values) as Record<string, unknown> };
    },
    async undo(call) {
      const contract: Contract = contracts[call.action];
      const context = {
        migration,
        step: call.step,
        generation: String(call.generation ?? 1),
        host: call.host,
      };
      const lines = contract.undo?.shell(contract.input.parse(call.input), context) ?? [];
      await hosts.get(call.host).script(lines.join('\n'));
    },
    async writeUndo(call) {
      const { step, action, host, input } = call;
      const entry = { step, title: 'take it back', order: 'clean-up' as const, action, host };
      await writeUndo(stepCall(call, [{ ...entry, input: input as never }]), hosts);
    },
    async sh(host, script) {
      const { status, stdout, stderr } = await labExec(host, ['sh', '-eu', '-c', script]);
      if (status !== 0) throw new Error(`on ${host}: status ${status}: ${stderr}\n${script}`);
      return stdout;
    },
    close: () => hosts.close(),
  };
}
