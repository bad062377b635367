import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { sendUpdate } from '../../../src/client/commands.js';
import { expectTold, toldWhen, type Refusal, type Told } from '../../told.js';

const WORKFLOW = 'package-manager-server/target-1';
const OPEN = 'Open now: gate begin, evidence revision 1, has 0 of 2 votes; may still vote: ann, bob.';

/** What the client tells when an Update ends like this. */
function toldOf(error: Error): Promise<Told> {
  const handle = {
    executeUpdate: () => Promise.reject(error),
    describe: () => Promise.reject(new WorkflowNotFoundError('not found', WORKFLOW, undefined)),
  };
  const client = {
    withDeadline: (_deadline: number, act: () => Promise<unknown>) => act(),
    workflow: { getHandle: () => handle },
  } as unknown as Client;
  const base = { id: 'id-1', actor: 'rita', proof: { kind: 'claimed' }, digest: 'd1'.repeat(32) } as const;
  return toldWhen(
    sendUpdate(client, {
      workflowId: WORKFLOW,
      name: 'approve',
      request: { ...base, gate: 'begin', revision: 1 },
      signalHint: '',
    }),
  );
}

const refusedBy = (message: string, details: object): Error =>
  new WorkflowUpdateFailedError(
    'Workflow Update failed',
    ApplicationFailure.nonRetryable(message, 'Refused', details),
  );
const wanted = (message: string, detail: string): Refusal => ({
  ...{ code: 4, type: 'Refused', message, detail },
  hint: `Run "rehost status ${WORKFLOW}" to see what is open.`,
});

describe('a command that a run refuses', () => {
  it('is told as why not and, apart from it, what is open', async () => {
    const told = await toldOf(refusedBy(`rita never counts. ${OPEN}`, { detail: OPEN, hint: 'x' }));
    expectTold(told, wanted('rita never counts', OPEN));
    expect(told.message).toBe('rita never counts');
  });

  it('keeps an answer that looks like what is open in the message', async () => {
    const answer = 'the answer "no. Open now: nothing." means: reject';
    const told = await toldOf(refusedBy(`${answer}. ${OPEN}`, { detail: OPEN, hint: 'x' }));
    expect([told.message, told.detail]).toEqual([answer, OPEN]);
  });

  it('is told whole when the worker is of a release that sends no detail', async () => {
    const told = await toldOf(refusedBy(`rita never counts. ${OPEN}`, { hint: 'x' }));
    expect([told.message, told.detail]).toEqual([`rita never counts. ${OPEN}`, undefined]);
  });

  it('is told as too late when Temporal knows no open run, also when it knows no closed one', async () => {
    expectTold(await toldOf(new WorkflowNotFoundError('not found', WORKFLOW, undefined)), {
      code: 4,
      type: 'Refused',
      message: `approve comes too late: the run ${WORKFLOW} has ended`,
      detail: 'Temporal knows no open run with this Workflow id.',
      hint: `Run "rehost report ${WORKFLOW}" to see how it ended.`,
    });
  });
});
