import js from '@eslint/js';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import jsdoc from 'eslint-plugin-jsdoc';
import tseslint from 'typescript-eslint';

/*
 * Each rule that a block named "rehost: …" sets has a failing example in test/lint-fixtures/, held complete by
 * test/unit/lint/lint.test.ts. What each room of the house may import stands in ARCHITECTURE.md.
 */
const NODE = { group: ['node:*'], message: 'this folder does no I/O and imports no Node module' };
const SSH2 = { name: 'ssh2', message: 'only src/hosts/ reaches machines' };
const PG = { name: 'pg', message: 'only src/activities/postgres* reaches databases' };
const MS = { name: 'ms', message: 'it is mapped to a typing file: durations are numbers of ms here' };
const PROMPTS = {
  name: '@clack/prompts',
  message: 'an ESM-only package: Jest cannot load it outside src/cli/',
};
const TEMPORAL_CLIENT = {
  name: '@temporalio/client',
  message: 'src/cli/ talks to Temporal through src/client.ts alone',
};
const EVERYWHERE = [SSH2, PG, MS, PROMPTS];

/** Rooms of src/ and what each may import of the others; rooms with `pure` do no I/O. */
const ROOMS = {
  formats: { may: [], pure: true },
  plan: { may: ['contracts', 'formats'], pure: true },
  contracts: { may: ['plan', 'formats'], pure: true },
  run: { may: ['plan', 'formats'], pure: true },
  procedures: { may: ['contracts', 'plan', 'formats', 'spec'], pure: true },
  report: { may: ['contracts', 'plan', 'run', 'formats'], pure: true },
  workflows: { may: ['plan', 'run'], pure: true, rootToo: true },
  spec: { may: ['formats'] },
  hosts: { may: ['contracts', 'plan', 'formats', 'spec'], packages: [PG, MS, PROMPTS] },
  activities: { may: ['contracts', 'plan', 'formats', 'hosts'] },
  client: { may: ['plan', 'run', 'spec', 'workflows'] },
  cli: {
    may: ['client', 'plan', 'run', 'procedures', 'report', 'spec', 'formats'],
    packages: [SSH2, PG, MS, TEMPORAL_CLIENT],
  },
};

/** The import rule of one room; patterns are matched against the text of the import. */
function restrict({ may, pure = false, rootToo = false, packages = EVERYWHERE }, room) {
  const others = Object.keys(ROOMS).filter((other) => other !== room && !may.includes(other));
  const patterns = [
    {
      group: others.map((other) => `**/${other}/**`),
      message: `src/${room}/ may import ${may.map((other) => `${other}/`).join(', ') || 'no other folder'}`,
    },
    ...(pure ? [NODE] : []),
    // Files beside the folders (failures, digest, client): Workflow code needs none of them.
    ...(rootToo ? [{ regex: '^\\.\\./[^/]+\\.js$', message: 'workflows/ imports plan/ and run/ only' }] : []),
  ];
  return ['error', { paths: packages, patterns }];
}

const rooms = Object.entries(ROOMS).map(([room, rule]) => ({
  name: `rehost: imports of src/${room}`,
  files: [`src/${room}/**/*.ts`],
  rules: { 'no-restricted-imports': restrict(rule, room) },
}));

const NOT_RUN = (name) => ({
  selector: `CallExpression[callee.object.name=/^(it|test|describe)$/][callee.property.name=${name}]`,
  message: 'every test runs: a skipped one proves nothing, a lonely one hides the others',
});

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'artifacts/', '.rehost/', 'node_modules/', 'test/lint-fixtures/'] },
  js.configs.recommended,
  {
    files: ['**/*.mjs', '**/*.js', '**/*.cjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        module: 'writable',
        require: 'readonly',
        __dirname: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        fetch: 'readonly',
        AbortSignal: 'readonly',
        AbortController: 'readonly',
        Buffer: 'readonly',
      },
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { 'import-x': importX, jsdoc },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      'import-x/extensions': ['.ts', '.js'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [
        createNodeResolver({ extensions: ['.ts', '.js'], extensionAlias: { '.js': ['.ts', '.js'] } }),
      ],
    },
  },
  {
    name: 'rehost: all code',
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Types of foreign data are often wider at run time than declared: a check too many is no fault.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // Temporal's SDK declares interfaces and generated enums where it gives instances and numbers.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/ban-ts-comment': 'error',
      'max-lines': ['error', { max: 350 }],
      'max-lines-per-function': ['error', { max: 60 }],
      'max-params': ['error', { max: 3 }],
      'no-console': 'error',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      'import-x/no-cycle': 'error',
    },
  },
  {
    name: 'rehost: product and lab',
    files: ['src/**/*.ts', 'lab/**/*.ts'],
    rules: {
      'jsdoc/require-jsdoc': [
        'error',
        {
          publicOnly: true,
          require: {
            FunctionDeclaration: true,
            ClassDeclaration: true,
            ArrowFunctionExpression: true,
            FunctionExpression: true,
          },
          contexts: [
            'TSInterfaceDeclaration',
            'TSTypeAliasDeclaration',
            'ExportNamedDeclaration > VariableDeclaration',
          ],
        },
      ],
      'no-restricted-imports': ['error', { paths: EVERYWHERE }],
    },
  },
  ...rooms,
  {
    name: 'rehost: imports of src/activities/postgres',
    files: ['src/activities/postgres*.ts'],
    rules: {
      'no-restricted-imports': restrict({ ...ROOMS.activities, packages: [SSH2, MS, PROMPTS] }, 'activities'),
    },
  },
  { files: ['src/cli/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    name: 'rehost: tests',
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...['skip', 'only', 'todo'].map(NOT_RUN)],
      'max-lines-per-function': 'off',
      // A row of a table of cases is as wide as the table.
      'max-params': 'off',
      // Jest's asymmetric matchers (expect.any, expect.stringContaining) are typed as any.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    name: 'rehost: oracle',
    files: ['test/oracle/**/*.ts'],
    ignores: ['test/oracle/**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['**/src/**', '**/lab/**'], message: 'the oracle shares no code with what it judges' },
          ],
        },
      ],
    },
  },
);
