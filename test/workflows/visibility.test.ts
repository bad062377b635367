import { randomUUID } from 'node:crypto';
import { WorkflowFailedError, type WorkflowExecutionInfo } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { StepOutcome } from '../../src/plan/call.js';
import { broken, Fakes, outcome } from './fakes.js';
import { change, gate, phase, plan, step } from './plans.js';
import { until, World } from './world.js';

describe('what others see of a run', () => {
  const fakes = new Fakes();
  let world: World;
  beforeAll(async () => {
    world = await World.start(fakes);
  });
  beforeEach(() => fakes.reset());
  afterAll(() => world.close());

  const listed = async (query: string): Promise<readonly WorkflowExecutionInfo[]> => {
    const found: WorkflowExecutionInfo[] = [];
    for await (const info of world.client.workflow.list({ query })) found.push(info);
    return found;
  };

  it('is found by its search attributes, and keeps its last status in the memo', async () => {
    fakes.on('act.copy', () => {
      throw broken();
    });
    const run = await world.apply(
      plan(phase('look', [step('probe')]), phase('work', [change('copy')], gate('begin', { votes: 1 }))),
    );
    const own = `RehostMigration = "${run.migration}"`;
    await until(
      'it is listed at the gate',
      async () => (await listed(`${own} AND RehostState = "gate"`)).length === 1,
    );
    await run.send('approve', 'ann', { gate: 'begin', revision: 1 });
    await until(
      'it is listed as parked',
      async () => (await listed(`${own} AND RehostState = "parked"`)).length === 1,
    );
    const [info] = await listed(
      `${own} AND RehostPhase = "work" AND RehostSource = "source-1" AND RehostTarget = "target-1"`,
    );
    expect(info?.type).toBe('packageManagerServer');
    expect(info?.memo?.['rehost']).toMatchObject({
      migration: run.migration,
      state: 'parked',
      phase: 'work',
      next: [`rehost retry ${run.migration} --step copy`],
    });
    await run.handle.terminate();
  });

  it('shows in its current details what is open, who may answer, the next command and the whole Signal', async () => {
    const questions = [{ id: 'accepted', text: 'Is it accepted?', expect: 'yes', requirements: [] }] as const;
    const run = await world.apply(plan(phase('work', [change('copy')], gate('begin', { questions }))));
    await run.reaches('gate');
    const metadata = await run.handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    const details = metadata.currentDetails ?? '';
    expect(details).toContain('# Waiting for approval');
    expect(details).toContain('Who may answer: `ann`, `bob`, `cleo`');
    expect(details).toContain(`rehost approve ${run.migration} --gate begin --answer accepted=YES-OR-NO`);
    const json = /```json\n([^`]*)\n```/.exec(details)?.[1] ?? '';
    const signal = JSON.parse(json.replaceAll('YOUR-NAME', 'ann').replace('YES-OR-NO', 'yes')) as object;
    await run.handle.signal('approve', signal);
    await until('the vote is in', async () => (await run.state()).gates['begin']?.votes.length === 1);
    await run.handle.terminate();
  });

  it('waits at its gate through a restart of the worker', async () => {
    const run = await world.apply(plan(phase('work', [step('after')], gate('begin', { votes: 1 }))));
    await run.reaches('gate');
    await world.stopWorker();
    await run.handle.signal('approve', run.payload('ann', { gate: 'begin', revision: 1 }));
    await world.startWorker();
    expect((await run.result()).state).toBe('done');
  });

  const inspect = (action: string): Promise<StepOutcome> =>
    world.client.workflow.execute('inspect', {
      taskQueue: world.taskQueue,
      workflowId: `inspect/${randomUUID()}`,
      args: [{ action, host: 'source-1', input: { what: 'facts' } }],
    }) as Promise<StepOutcome>;

  it('inspects a host with one read-only action', async () => {
    fakes.on('act.inspect', (call) =>
      outcome({ host: call.host, what: call.input['what'] ?? null }, { changed: false }),
    );
    expect((await inspect('fake.probe@1')).values).toEqual({ host: 'source-1', what: 'facts' });
  });

  it('fails an inspection with the type, message, detail and hint of the action', async () => {
    fakes.on('act.inspect', () => {
      throw broken('HostKeyUnknown', 'source-1 showed an unknown host key');
    });
    const error: unknown = await inspect('fake.probe@1').catch((reason: unknown) => reason);
    const cause = (error as WorkflowFailedError).cause as ApplicationFailure;
    expect([cause.type, cause.message]).toEqual(['HostKeyUnknown', 'source-1 showed an unknown host key']);
    expect(cause.details?.[0]).toEqual({ detail: 'exit status 1', hint: 'Mend it.' });
  });
});
