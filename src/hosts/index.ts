export { createHosts, type HostsOptions } from './ssh-hosts.js';
export { hostConfigs, type HostConfig, type InventoryHostEntry } from './host-config.js';
export type * from './host.js';
export { commandFailed, lastLines } from './command-failure.js';
export { forgetUnit, pollUnit, startUnit, stopUnit, type UnitPoll } from './units.js';
export { unitPlace, type UnitSpec } from './unit-spec.js';
export type { UnitStatus } from './unit-state.js';
export { watchUnit, type UnitResult, type WatchOptions, type WatchReport } from './unit-watch.js';
