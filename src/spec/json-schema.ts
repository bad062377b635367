import { z } from 'zod';
import { inventorySchema } from './inventory-schema.js';
import { specSchema } from './spec-schema.js';

/** JSON Schema (draft 2020-12) of the spec or the inventory as a person writes it, for editors. */
export function jsonSchemaOf(what: 'spec' | 'inventory'): object {
  const schema = what === 'spec' ? specSchema : inventorySchema;
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
}
