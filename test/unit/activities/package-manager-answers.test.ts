import pino from 'pino';
import type { ActionContext } from '../../../src/activities/action.js';
import { askAll, findAddresses } from '../../../src/activities/package-manager-answers.js';
import { sha256 } from '../../../src/digest.js';
import type { Host, HttpAnswer, HttpRequest } from '../../../src/hosts/host.js';

/** A product that answers by path; like the real way to one it keeps no more of a body than was asked for. */
function product(bodies: Readonly<Record<string, string>>): Parameters<typeof findAddresses>[0] {
  const request = ({ path, keepBytes = 256 * 1024 }: HttpRequest): Promise<HttpAnswer> => {
    const body = bodies[path];
    const text = body ?? 'not found';
    const status = body === undefined ? 404 : 200;
    const kept = text.slice(0, keepBytes);
    return Promise.resolve({ status, headers: {}, bytes: text.length, sha256: sha256(text), text: kept });
  };
  const host: Pick<Host, 'name' | 'request'> = { name: 'ppm-source', request };
  const context: Pick<ActionContext, 'signal' | 'heartbeat' | 'logger' | 'call'> = {
    signal: new AbortController().signal,
    heartbeat: () => undefined,
    logger: pino({ level: 'silent' }),
    call: { step: 'answers' } as ActionContext['call'],
  };
  return { host: host as Host, port: 4242, context: context as ActionContext };
}

const REPOS = '/__api__/repos';
const repository = JSON.stringify([{ id: 1, name: 'cran', type: 'R' }]);

describe('findAddresses', () => {
  it('reads a list of snapshots that is larger than what is kept of other answers', async () => {
    const days = Array.from({ length: 4000 }, (_, day) => ({
      path: `/cran/day-${String(day).padStart(6, '0')}/src/contrib/PACKAGES`,
      note: 'x'.repeat(60),
    }));
    const list = JSON.stringify(days);
    expect(list.length).toBeGreaterThan(256 * 1024);
    const found = await findAddresses(
      product({ [REPOS]: repository, '/__api__/repos/1/snapshots': list }),
      2,
    );
    expect(found.addresses.map(({ address }) => address)).toEqual(
      expect.arrayContaining([
        '/cran/day-003999/src/contrib/PACKAGES',
        '/cran/day-003998/src/contrib/PACKAGES',
      ]),
    );
  });

  it.each([
    ['an error', {}, '404', 'not found'],
    [
      'a page of a proxy',
      { [REPOS]: '<html>try later</html>' },
      '200 with something that is not JSON',
      '<html>try later</html>',
    ],
  ])('says what came instead of the list for %s', async (_what, bodies, answer, detail) => {
    await expect(findAddresses(product(bodies), 2)).rejects.toMatchObject({
      type: 'ProductAnswersWrong',
      message: `Package Manager on ppm-source answers ${answer} to /__api__/repos; 200 and JSON are needed`,
      detail,
      hint: 'Look at "systemctl status rstudio-pm" on ppm-source, then "rehost retry".',
    });
  });
});

describe('askAll', () => {
  const ask = async (body: string): Promise<string | undefined> => {
    const address = { kind: 'http' as const, address: '/__api__/status' };
    const [answer] = await askAll(product({ '/__api__/status': body }), [address]);
    return answer?.sha256;
  };

  it('takes only what is the same on both hosts of a status, and all of a page that is none', async () => {
    const first = await ask('{"version":"1","metrics_port":1}');
    expect(await ask('{"version":"1","metrics_port":2}')).toBe(first);
    expect(await ask('{"version":"2","metrics_port":1}')).not.toBe(first);
    expect(await ask('<html>a</html>')).toBe(sha256('<html>a</html>'));
  });
});
