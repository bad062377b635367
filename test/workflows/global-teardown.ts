import { rmSync } from 'node:fs';
import { dirname } from 'node:path';

export default async function teardown(): Promise<void> {
  await Promise.all((globalThis.rehostTestServers ?? []).map((server) => server.stop()));
  const bundle = process.env['REHOST_TEST_BUNDLE'];
  if (bundle !== undefined) rmSync(dirname(bundle), { recursive: true, force: true });
}
