import { formatBytes, formatCount, formatDuration, formatRate } from '../../../src/formats/quantities.js';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [1023.6 * 1024, '1 MiB'],
    [80 * 1024 * 1024, '80 MiB'],
    [12_345_678_901, '11.5 GiB'],
  ])('prints %d as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0 s'],
    [850, '850 ms'],
    [59_600, '1 min'],
    [250_000, '4 min 10 s'],
    [3_600_000, '1 h'],
    [183_600_000, '2 d 3 h'],
  ])('prints %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('formatRate and formatCount', () => {
  it('print units and groups', () => {
    expect(formatRate(1_500_000)).toBe('1.43 MiB/s');
    expect(formatCount(1_234_567)).toBe('1 234 567');
  });
});
