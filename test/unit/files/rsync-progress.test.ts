import fc from 'fast-check';
import {
  honestProgress,
  parsePullSummary,
  parseRsyncProgress,
  wantsAnotherPass,
} from '../../../src/formats/rsync-progress.js';

describe('progress of rsync', () => {
  it('takes the newest line of what rsync 3.5.0 prints', () => {
    const output =
      '\r              0   0%    0.00kB/s    0:00:00  \r      3145728  30%    2.93MB/s    0:00:02 (xfr#1, to-chk=7/10)';
    expect(parseRsyncProgress(output)).toEqual({
      bytesDone: 3_145_728,
      percent: 30,
      bytesPerSecond: Math.round(2.93 * 1024 ** 2),
      entriesDone: 3,
      entriesTotal: 10,
    });
  });

  it('goes back to the last line that is whole', () => {
    expect(parseRsyncProgress('\r  10  1%  1.00kB/s  0:00:01 (xfr#1, to-chk=1/2)\r   20  2')?.bytesDone).toBe(
      10,
    );
  });

  it.each([
    '',
    'sending incremental file list',
    '\r 10 101% 1.00kB/s 0:00:01',
    '\r 10 5% 1.00kB/s 0:00:01 (xfr#1, to-chk=9/2)',
    'Number of files: 7',
  ])('says nothing about %j', (output) => {
    expect(parseRsyncProgress(output)).toBeUndefined();
  });

  it('never shows a total below what is done, nor a negative time', () => {
    const line = fc.record({
      bytes: fc.nat(),
      percent: fc.nat(150),
      rate: fc.nat(9999),
      left: fc.nat(50),
      total: fc.nat(50),
    });
    fc.assert(
      fc.property(line, fc.boolean(), ({ bytes, percent, rate, left, total }, first) => {
        const parsed = parseRsyncProgress(
          `\r ${bytes} ${percent}% ${rate}.00kB/s 0:00:01 (xfr#1, to-chk=${left}/${total})`,
        );
        if (parsed === undefined) return percent > 100 || left > total;
        const shown = honestProgress(parsed, first);
        return (
          parsed.percent <= 100 &&
          (shown.bytesTotal ?? shown.bytesDone) >= shown.bytesDone &&
          (shown.etaMs ?? 0) >= 0 &&
          (shown.filesDone ?? 0) >= 0
        );
      }),
    );
  });

  it('never throws, whatever is printed', () => {
    fc.assert(fc.property(fc.string(), (output) => parseRsyncProgress(output) === undefined || true));
  });

  it('gives an ETA in the first pass only, since later ones send what no one knows yet', () => {
    const progress = { bytesDone: 50, percent: 50, bytesPerSecond: 10, entriesDone: 1, entriesTotal: 4 };
    expect(honestProgress(progress, true)).toMatchObject({ bytesTotal: 100, etaMs: 5000 });
    const later = honestProgress(progress, false);
    expect(later).not.toHaveProperty('etaMs');
    expect(later).not.toHaveProperty('bytesTotal');
    expect(later.note).toBe('1 of 4 entries compared');
  });
});

describe('summary of a pull', () => {
  const call = (received: number, files: number): string => `Number of files: 12 (reg: 9, dir: 3)
Number of created files: 0
Number of regular files transferred: ${files}
Total file size: 1,234 bytes
Total transferred file size: 3 bytes
Literal data: 3 bytes
Total bytes sent: 80
Total bytes received: ${received}
`;

  it('sums the calls of one unit and keeps the passes before', () => {
    expect(parsePullSummary(`attempts 3\n${call(113, 1)}${call(20, 2)}pass 1 900\npass 2 133\n`)).toEqual({
      attempts: 3,
      bytesReceived: 133,
      bytesTotal: 1234,
      filesTransferred: 3,
      filesTotal: 12,
      passes: [
        { generation: 1, bytes: 900 },
        { generation: 2, bytes: 133 },
      ],
    });
  });

  it('is none when the text is cut', () => {
    expect(parsePullSummary(call(113, 1))).toBeUndefined();
    expect(parsePullSummary('attempts 1\npass 1 5\n')).toBeUndefined();
  });
});

describe('warm passes', () => {
  const MIB = 1024 ** 2;
  it.each([
    [10 * MIB, undefined, true],
    [7 * MIB, 10 * MIB, true],
    [8 * MIB, 10 * MIB, false],
    [20 * MIB, 10 * MIB, false],
    [MIB, 10 * MIB, false],
  ])('after %d bytes, %s before: again is %s', (bytes, before, again) => {
    expect(wantsAnotherPass(bytes, before)).toBe(again);
  });
});
