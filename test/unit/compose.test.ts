import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { packageRoot } from '../../lab/package-root.js';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly restart?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file?: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const text = readFileSync(join(packageRoot(), 'docker-compose.yml'), 'utf8');
const compose = parse(text, { merge: true }) as Compose;
const services = Object.entries(compose.services);
/** Services that do one thing and end: they have no health, others wait for their success. */
const ONE_SHOT = ['temporal-schema', 'temporal-namespace'];
const lasting = services.filter(([name]) => !ONE_SHOT.includes(name));
const dockerfile = readFileSync(join(packageRoot(), 'Dockerfile'), 'utf8');

function serverVersion(): string {
  const modules = readFileSync(join(packageRoot(), 'tools', 'temporal', 'go.sum'), 'utf8');
  return /go\.temporal\.io\/server v(\S+) /.exec(modules)?.[1] ?? 'none';
}

describe('docker-compose.yml', () => {
  it('has Temporal, its PostgreSQL, the UI and a worker', () => {
    expect(services.map(([name]) => name)).toEqual(
      expect.arrayContaining(['temporal', 'postgresql', 'temporal-ui', 'worker']),
    );
  });

  it.each(lasting)('gives %s a health check and restarts it', (_name, service) => {
    expect(service.healthcheck?.test[0]).toMatch(/^CMD(-SHELL)?$/);
    expect(service.restart).toBe('unless-stopped');
  });

  it.each(services)(
    'starts %s only after what it waits for is healthy or has succeeded',
    (_name, service) => {
      for (const [dependency, { condition }] of Object.entries(service.depends_on ?? {})) {
        expect(Object.keys(compose.services)).toContain(dependency);
        expect({ dependency, condition }).toEqual({
          dependency,
          condition: ONE_SHOT.includes(dependency) ? 'service_completed_successfully' : 'service_healthy',
        });
      }
    },
  );

  it.each(services)('pins the image of %s to a full version', (_name, service) => {
    expect(service.image).toMatch(/:\d+\.\d+(\.\d+)?(-[a-z]+)?$/);
  });

  it('runs the server version that the embedded server has, with the tools of the same version', () => {
    expect(compose.services['temporal']?.image).toBe(`temporalio/server:${serverVersion()}`);
    for (const name of ONE_SHOT) {
      expect(compose.services[name]?.image).toBe(`temporalio/admin-tools:${serverVersion()}`);
    }
  });

  it.each(services)('holds no secret of %s in plain', (_name, service) => {
    for (const [key, value] of Object.entries(service.environment ?? {})) {
      if (/PASS|PWD|SECRET|TOKEN|KEY/.test(key))
        expect({ key, value }).toEqual({ key, value: expect.stringMatching(/^\$\{\w+:\?/) as string });
    }
  });

  it('takes the SSH key from a file that must be named', () => {
    expect(compose.secrets['ssh-identity']?.file).toMatch(/^\$\{REHOST_IDENTITY:\?/);
  });

  it.each(services)('publishes the ports of %s on loopback only', (_name, service) => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('keeps the database on a named volume', () => {
    const [volume] = compose.services['postgresql']?.volumes ?? [];
    expect(Object.keys(compose.volumes)).toContain(volume?.split(':')[0]);
  });

  it('mounts only files that the repository has, or that its head tells the reader to make', () => {
    const mounted = services
      .flatMap(([, service]) => service.volumes ?? [])
      .filter((each) => each.startsWith('./'));
    for (const each of mounted) {
      const file = each.split(':')[0] ?? '';
      expect({ file, exists: existsSync(join(packageRoot(), file)) || file === './inventory.yaml' }).toEqual({
        file,
        exists: true,
      });
    }
  });
});

describe('Dockerfile', () => {
  it('starts from a pinned Node.js that the package supports', () => {
    const [major = 0, minor = 0] = (
      /ARG NODE_IMAGE=node:(\d+)\.(\d+)\.\d+-bookworm-slim$/m.exec(dockerfile) ?? []
    )
      .slice(1)
      .map(Number);
    expect(major > 20 || (major === 20 && minor >= 19)).toBe(true);
  });

  it('runs the worker as a user without privileges', () => {
    expect(dockerfile).toMatch(/^USER rehost$/m);
    expect(dockerfile.trimEnd().endsWith('CMD ["worker"]')).toBe(true);
  });
});
