import { jsonSchemaOf } from '../../../src/spec/json-schema.js';
import { read } from './documents.js';

const page = read('docs/writing-a-spec.md');

/** Names of all members below a JSON Schema; keys that a person chooses (hosts, secrets) are none. */
function membersOf(schema: unknown): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  if (Array.isArray(schema)) return schema.flatMap(membersOf);
  const { properties, ...rest } = schema as Record<string, unknown>;
  const named = typeof properties === 'object' && properties !== null ? Object.entries(properties) : [];
  return [
    ...named.flatMap(([name, member]) => [name, ...membersOf(member)]),
    ...Object.values(rest).flatMap(membersOf),
  ];
}

describe('docs/writing-a-spec.md', () => {
  it.each((['spec', 'inventory'] as const).map((which) => ({ which })))(
    'explains every key of the $which',
    ({ which }) => {
      const keys = [...new Set(membersOf(jsonSchemaOf(which)))];
      expect(keys.length).toBeGreaterThan(5);
      // In a table, as a word of a code span: `approvals.votes`, `peerPort`.
      const words = new Set(
        [...page.matchAll(/^\|.*\|$/gm)]
          .flatMap((row) => [...row[0].matchAll(/`([^`]+)`/g)])
          .flatMap((span) => (span[1] ?? '').split(/[^A-Za-z-]+/)),
      );
      expect(keys.filter((key) => !words.has(key))).toEqual([]);
    },
  );
});
