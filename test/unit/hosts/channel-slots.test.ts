import { ChannelSlots } from '../../../src/hosts/channel-slots.js';

describe('ChannelSlots', () => {
  it('lets waiting holders in one by one, in order of arrival', async () => {
    const slots = new ChannelSlots(1);
    const order: number[] = [];
    const first = await slots.take();
    const later = [1, 2, 3].map(async (n) => {
      const giveBack = await slots.take();
      order.push(n);
      giveBack();
    });
    expect(order).toEqual([]);
    first();
    first(); // giving back twice must not free a second slot
    await Promise.all(later);
    expect(order).toEqual([1, 2, 3]);
    expect(slots.inUse).toBe(0);
  });

  it('lets nobody in beyond a lowered limit until enough have left', async () => {
    const slots = new ChannelSlots(3);
    const held = [await slots.take(), await slots.take(), await slots.take()];
    slots.lower();
    slots.lower();
    let entered = false;
    const waiting = slots.take().then((giveBack) => {
      entered = true;
      return giveBack;
    });
    held[0]?.();
    await Promise.resolve();
    expect(entered).toBe(false);
    held[1]?.();
    (await waiting)();
    expect(entered).toBe(true);
  });

  it('forgets a waiting holder whose signal is aborted', async () => {
    const slots = new ChannelSlots(1);
    const giveBack = await slots.take();
    const controller = new AbortController();
    const waiting = slots.take(controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    giveBack();
    expect(slots.inUse).toBe(0);
  });
});
