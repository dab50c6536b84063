import { afterEach, expect, test, vi } from 'vitest';
import { makeTurn } from '../engine/turn.ts';

afterEach(() => vi.unstubAllGlobals());

/** A turn that is due. */
async function dueTurn(): Promise<ReturnType<typeof makeTurn>> {
  const turn = makeTurn();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(turn.due()).toBe(true);
  return turn;
}

test('pause(): where setImmediate is missing, a message and no timer gives the turn', async () => {
  const turn = await dueTurn();
  const order: string[] = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    order.push('a message sent before');
    port1.close();
  };
  port2.postMessage(undefined);
  const timer = vi.fn();
  vi.stubGlobal('setImmediate', undefined);
  vi.stubGlobal('setTimeout', timer);
  await turn.pause();
  order.push('the turn');
  expect(order).toEqual(['a message sent before', 'the turn']);
  expect(timer).not.toHaveBeenCalled();
  expect(turn.due()).toBe(false);
});

test('pause(): a timer gives the turn where there is nothing better', async () => {
  const turn = await dueTurn();
  vi.stubGlobal('setImmediate', undefined);
  vi.stubGlobal('MessageChannel', undefined);
  await turn.pause();
  expect(turn.due()).toBe(false);
});

test('pause(): an aborted signal ends the wait with its reason', async () => {
  const turn = await dueTurn();
  const stop = new AbortController();
  const waiting = turn.pause(stop.signal);
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});
