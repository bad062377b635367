import type { ActivityOptions } from '@temporalio/workflow';
import type { TimeoutClass } from '../plan/types.js';

/**
 * Temporal timeouts of each class, with their reasons.
 *
 * `scheduleToCloseTimeout` bounds all attempts together, `startToCloseTimeout` one attempt.
 */
export const TIMEOUTS: { readonly [Class in TimeoutClass]: ActivityOptions } = {
  // A probe reads a few files or asks a service: an attempt that takes a minute talks to a dead host. Five minutes in
  // all outlast a restart of the worker or of the host, and are short enough to park while the operator still looks.
  probe: {
    startToCloseTimeout: '60s',
    scheduleToCloseTimeout: '5m',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '15s' },
  },
  // Something that changes a little and ends by itself: stopping a service that drains, renaming trees, writing files.
  // systemd gives a unit 90 s to stop; ten minutes are the slowest seen times several. Half an hour in all, then a
  // person should know.
  short: {
    startToCloseTimeout: '10m',
    scheduleToCloseTimeout: '30m',
    retry: { initialInterval: '2s', backoffCoefficient: 2, maximumInterval: '30s' },
  },
  // A transient systemd unit may copy for days, and it goes on while no worker watches: so attempts are unlimited (a
  // deploy of the worker costs one each) and only liveness is bounded. 60 s without a heartbeat means that the watcher
  // is dead; the next attempt attaches to the same unit. The Activity itself parks after 10 min without a good poll.
  unit: {
    startToCloseTimeout: '30d',
    heartbeatTimeout: '60s',
    retry: { initialInterval: '2s', backoffCoefficient: 2, maximumInterval: '30s' },
  },
};
