/*
 * The oracle: it decides whether a migration or a rollback is right. It shares no code with the product.
 */
export * from './allow-list.js';
export * from './answers.js';
export * from './compare.js';
export * from './exclusions.js';
export { OracleError, type Exec, type ExecResult } from './exec.js';
export * from './executed.js';
export * from './migration.js';
export * from './previewed.js';
export * from './snapshot.js';
export type { Databases, DatabaseContent } from './databases.js';
export type { SystemState } from './system.js';
export type { Entries, Entry } from './trees.js';
export * from './wrappers.js';
