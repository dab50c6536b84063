import { expect, test } from 'vitest';
import { floatKeys, radixOrder } from '../../engine/math/radix-order.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';

for (const n of [0, 1, 2, 17, 128, 129, 500]) {
  test(`radixOrder(): ${n} numbers come in order of size, equal ones in order of place`, () => {
    const stream = rngFromSeed(3).stream({ purpose: 40, particle: n });
    // Rounded, so that many are equal; signs and zeros of both kinds among them.
    const x = Float64Array.from({ length: n }, (_, i) =>
      i % 9 === 0 ? -0 : Math.round(6 * stream.normal()) / 4,
    );
    const [high, low] = [new Uint32Array(n), new Uint32Array(n)];
    floatKeys(x, high, low);
    const order = new Uint32Array(n);
    radixOrder(high, low, order, new Uint32Array(n));
    const expected = Array.from(x.keys()).sort((i, j) => x[i]! - x[j]! || i - j);
    expect([...order]).toEqual(expected);
  });
}
