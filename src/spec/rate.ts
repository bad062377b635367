const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** What a rate may look like; also the `pattern` of the JSON Schema. */
export const RATE_PATTERN = /^[0-9]+(\.[0-9]+)?(B|kB|MB|GB|KiB|MiB|GiB)\/s$/;

/** Bytes per second of a text such as `80MiB/s`; undefined when it is no rate above 1 KiB/s. */
export function parseRate(text: string): number | undefined {
  if (!RATE_PATTERN.test(text)) return undefined;
  const [, digits = '', unit = ''] = /^([0-9.]+)([A-Za-z]+)\/s$/.exec(text) ?? [];
  const bytes = Math.round(Number(digits) * (UNITS[unit] ?? Number.NaN));
  return bytes >= 1024 ? bytes : undefined;
}
