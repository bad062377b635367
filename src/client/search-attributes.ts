import type { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { SEARCH_ATTRIBUTES, type SearchAttribute } from '../run/publication.js';
import { grpcCode } from './translate.js';

const NAMES: readonly string[] = SEARCH_ATTRIBUTES;
/** `temporal.api.enums.v1.IndexedValueType.KEYWORD` */
const KEYWORD = 2;
/** gRPC ALREADY_EXISTS: somebody else was faster, which is as good. */
const ALREADY_EXISTS = 6;
const USABLE_TIMEOUT_MS = 15_000;

/** Names of our search attributes that the namespace lacks. */
export async function missingSearchAttributes(client: Client): Promise<readonly string[]> {
  const { operatorService } = client.connection as Pick<Connection, 'operatorService'>;
  const { customAttributes } = await operatorService.listSearchAttributes({
    namespace: client.options.namespace,
  });
  return NAMES.filter((name) => customAttributes?.[name] === undefined);
}

/** Registers the search attributes that the namespace lacks and waits until they can be used; answers what was added. */
export async function ensureSearchAttributes(client: Client): Promise<readonly string[]> {
  const missing = await missingSearchAttributes(client);
  if (missing.length === 0) return [];
  const { operatorService } = client.connection as Pick<Connection, 'operatorService'>;
  try {
    await operatorService.addSearchAttributes({
      namespace: client.options.namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
    });
  } catch (error) {
    if (grpcCode(error) !== ALREADY_EXISTS) throw error;
  }
  const deadline = Date.now() + USABLE_TIMEOUT_MS;
  while (!(await areUsable(client)) && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return missing;
}

// A name is registered before each part of the server has heard of it: a query that names it tells.
async function areUsable(client: Client): Promise<boolean> {
  try {
    await client.workflow.count(NAMES.map((name) => `${name} = "none"`).join(' OR '));
    return true;
  } catch {
    return false;
  }
}

/** Search attributes for the start of a run. */
export function searchAttributePairs(values: {
  readonly [Name in SearchAttribute]: string;
}): SearchAttributePair[] {
  return SEARCH_ATTRIBUTES.map((name) => ({
    key: defineSearchAttributeKey(name, 'KEYWORD'),
    value: values[name],
  }));
}
