import { compareVersions } from '../../formats/version.js';

/** Releases of Package Manager that this procedure was made for; others are a warning, acknowledged at the begin gate. */
export const SUPPORTED_RELEASES = [{ first: '2024.04.0', last: '2026.12.99' }] as const;

/** Whether a release lies in one of the supported ranges. */
export function isSupportedRelease(version: string): boolean {
  return SUPPORTED_RELEASES.some(
    ({ first, last }) => compareVersions(version, first) >= 0 && compareVersions(version, last) <= 0,
  );
}
