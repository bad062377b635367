/* What the tests of the stand-in do to the hosts of a lab of their own. */
import { labDown, labExec, labReset, LAB_HOST_NAMES } from '../../lab/lab.js';
import type { LabHostName } from '../../lab/lab.js';

const OWN_LAB = 'stand-in';
const ANSWER = "curl -s -o /tmp/answer -w '%{http_code}' http://127.0.0.1:4242";
/** The data directory on both hosts. */
export const DATA = '/srv/ppm/data';
/** The service's log. */
export const LOG = '/var/log/rstudio/rstudio-pm/rstudio-pm.log';

/** Runs shell text as root on a host; answers stdout, throws with everything it said when it fails. */
export async function on(host: LabHostName, text: string): Promise<string> {
  const { status, stdout, stderr } = await labExec(host, ['sh', '-euc', text]);
  if (status !== 0) throw new Error(`on ${host}: ${text}\nexited with ${status}\n${stdout}${stderr}`);
  return stdout.trim();
}

/** Status and body of one address on a host's loopback. */
export async function get(host: LabHostName, path: string): Promise<{ status: string; body: string }> {
  const text = await on(
    host,
    `rm -f /tmp/answer; ${ANSWER}'${path}' || true; echo; cat /tmp/answer 2>/dev/null || true`,
  );
  const [status = '', ...body] = text.split('\n');
  return { status, body: body.join('\n') };
}

const keepPristine = `
systemctl stop rstudio-pm
rm -rf /srv/pristine && mkdir /srv/pristine
cp -a ${DATA} /srv/pristine/data
cp -a /etc/rstudio-pm /etc/machine-id /opt/rstudio-pm/VERSION /srv/pristine/
`;
/** Puts a host back to the state that `bringUp` kept, the service stopped. */
export const restorePristine = `
systemctl stop rstudio-pm
systemctl reset-failed rstudio-pm 2>/dev/null || true
rm -rf ${DATA}
cp -a /srv/pristine/data ${DATA}
cp -a /srv/pristine/rstudio-pm/. /etc/rstudio-pm/
cat /srv/pristine/machine-id > /etc/machine-id
cat /srv/pristine/VERSION > /opt/rstudio-pm/VERSION
: > ${LOG}
`;
/** Digests of the database files, their logs left out. */
export const digestOfDatabases = `sha256sum ${DATA}/db/*.db`;

/** A freshly seeded lab whose hosts keep a copy of their healthy state. */
export async function bringUp(): Promise<void> {
  process.env['REHOST_LAB'] ??= OWN_LAB;
  await labReset();
  await Promise.all(LAB_HOST_NAMES.map((host) => on(host, keepPristine)));
}

/** Removes the lab, unless the caller named one that is to stay. */
export async function takeDown(): Promise<void> {
  if (process.env['REHOST_LAB'] === OWN_LAB) await labDown();
}

/** The product's status, then path, HTTP status and digest of every frozen address of every repository. */
export async function answers(host: LabHostName): Promise<readonly string[]> {
  const base = 'http://127.0.0.1:4242';
  const repos = JSON.parse((await get(host, '/__api__/repos')).body) as { id: number }[];
  const lists = repos.map(({ id }) => `curl -s ${base}/__api__/repos/${id}/snapshots`).join('; ');
  const paths = [...(await on(host, lists)).matchAll(/"path": "([^"]+)"/g)].map(([, path]) => path);
  const each = paths.map((path) => `echo '${path}' $(${ANSWER}'${path}') $(sha256sum < /tmp/answer)`);
  const digests = await on(host, each.join('\n'));
  return [(await get(host, '/__api__/status')).body, ...digests.split('\n')];
}
