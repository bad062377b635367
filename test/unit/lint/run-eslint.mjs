/*
 * Lints test/lint-fixtures/ with the repository's own configuration and prints JSON; for lint.test.ts, which runs as
 * CommonJS and cannot load an ESLint configuration of ES modules itself.
 */
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ESLint } from 'eslint';

const root = join(import.meta.dirname, '../../..');
const fixtures = join(root, 'test', 'lint-fixtures');
const configFile = join(root, 'eslint.config.js');

// With the fixtures' folder as the base, src/ in the configuration's globs is the fixtures' src/.
const eslint = new ESLint({ cwd: fixtures, overrideConfigFile: configFile });
const results = await eslint.lintFiles(['**/*.ts']);
const { default: blocks } = await import(pathToFileURL(configFile).href);

const set = ([, setting]) => setting !== 'off' && setting[0] !== 'off';
process.stdout.write(
  JSON.stringify({
    results: results.map(({ filePath, messages }) => ({
      file: relative(fixtures, filePath),
      problems: messages.map(({ ruleId, message, line }) => ({ rule: ruleId ?? 'none', message, line })),
    })),
    // The name of a preset's block holds "__": presets are other people's rules.
    blocks: blocks
      .filter(({ name }) => name?.startsWith('rehost: ') === true && !name.includes('__'))
      .map(({ name, files, rules }) => ({
        name,
        files,
        rules: Object.entries(rules)
          .filter(set)
          .map(([rule]) => rule),
      })),
  }),
);
