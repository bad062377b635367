import { sqliteResultPath, sqliteVerifyScript, type sqliteContracts } from '../contracts/sqlite.js';
import { failure, type FailureType } from '../failures.js';
import { watchUnit } from '../hosts/index.js';
import type { Handlers } from './action.js';
import { effectContext } from './effect-context.js';
import { stopOnCancel, watchOptions } from './watch.js';

// Exit statuses of the unit's script: see sqliteVerifyScript.
const MEANINGS: Readonly<Record<number, { type: FailureType; fact: string }>> = {
  70: { type: 'DatabaseDamaged', fact: 'is damaged' },
  71: { type: 'DatabaseDamaged', fact: 'changed its owner or mode while it was checked' },
  72: { type: 'DatabaseDamaged', fact: 'is missing' },
  73: { type: 'DatabaseDamaged', fact: 'has a log that could not be folded in' },
};

/** Handlers for SQLite databases. */
export const sqliteHandlers = {
  'sqlite.verify@1': {
    async act(input, context) {
      const { call, host } = context;
      const effect = effectContext(call);
      const script = sqliteVerifyScript(input, effect);
      const unit = { migration: call.migration, step: call.step, generation: call.generation, script };
      const options = { ...watchOptions(context), accept: 'any' as const };
      const result = await stopOnCancel(context, unit, watchUnit(host, unit, options));
      if (result.exitStatus !== 0) {
        const meaning = MEANINGS[result.exitStatus] ?? { type: 'UnitFailed', fact: 'could not be checked' };
        throw failure(meaning.type, {
          message: `database ${result.progress || input.tree} on host ${host.name} ${meaning.fact}`,
          detail: result.stderr || `The check ended with status ${result.exitStatus}.`,
          hint: 'Nothing on the target was replaced. Run "rehost rollback": the source serves again, and its database can be checked there before a new run.',
        });
      }
      const lines = ((await host.readFile(sqliteResultPath(effect))) ?? '').trim().split('\n');
      const databases = input.files.map((file, index) => {
        const [tables = '0', rows = '0', countsDigest = ''] = (lines[index] ?? '').split(' ');
        return { file, tables: Number(tables), rows: Number(rows), countsDigest };
      });
      return { changed: true, values: { databases } };
    },
  },
} satisfies Handlers<typeof sqliteContracts>;
