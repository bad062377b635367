// One project per level of test. Jest runs CommonJS: the transform turns our ES modules into it.
const base = {
  testEnvironment: 'node',
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  extensionsToTreatAsEsm: [],
  modulePathIgnorePatterns: ['<rootDir>/dist'],
};
const project = (name, extra = {}) => ({
  ...base,
  displayName: name,
  rootDir: __dirname,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
  ...extra,
});
module.exports = {
  projects: [
    project('unit', { testMatch: ['<rootDir>/test/unit/**/*.test.ts'] }),
    project('workflows', {
      globalSetup: '<rootDir>/test/workflows/global-setup.ts',
      globalTeardown: '<rootDir>/test/workflows/global-teardown.ts',
    }),
    project('replay'),
    project('integration'),
    project('oracle', { testMatch: ['<rootDir>/test/oracle/**/*.test.ts'] }),
    project('e2e'),
    project('rollback'),
  ],
};
