import { effectLine, renderPreflight } from '../../../src/plan/render.js';

describe('effectLine', () => {
  it('quotes words for a shell and leaves placeholders bare', () => {
    const argv = ['rm', '-rf', '--', '/var/lib/rehost/<migration>', "it's here"] as const;
    expect(effectLine({ kind: 'command', host: 'h', argv })).toBe(
      `$ rm -rf -- /var/lib/rehost/<migration> 'it'\\''s here'`,
    );
  });

  it('shows the mode of a written file', () => {
    expect(effectLine({ kind: 'write', host: 'h', path: '/etc/x', mode: '0600' })).toBe(
      'write /etc/x (0600)',
    );
  });
});

describe('renderPreflight', () => {
  const check = (id: string, severity: 'ok' | 'warning' | 'blocker') => ({
    id,
    severity,
    title: `title ${id}`,
    found: 'f',
    wanted: 'w',
    remedy: 'r.',
    requirements: [],
  });

  it('puts blockers before warnings before what is well', () => {
    const lines = renderPreflight([check('a', 'ok'), check('b', 'warning'), check('c', 'blocker')]);
    expect(lines[0]).toBe('Preflight: 1 ok, 1 warning, 1 blocker');
    expect(lines.join('\n')).toMatch(/BLOCKER c.*WARNING b.*ok a/s);
  });
});
