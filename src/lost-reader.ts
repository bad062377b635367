import type { EventEmitter } from 'node:events';

/** Lets a stream outlive who reads it: a pipe whose reader went away (`| head`) or a closed terminal ends nothing. */
export function surviveLostReader(stream: Pick<EventEmitter, 'on'>): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}
