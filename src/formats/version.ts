/** Order of two release numbers such as 2026.04.1; negative when the left one is older, 0 when they are equal. */
export function compareVersions(left: string, right: string): number {
  const numbers = (version: string): readonly number[] => version.split(/[^0-9]+/).map(Number);
  const [a, b] = [numbers(left), numbers(right)];
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
