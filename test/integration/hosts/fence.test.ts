import { readServiceState, raiseFence, type Hosts } from '../../../src/hosts/index.js';
import { labExec } from '../../../lab/lab.js';
import { connect, failureOf, newMigration, up } from './lab-hosts.js';

const UNIT = 'test-stubborn.service';
// Deaf to the signal that asks it to end, and given longer to end than the fence waits.
const MAKE = `cat > /etc/systemd/system/${UNIT} <<'END'
[Service]
ExecStart=/bin/sh -c 'trap "" TERM; while :; do sleep 1; done'
TimeoutStopSec=600
END
systemctl daemon-reload
systemctl start ${UNIT}`;
const REMOVE = `systemctl kill -s KILL ${UNIT} 2>/dev/null || true
systemctl stop ${UNIT} 2>/dev/null || true
rm -rf /etc/systemd/system/${UNIT} /etc/systemd/system/${UNIT}.d
systemctl daemon-reload
systemctl reset-failed ${UNIT} 2>/dev/null || true`;

const root = async (script: string): Promise<void> => {
  const { status, stderr } = await labExec('ppm-target', ['sh', '-euc', script]);
  if (status !== 0) throw new Error(stderr);
};

describe('raiseFence', () => {
  let hosts: Hosts;
  beforeAll(async () => {
    hosts = connect(await up());
    await root(MAKE);
  }, 120_000);
  afterAll(async () => {
    await hosts.close();
    await root(REMOVE);
  }, 60_000);

  it('says that the service still runs, and keeps it fenced, when it does not end in time', async () => {
    const host = hosts.get('ppm-target');
    const fenced = { unit: UNIT, migration: newMigration() };
    const { type, message, detail, hint } = await failureOf(
      raiseFence(host, fenced, { stopTimeoutMs: 10_000 }),
    );
    expect({ type, message, detail, hint }).toEqual({
      type: 'ServiceStillRunning',
      message: `${UNIT} on host ppm-target is deactivating after it was stopped, wanted inactive`,
      detail: 'The fence stands, so it cannot be started again; what still runs may write.',
      hint: `See "systemctl status ${UNIT}" on ppm-target for what does not end, end it, then run "rehost retry".`,
    });
    expect(await readServiceState(host, UNIT)).toMatchObject({ active: true, fenced: true });
    // As the hint says: what does not end is ended, and the retry succeeds.
    await root(`systemctl kill -s KILL ${UNIT}`);
    expect(await raiseFence(host, fenced)).toMatchObject({ unit: UNIT });
    expect(await readServiceState(host, UNIT)).toMatchObject({ active: false, fenced: true });
  }, 120_000);
});
