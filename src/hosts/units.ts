/* Long commands on a host as transient systemd units: started once, found again, stopped whole. */
export { forgetUnit, pollUnit, startUnit, stopUnit, type UnitPoll } from './unit-control.js';
export { UNIT_NAME_LIMIT, unitPlace, type UnitPlace, type UnitSpec } from './unit-spec.js';
export type { UnitStatus } from './unit-state.js';
export { watchUnit, type UnitResult, type WatchOptions, type WatchReport } from './unit-watch.js';
