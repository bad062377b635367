import js from '@eslint/js';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import jsdoc from 'eslint-plugin-jsdoc';
import tseslint from 'typescript-eslint';

/** What each room of the house may not import; the reasons are in ARCHITECTURE.md, "Import rules". */
const NODE = { group: ['node:*'], message: 'this folder does no I/O and imports no Node module' };
const SSH2 = { name: 'ssh2', message: 'only src/hosts/ reaches machines' };
const PG = { name: 'pg', message: 'only src/activities/postgres* reaches databases' };
const TEMPORAL_CLIENT = {
  name: '@temporalio/client',
  message: 'src/cli/ talks to Temporal through src/client.ts alone',
};
const restrict = ({ paths = [], patterns = [] }) => ['error', { paths, patterns }];
const outside = (folders, message) => ({
  group: folders.map((folder) => `**/${folder}/**`),
  message,
});

const PURE = ['contracts', 'plan', 'run', 'procedures', 'formats'];
const WORKFLOWS_MAY_NOT = [
  'contracts',
  'procedures',
  'activities',
  'hosts',
  'cli',
  'report',
  'spec',
  'formats',
];

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
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/ban-ts-comment': 'error',
      'max-lines': ['error', { max: 350 }],
      'max-lines-per-function': ['error', { max: 60 }],
      'max-params': ['error', { max: 3 }],
      'no-console': 'error',
      'import-x/no-cycle': 'error',
    },
  },
  {
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
      'no-restricted-imports': restrict({ paths: [SSH2, PG] }),
    },
  },
  { files: ['src/hosts/**/*.ts'], rules: { 'no-restricted-imports': restrict({ paths: [PG] }) } },
  { files: ['src/activities/postgres*.ts'], rules: { 'no-restricted-imports': restrict({ paths: [SSH2] }) } },
  {
    files: ['src/cli/**/*.ts'],
    rules: { 'no-restricted-imports': restrict({ paths: [SSH2, PG, TEMPORAL_CLIENT] }), 'no-console': 'off' },
  },
  {
    files: PURE.map((folder) => `src/${folder}/**/*.ts`),
    rules: {
      'no-restricted-imports': restrict({
        paths: [SSH2, PG],
        patterns: [NODE, outside(['hosts', 'activities', 'cli', 'workflows'], 'pure folders do no I/O')],
      }),
    },
  },
  {
    files: ['src/workflows/**/*.ts'],
    rules: {
      'no-restricted-imports': restrict({
        paths: [SSH2, PG],
        patterns: [
          NODE,
          outside(WORKFLOWS_MAY_NOT, 'workflows/ imports plan/ and run/ only'),
          '../digest.js',
          '../failures.js',
          '../client.js',
          '../worker.js',
        ],
      }),
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['test/oracle/**/*.ts'],
    ignores: ['test/oracle/**/*.test.ts'],
    rules: {
      'no-restricted-imports': restrict({
        patterns: [outside(['src', 'lab'], 'the oracle shares no code with what it judges')],
      }),
    },
  },
);
