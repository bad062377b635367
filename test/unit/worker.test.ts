import type { EventEmitter } from 'node:events';
import { pino } from 'pino';
import { createLogger } from '../../src/worker.js';

const broken = (code: string): Error => Object.assign(new Error(code), { code });

describe('the logger of a process', () => {
  const stream = (): EventEmitter =>
    (createLogger() as unknown as Record<symbol, EventEmitter>)[pino.symbols.streamSym]!;

  it.each(['EIO', 'EPIPE'])('survives %s: whoever read it has closed the terminal', (code) => {
    expect(() => stream().emit('error', broken(code))).not.toThrow();
  });

  it('ends the process for any other error of its output', () => {
    expect(() => stream().emit('error', broken('ENOSPC'))).toThrow('ENOSPC');
  });
});
