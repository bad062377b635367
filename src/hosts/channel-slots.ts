/**
 * Lets at most `limit` holders in at a time, the others wait in order of arrival.
 *
 * sshd's `MaxSessions` (default 10) ends a connection's eleventh session with an error; one connection is shared by all
 * Activities of a worker, so they queue here instead.
 */
export class ChannelSlots {
  private limit: number;
  private held = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Slots held now. */
  get inUse(): number {
    return this.held;
  }

  /** Waits for a slot; the answer gives it back and may be called more than once. @throws the signal's reason */
  async take(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.held >= this.limit) await this.turn(signal);
    else this.held += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.release();
    };
  }

  /** Learns that the server allows fewer: the limit becomes what is in use besides the refused one, at least 1. */
  lower(): void {
    this.limit = Math.max(1, Math.min(this.limit, this.held - 1));
  }

  private turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal?.removeEventListener('abort', abandon);
        resolve();
      };
      const abandon = (): void => {
        this.waiting.splice(this.waiting.indexOf(enter), 1);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', abandon, { once: true });
      this.waiting.push(enter);
    });
  }

  private release(): void {
    const next = this.held <= this.limit ? this.waiting.shift() : undefined;
    if (next === undefined) this.held -= 1;
    else next(); // the slot passes on, the count stays
  }
}
