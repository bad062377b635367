import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import type { Configuration } from '../config.js';
import { unreachable } from './translate.js';

/** Longest wait for a first answer of Temporal, in ms. */
export const CONNECT_TIMEOUT_MS = 5000;

/** A Temporal client that has had its first answer. @throws TemporalUnreachable within `CONNECT_TIMEOUT_MS` */
export async function connectClient(
  configuration: Pick<Configuration, 'connection' | 'address' | 'namespace' | 'identity'>,
): Promise<Client> {
  try {
    const connection = await Connection.connect({
      // Client and worker take the same profile; its few native-only members are none that a profile can set.
      ...(configuration.connection as ConnectionOptions),
      connectTimeout: CONNECT_TIMEOUT_MS,
    });
    return new Client({ connection, namespace: configuration.namespace, identity: configuration.identity });
  } catch (cause) {
    throw unreachable(configuration.address, cause);
  }
}
