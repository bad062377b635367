import { createHash } from 'node:crypto';
import { canonicalJson } from './plan/json.js';

/** SHA-256 of a text, 64 hex digits. */
export const sha256Hex = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** SHA-256 over the canonical JSON of a value, 64 hex digits. */
export const digestOf = (value: unknown): string => sha256Hex(canonicalJson(value));
