export { createHosts, type HostsOptions } from './ssh-hosts.js';
export { hostConfigs, type HostConfig, type InventoryHostEntry } from './host-config.js';
export type * from './host.js';
export { signalOf } from './command-end.js';
export { commandFailed, lastLines } from './command-failure.js';
export * from './units.js';
export { claimHost, readClaim, refuseForeignClaim, releaseClaim, type Claim } from './claim.js';
export { addLeftOver, listLeftOvers, removeLeftOver, type LeftOver } from './ledger.js';
export { fingerprintOf } from './known-hosts.js';
export { readUndoFile, recordUndo, removeUndo, type UndoFragment, type UndoPlace } from './undo-file.js';
export { checkRoot, readIdentity, type HostIdentity } from './identity.js';
export { sudoersFile, type SudoersFile } from './sudoers.js';
export {
  assertFence,
  fenceState,
  raiseFence,
  readServiceState,
  type FenceMark,
  type FenceState,
  type ServiceState,
} from './fence.js';
