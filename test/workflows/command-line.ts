/* Command lines of rehost in this process, against the shared dev server and the Worker of a test file. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callCli } from '../recording-io.js';
import { sealPlan } from '../../src/digest.js';
import type { Plan } from '../../src/plan/types.js';
import type { RunState } from '../../src/run/state.js';
import type { Answer } from '../told.js';
import { change, gate, phase, plan, step } from './plans.js';
import type { World } from './world.js';

/** A plan in a file, on a target that no other plan has. */
export interface Saved {
  readonly file: string;
  readonly target: string;
}

/** Runs one command line as rita, without a terminal, where its words say. */
export async function runWords(...argv: string[]): Promise<Answer> {
  return callCli(argv, { env: { REHOST_ACTOR: 'rita' } });
}

/** The command line of one test file and the plans that it applies. */
export class CommandLine {
  readonly directory = mkdtempSync(join(tmpdir(), 'rehost-cli-'));
  readonly #world: () => World;

  constructor(world: () => World) {
    this.#world = world;
  }

  /** Runs one command line on the task queue of the world. */
  run(...argv: string[]): Promise<Answer> {
    const address = process.env['REHOST_TEST_TEMPORAL'] ?? '';
    return runWords(...argv, '--address', address, '--task-queue', this.#world().taskQueue);
  }

  /** Name of a target that no other plan of this run of the tests has. */
  newTarget(): string {
    return `target-${randomUUID().slice(0, 8)}`;
  }

  /** Saves a plan on a target of its own; its digest fits. */
  saved(make: (base: Plan) => Plan): Saved {
    const target = this.newTarget();
    const made = make(plan(phase('one', [step('look')])));
    return { file: this.file(`${target}.json`, JSON.stringify(sealPlan({ ...made, target }))), target };
  }

  /** Saves a plan whose only phase waits at gate `begin` for one vote and an answer to its question. */
  gated(): Saved {
    const questions = [
      { id: 'told', text: 'Who told the users?', expect: 'text', requirements: [] },
    ] as const;
    return this.saved(() =>
      plan(phase('prepare', [change('claim')], gate('begin', { votes: 1, questions }))),
    );
  }

  /** Writes a file that lives as long as this test file; answers its path. */
  file(name: string, content: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, content);
    return path;
  }

  /** The run of a target and the length of its history: both stay when nothing was changed; a query adds nothing. */
  async traceOf(target: string): Promise<readonly [runId: string, events: number]> {
    const handle = this.#world().client.workflow.getHandle(`package-manager-server/${target}`);
    const { runId, historyLength } = await handle.describe();
    return [runId, historyLength];
  }

  /** The whole state of the run of a target; needs the Worker. */
  stateOf(target: string): Promise<RunState> {
    return this.#world()
      .client.workflow.getHandle(`package-manager-server/${target}`)
      .query<RunState>('state');
  }

  /** Removes the files. */
  close(): void {
    rmSync(this.directory, { recursive: true });
  }
}
