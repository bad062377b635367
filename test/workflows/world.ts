/* A Worker with fake Activities on the shared dev server, and one run on it as a test sees it. */
import { randomUUID } from 'node:crypto';
import { Client, Connection, WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Plan } from '../../src/plan/types.js';
import type { CommandName } from '../../src/run/commands.js';
import type { CommandAnswer } from '../../src/run/events.js';
import type { RunResult } from '../../src/run/publication.js';
import type { RunState } from '../../src/run/state.js';
import type { StatusView } from '../../src/run/status.js';
import type { Fakes } from './fakes.js';
import { DIGEST, REQUESTER } from './plans.js';

// Real timers, a real server, and other work on the same machine. (The recorder of histories runs without Jest.)
if (typeof jest !== 'undefined') jest.setTimeout(60_000);

function quietRuntime(): void {
  try {
    const logging = { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } as const;
    Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging } });
  } catch {
    // Another test of this file has installed it already.
  }
}

/** Waits until the check holds. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  limitMs = 15_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

/** A Worker on its own task queue; `restart` ends it and starts another one with the same Activities. */
export class World {
  readonly taskQueue = `test-${randomUUID()}`;
  readonly client: Client;
  readonly #connection: Connection;
  readonly #native: NativeConnection;
  readonly #fakes: Fakes;
  readonly #bundle: string;
  #worker: { readonly worker: Worker; readonly ended: Promise<void> } | undefined;

  private constructor(parts: {
    connection: Connection;
    native: NativeConnection;
    fakes: Fakes;
    bundle: string;
  }) {
    this.#connection = parts.connection;
    this.#native = parts.native;
    this.#fakes = parts.fakes;
    this.#bundle = parts.bundle;
    this.client = new Client({ connection: parts.connection, identity: 'test-client' });
  }

  /** Connects and starts the Worker. `small`: on the server that suggests Continue-As-New early. */
  static async start(fakes: Fakes, options: { small?: boolean } = {}): Promise<World> {
    quietRuntime();
    const { REHOST_TEST_TEMPORAL, REHOST_TEST_TEMPORAL_SMALL, REHOST_TEST_BUNDLE } = process.env;
    const address = options.small === true ? REHOST_TEST_TEMPORAL_SMALL : REHOST_TEST_TEMPORAL;
    if (address === undefined || REHOST_TEST_BUNDLE === undefined)
      throw new Error('run these tests with Jest');
    const connection = await Connection.connect({ address });
    const native = await NativeConnection.connect({ address });
    const world = new World({ connection, native, fakes, bundle: REHOST_TEST_BUNDLE });
    await world.startWorker();
    return world;
  }

  /** Starts the Worker. */
  async startWorker(): Promise<void> {
    const worker = await Worker.create({
      connection: this.#native,
      taskQueue: this.taskQueue,
      identity: 'test-worker',
      workflowBundle: { codePath: this.#bundle },
      activities: this.#fakes.activities,
      maxHeartbeatThrottleInterval: '200ms',
      defaultHeartbeatThrottleInterval: '200ms',
      shutdownGraceTime: '100ms',
    });
    this.#worker = { worker, ended: worker.run() };
  }

  /** Ends the Worker. */
  async stopWorker(): Promise<void> {
    const running = this.#worker;
    if (running === undefined) return;
    this.#worker = undefined;
    running.worker.shutdown();
    await running.ended;
  }

  /** Starts a run of the plan. */
  async apply(plan: Plan): Promise<Run> {
    const migration = `target-1-20260101-${randomUUID().slice(0, 4)}`;
    const handle = await this.client.workflow.start('packageManagerServer', {
      taskQueue: this.taskQueue,
      workflowId: `package-manager-server/${randomUUID()}`,
      args: [{ plan, migration, requester: REQUESTER }],
    });
    return new Run(handle, migration);
  }

  /** Ends Worker and connections. */
  async close(): Promise<void> {
    await this.stopWorker();
    await this.#native.close();
    await this.#connection.close();
  }
}

/** One run: commands, queries, waits. */
export class Run {
  readonly handle: WorkflowHandle;
  readonly migration: string;

  constructor(handle: WorkflowHandle, migration: string) {
    // Without the run id: a handle that follows Continue-As-New.
    this.handle = handle;
    this.migration = migration;
  }

  /** The whole command as JSON. */
  payload(actor: string, members: object = {}): Record<string, unknown> {
    return { id: randomUUID(), actor, proof: { kind: 'claimed' }, digest: DIGEST.slice(0, 12), ...members };
  }

  /** Sends a command as an Update. */
  send(name: CommandName, actor: string, members: object = {}): Promise<CommandAnswer> {
    return this.handle.executeUpdate<CommandAnswer, [unknown]>(name, {
      args: [this.payload(actor, members)],
    });
  }

  /** Sends a command that must be refused; answers the sentence. */
  async refused(name: CommandName, actor: string, members: object = {}): Promise<string> {
    try {
      await this.send(name, actor, members);
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError) return error.cause?.message ?? '';
      throw error;
    }
    throw new Error(`${name} by ${actor} was accepted`);
  }

  /** Query `status`. */
  status(): Promise<StatusView> {
    return this.handle.query<StatusView>('status');
  }

  /** Query `state`. */
  state(): Promise<RunState> {
    return this.handle.query<RunState>('state');
  }

  /** Waits until the run is in this state. */
  async reaches(state: StatusView['state']): Promise<StatusView> {
    let view = await this.status();
    await until(`the run is ${state}, not ${view.state}: ${view.headline}`, async () => {
      view = await this.status();
      return view.state === state;
    });
    return view;
  }

  /** Waits until a step has this status. */
  async stepReaches(step: string, status: string): Promise<void> {
    await until(`step ${step} is ${status}`, async () => (await this.state()).steps[step]?.status === status);
  }

  /** The end of the run. */
  result(): Promise<RunResult> {
    return this.handle.result() as Promise<RunResult>;
  }
}
