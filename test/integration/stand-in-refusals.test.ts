/*
 * Every way in which a careless copy goes wrong makes the stand-in refuse to start or answer wrongly. Were it lenient, no
 * later test of a migration would prove anything.
 */
import { LAB_HOST_NAMES } from '../../lab/lab.js';
import {
  DATA,
  LOG,
  answers,
  bringUp,
  digestOfDatabases,
  get,
  on,
  restorePristine,
  takeDown,
} from './stand-in-host.js';
import { REFUSALS, anyPackage } from './stand-in-sabotages.js';

beforeAll(bringUp, 900_000);
afterAll(takeDown, 60_000);

/** Restores, breaks, starts, looks: in one go, because there are many of these. */
const breakAndStart = (act: string): string => `${restorePristine}
cd ${DATA}
${act}
${digestOfDatabases} > /tmp/before
if systemctl start rstudio-pm; then echo STARTED; else echo REFUSED; fi
curl -s -o /dev/null http://127.0.0.1:4242/__ping__ && echo ANSWERS || echo SILENT
${digestOfDatabases} | cmp - /tmp/before && echo UNTOUCHED
cat ${LOG}`;

describe('the stand-in', () => {
  it.each(REFUSALS)(
    'refuses to start on both Debian releases and leaves the databases alone when $title',
    async ({ act, reason }) => {
      const both = await Promise.all(LAB_HOST_NAMES.map((host) => on(host, breakAndStart(act))));
      for (const said of both) {
        expect(said.split('\n').slice(0, 3)).toEqual(['REFUSED', 'SILENT', 'UNTOUCHED']);
        expect(said).toMatch(reason);
      }
    },
    60_000,
  );
});

describe.each(LAB_HOST_NAMES)('the stand-in on %s', (host) => {
  beforeEach(() => on(host, restorePristine), 60_000);

  it('starts within five seconds, answers, and leaves live write-ahead logs when it stops', async () => {
    const before = await on(host, digestOfDatabases);
    const seconds = await on(
      host,
      'a=$(date +%s%N); systemctl start rstudio-pm; echo $((($(date +%s%N) - a) / 1000000))',
    );
    expect(Number(seconds)).toBeLessThan(5000);
    expect((await get(host, '/__ping__')).status).toBe('200');
    const status = JSON.parse((await get(host, '/__api__/status')).body) as { version: string };
    expect(status.version).toBe('2026.04.1');
    await on(host, 'systemctl stop rstudio-pm');
    expect(await on(host, digestOfDatabases)).toBe(before);
    expect(Number(await on(host, `stat -c %s ${DATA}/db/rstudio-pm.db-wal`))).toBeGreaterThan(0);
  }, 60_000);

  it('accepts databases whose logs were checkpointed, and answers the same', async () => {
    await on(host, 'systemctl start rstudio-pm');
    const before = await answers(host);
    const names = ['rstudio-pm', 'rstudio-pm-usage'].map((name) => `${DATA}/db/${name}.db`);
    const each = names.map((name) => `sqlite3 ${name} 'PRAGMA wal_checkpoint(TRUNCATE)'`).join('; ');
    await on(host, `systemctl stop rstudio-pm; ${each}; systemctl start rstudio-pm`);
    expect(await answers(host)).toEqual(before);
    expect(before.length).toBeGreaterThan(10);
  }, 60_000);

  it('makes a key and empty databases when neither key nor data exist', async () => {
    const forget =
      "sed -i '/^Password/d' /etc/rstudio-pm/rstudio-pm.gcfg; rm -rf rstudio-pm.key db packages persistent";
    await on(host, `cd ${DATA}; ${forget}; systemctl start rstudio-pm`);
    expect((await get(host, '/__api__/repos')).body.trim()).toBe('[]');
    expect(await on(host, `stat -c '%a %U %s' ${DATA}/rstudio-pm.key`)).toBe('600 rstudio-pm 1025');
  }, 60_000);

  it.each([
    {
      title: 'a package with a flipped byte',
      act: `${anyPackage}; printf X | dd of="$package" bs=1 seek=700 conv=notrunc status=none`,
      path: () =>
        on(host, `cd ${DATA}; ${anyPackage}; basename "$package"`).then(
          (name) => `/${host === 'ppm-source' ? 'in-house' : 'acceptance-test'}/latest/src/contrib/${name}`,
        ),
      reason: /does not have the checksum in the database/,
    },
    {
      title: 'a frozen address whose manifest was changed',
      act: 'for f in persistent/snapshots/cran/*; do sed -i s/labcran001/labcran999/ "$f"; done',
      path: () => Promise.resolve('/cran/2025-07-01/src/contrib/PACKAGES'),
      reason: /is not the one that was frozen/,
    },
    {
      title: 'a frozen address whose manifest is gone',
      act: 'rm -r persistent/snapshots/pypi',
      path: () => Promise.resolve('/pypi/latest/simple/'),
      reason: /No such file or directory/,
    },
    {
      title: 'a frozen address whose packages are not in the database',
      act: `sqlite3 db/rstudio-pm.db "DELETE FROM packages WHERE name = 'labcran001'"; chown --reference=. db/*`,
      path: () => Promise.resolve('/cran/2025-07-01/src/contrib/PACKAGES'),
      reason: /packages are not in the database/,
    },
  ])(
    'answers 500 with the reason for $title',
    async ({ act, path, reason }) => {
      const address = await path();
      await on(host, 'systemctl start rstudio-pm');
      const healthy = (await get(host, address)).status;
      await on(host, `systemctl stop rstudio-pm; cd ${DATA}; ${act}; systemctl start rstudio-pm`);
      const { status, body } = await get(host, address);
      expect([healthy, status]).toEqual(['200', '500']);
      expect(body).toMatch(reason);
    },
    60_000,
  );
});
