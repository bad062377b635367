import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDevServer } from '../../src/dev-server.js';

/** A CLI that loses its port as often as a test wants, and then listens: the race itself cannot be had on demand. */
const cliThatFails = (directory: string, times: number, says: string): string => {
  const path = join(directory, 'temporal');
  writeFileSync(
    path,
    `#!${process.execPath}
const { appendFileSync, readFileSync } = require('node:fs');
const port = process.argv[process.argv.indexOf('--port') + 1];
appendFileSync(${JSON.stringify(join(directory, 'starts'))}, port + '\\n');
if (readFileSync(${JSON.stringify(join(directory, 'starts'))}, 'utf8').trim().split('\\n').length <= ${times}) {
  console.error(${JSON.stringify(says)});
  process.exit(1);
}
require('node:net').createServer().listen(Number(port), '127.0.0.1');
`,
  );
  chmodSync(path, 0o755);
  return path;
};

describe('the embedded Temporal', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rehost-dev-server-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  afterEach(() => rmSync(join(directory, 'starts'), { force: true }));
  const starts = (): string[] => readFileSync(join(directory, 'starts'), 'utf8').trim().split('\n');
  const start = (cli: string, port?: number) =>
    startDevServer({
      cli,
      database: join(directory, 'temporal.db'),
      log: join(directory, 'temporal.log'),
      ...(port === undefined ? {} : { port }),
    });

  it('is started on another port when somebody took the one that was free', async () => {
    const taken = "Error: can't set frontend port: listen tcp: bind: address already in use";
    const server = await start(cliThatFails(directory, 2, taken));
    await server.stop();
    expect(new Set(starts()).size).toBe(3);
    expect(server.address).toBe(`127.0.0.1:${starts()[2]!}`);
  });

  it('is started on another port when a stranger listens on the one that was free', async () => {
    // The stranger comes after the look that found the port free, and ours ends a moment later, as Temporal does.
    const path = cliThatFails(directory, 0, '');
    const script = readFileSync(path, 'utf8').replace(
      /^require\('node:net'\)/m,
      `if (readFileSync(${JSON.stringify(join(directory, 'starts'))}, 'utf8').trim().split('\\n').length === 1) {
  const { spawn } = require('node:child_process');
  const listen = "require('node:net').createServer().listen(" + port + ", '127.0.0.1'); setTimeout(() => process.exit(), 4000)";
  const stranger = spawn(process.execPath, ['-e', listen], { detached: true, stdio: 'ignore' });
  stranger.unref();
  setTimeout(() => { console.error('bind: address already in use'); process.exit(1); }, 400);
} else require('node:net')`,
    );
    writeFileSync(path, script);
    const server = await start(path);
    expect(starts()).toHaveLength(2);
    expect(server.address).toBe(`127.0.0.1:${starts()[1]!}`);
    await server.stop();
  });

  it('says what it ended with, and is not started again, when anything else is wrong', async () => {
    await expect(start(cliThatFails(directory, 9, 'Error: the database is broken'))).rejects.toMatchObject({
      type: 'TemporalUnreachable',
      detail: 'It ended with status 1.\nError: the database is broken',
    });
    expect(starts()).toHaveLength(1);
  });

  it('does not take a stranger on a wanted port for ours', async () => {
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    const { port } = stranger.address() as AddressInfo;
    await expect(start(cliThatFails(directory, 0, ''), port)).rejects.toMatchObject({
      type: 'TemporalUnreachable',
      detail: `127.0.0.1:${port}: address already in use.`,
    });
    await new Promise((resolve) => stranger.close(resolve));
  });
});
