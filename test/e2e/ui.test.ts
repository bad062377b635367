/* What people see and do in the Temporal UI, at a gate, parked and rolling back: the real plan, real pages. */
import type { RunSummary } from '../../src/client.js';
import type { StatusView } from '../../src/run/status.js';
import { buildReport } from '../../src/report/report.js';
import { renderMarkdown } from '../../src/report/markdown.js';
import { openBrowser, type UiBrowser } from './browser.js';
import { fault, startUiWorld, type UiWorld } from './ui-world.js';

jest.setTimeout(300_000);

const FULL_DISK = fault('DiskFull', {
  message: 'ppm-target has 12 MiB free in /srv/ppm; the copy needs 812 MiB more',
  detail: 'df says: /dev/sdb1 20G 20G 12M 100% /srv/ppm',
  hint: 'Make room on ppm-target, then run "rehost retry --step final-copy-data".',
});
const NO_KEY_FILE = fault('CommandFailed', {
  message: 'authorized_keys of rehost on ppm-source could not be written',
  detail: 'chattr +i is set on /home/rehost/.ssh/authorized_keys',
  hint: 'Take the attribute away with "chattr -i", then run "rehost retry".',
});

describe('the Temporal UI', () => {
  let world: UiWorld;
  let browser: UiBrowser;
  let run: RunSummary;
  beforeAll(async () => {
    world = await startUiWorld();
    browser = await openBrowser(world.server.uiAddress);
    world.faults.set('act:final-copy-data', FULL_DISK);
    run = await world.apply();
    await world.until(run, 'gate', 'begin');
  });
  afterAll(async () => {
    await browser?.close();
    await world?.close();
  });

  it('lists a run that waits at a gate by its type and by its search attributes', async () => {
    const types = 'WorkflowType = "packageManagerServer"';
    expect(await browser.listed('RehostState = "gate"', 1)).toEqual([run.workflowId]);
    await browser.screenshot('list');
    expect(await browser.listed(`${types} AND RehostTarget = "ppm-target"`, 1)).toEqual([run.workflowId]);
    expect(await browser.listed(`${types} AND RehostMigration = "${run.migration}"`, 1)).toHaveLength(1);
    expect(await browser.listed(`${types} AND RehostState = "parked"`, 0)).toEqual([]);
  });

  it('says at a gate the phase, what is open, who may answer and the exact next command', async () => {
    const details = await browser.currentDetails(run, 'Waiting for approval');
    await browser.screenshot('gate');
    expect(details).toContain('Phase: Prepare (prepare, 2 of 8)');
    expect(details).toContain('gate begin');
    expect(details).toContain('Is the acceptance testing of Phase 1 on the target complete?');
    expect(details).toContain('Who may answer: dba, lead, owner');
    expect(details).toContain(`rehost approve ${run.migration} --gate begin \\\n`);
    expect(details).toContain('--answer phase-1-accepted=YES-OR-NO \\\n');
  });

  it('approves the gate when the Signal that the details print is sent from its dialog', async () => {
    const details = await browser.currentDetails(run, '"gate": "begin"');
    const printed = /^\{\s*"id"[^]*?^\}$/m.exec(details)?.[0] ?? 'no JSON in the details';
    const view = await world.client.status(run);
    await browser.sendSignal(run, 'approve', filled(printed, view, 'dba'));
    const voted = await browser.currentDetails(run, '1 of 2 votes');
    expect(voted).toContain('Who may answer: lead, owner');
    expect(voted).toContain('Who of the users was consulted about moving the data? Ada asked them (dba)');
    await approve('lead');
    await world.until(run, 'gate', 'stop-source');
    const { commands } = await world.client.status(run);
    expect(commands.map(({ actor }) => actor)).toEqual(['dba', 'lead']);
  });

  it('says when a step is parked why, how to go on and what else is possible', async () => {
    await approve('dba');
    await approve('lead');
    await world.until(run, 'parked', 'final-copy-data');
    const details = await browser.currentDetails(run, 'Parked: needs a person');
    await browser.screenshot('parked');
    expect(details).toContain('Phase: Final copy under the fence (final-copy, 4 of 8)');
    expect(details).toContain(
      'DiskFull: ppm-target has 12 MiB free in /srv/ppm; the copy needs 812 MiB more',
    );
    expect(details).toContain('/dev/sdb1 20G 20G 12M 100% /srv/ppm');
    // The page draws typographic quotes and dashes in prose: a command must stand in code, to be copied as it is.
    expect(details).toContain('Make room on ppm-target, then run rehost retry --step final-copy-data.');
    expect(details).toContain('Who may answer: an operator');
    expect(details).toContain(`rehost retry ${run.migration} --step final-copy-data`);
    expect(details).toContain(`rehost rollback ${run.migration} --reason WHY`);
    expect(await browser.listed('RehostState = "parked" AND RehostPhase = "final-copy"', 1)).toEqual([
      run.workflowId,
    ]);
  });

  it('says while rolling back that the source serves, what is undone, and what the parked clean-up needs', async () => {
    world.faults.set('undo:authorize-data', NO_KEY_FILE);
    await send('rollback', 'dba', { reason: 'the window closes' });
    await world.until(run, 'rolling-back', 'authorize-data');
    const details = await browser.currentDetails(run, 'the undo of step authorize-data is parked');
    await browser.screenshot('rolling-back');
    expect(details).toContain('Rolling back');
    expect(details).toContain('Asked for by dba');
    expect(details).toContain('The source serves since');
    expect(details).toContain('take the fence down and start the source');
    expect(details).toContain('authorized_keys of rehost on ppm-source could not be written');
    expect(details).toContain('Who may answer: an operator');
    expect(details).toContain(`rehost retry ${run.migration} --step authorize-data`);
    expect(await browser.listed('RehostState = "rolling-back"', 1)).toEqual([run.workflowId]);
  });

  it('keeps the vote from the UI in the report when the run has ended, and lists the run as rolled back', async () => {
    world.faults.clear();
    await send('retry', 'dba', { step: 'authorize-data', generation: await generationOf('authorize-data') });
    await world.until(run, 'rolled-back');
    const { plan, state } = await world.client.record(run);
    const report = buildReport(plan, state, new Date().toISOString());
    const begin = report.gates.find((gate) => gate.id === 'begin');
    expect(begin?.votes.map((vote) => vote.actor)).toEqual(['dba', 'lead']);
    expect(renderMarkdown(report)).toContain('Ada asked them');
    expect(await browser.listed('RehostState = "rolled-back"', 1)).toEqual([run.workflowId]);
    await browser.screenshot('rolled-back');
  });

  /** The printed JSON with its words in capitals replaced, as a voter does it. */
  function filled(printed: string, view: StatusView, actor: string): string {
    const gate = view.phases.find((phase) => phase.status === 'at-gate')?.gate;
    const answers = (gate?.questions ?? []).map((one): [string, string] => [
      one.id,
      one.expect === 'text' ? 'Ada asked them' : one.expect,
    ]);
    const payload = JSON.parse(printed.replaceAll('YOUR-NAME', actor)) as { answers?: object };
    if (payload.answers !== undefined) payload.answers = Object.fromEntries(answers);
    return JSON.stringify(payload);
  }

  async function approve(actor: string): Promise<void> {
    const view = await world.until(run, 'gate');
    const offer = view.open[0]?.offers[0];
    const request = JSON.parse(filled(JSON.stringify(offer?.payload), view, actor)) as never;
    await world.client.command({
      workflowId: run.workflowId,
      name: 'approve',
      request,
      signalHint: '',
    });
  }

  async function send(name: 'rollback' | 'retry', actor: string, members: object): Promise<void> {
    const { digest } = await world.client.status(run);
    const request = {
      id: `${name}-${actor}`,
      actor,
      proof: { kind: 'claimed' },
      digest,
      ...members,
    } as never;
    await world.client.command({ workflowId: run.workflowId, name, request, signalHint: '' });
  }

  async function generationOf(step: string): Promise<number> {
    const { open } = await world.client.status(run);
    return open.find((item) => item.id === step)?.generation ?? 0;
  }
});
