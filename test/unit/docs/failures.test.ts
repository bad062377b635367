import { FAILURES } from '../../../src/failures.js';
import { read } from './documents.js';

const entries = read('docs/failures.md')
  .split(/^### /m)
  .slice(1)
  .map((text) => {
    const [, key = '', exitCode = '', again] =
      /^(\w+)\n\nExit code: (\d+)( · tried again)?\n/.exec(text) ?? [];
    return { key, exitCode: Number(exitCode), again: again !== undefined, text };
  });

describe('docs/failures.md', () => {
  it('has exactly one entry for every failure of the catalogue', () => {
    expect(entries.map(({ key }) => key).sort()).toEqual(Object.keys(FAILURES).sort());
  });

  it.each(Object.entries(FAILURES))(
    'tells the exit code of %s and whether it is tried again',
    (key, kind) => {
      const { exitCode, again } = entries.find((entry) => entry.key === key) ?? {};
      expect({ exitCode, again }).toEqual({ exitCode: kind.exitCode, again: kind.retryable });
    },
  );

  it.each(entries)('says of $key what happened, what rehost did and what to do', ({ text }) => {
    expect([...text.matchAll(/^- \*\*(.+?)\*\*: \S/gm)].map((match) => match[1])).toEqual([
      'What happened',
      'What rehost did',
      'What to do',
    ]);
  });
});
