import { expect, test } from 'vitest';
import { channel, rngFromKey } from '../../engine/random/rng.ts';
import { type Kernels, twins } from '../../engine/wasm/kernels.ts';
import { RESERVED_BYTES } from '../../engine/wasm/loader.ts';
import { normalQuantile } from '../../engine/wasm/twins/normal.ts';
import { philoxBlock } from '../../engine/wasm/twins/philox.ts';
import { blockCount, sum, treeSum } from '../../engine/wasm/twins/sums.ts';
import reference from '../reference/random.json' with { type: 'json' };
import { bind } from './bind.ts';

const memory = new WebAssembly.Memory({ initial: 8 });
const HOSTS: readonly (readonly [string, Kernels, ArrayBufferLike | undefined])[] = [
  ['JavaScript', twins, undefined],
  ['WebAssembly', bind(memory), memory.buffer],
];

/** Room for n numbers at byte `offset` past the reserved part, where the host wants it. */
function f64(buffer: ArrayBufferLike | undefined, n: number, offset = 0): Float64Array {
  return buffer === undefined ? new Float64Array(n) : new Float64Array(buffer, RESERVED_BYTES + offset, n);
}

const parse = (word: string): number => Number.parseInt(word, 16);
const hex = (words: ArrayLike<number>): string[] =>
  Array.from(words, (word) => word.toString(16).padStart(8, '0'));

function expectWithinUlp(found: number, exact: number, most: number): void {
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(exact))) - 52);
  expect(Math.abs(found - exact) / unit, `${found} for ${exact}`).toBeLessThanOrEqual(most);
}

for (const [host, kernels, buffer] of HOSTS) {
  test(`philoxWords in ${host}: the known answers of Random123, and the words of the project's layout`, () => {
    const known = reference.kat.map(({ ctr, key, out }) => ({ ctr, key, words: out }));
    for (const { ctr, key, words } of [...known, ...reference.layout]) {
      const [c0, c1, c2, c3] = ctr.map(parse) as [number, number, number, number];
      const [k0, k1] = key.map(parse) as [number, number];
      const out = buffer === undefined ? new Uint32Array(4) : new Uint32Array(buffer, RESERVED_BYTES, 4);
      kernels.philoxWords(out, k0, k1, c0, c1, c2, c3, 0, 1);
      expect(hex(out)).toEqual(words);
    }
  });

  test(`uniform and normal in ${host}: the numbers of the layout, exactly and to 4 ulp`, () => {
    for (const row of reference.layout) {
      const [k0, k1] = row.key.map(parse) as [number, number];
      const last = channel(row.purpose, row.sub);
      const d = 2 * row.block + 2; // the block's uniforms are the last two of the row
      const out = f64(buffer, d);
      kernels.uniform(out, d, k0, k1, row.particle, row.step, last, 0, 1);
      expect([...out.subarray(d - 2)]).toEqual(row.uniform64);
      kernels.normal(out, d, k0, k1, row.particle, row.step, last, 0, 1);
      row.normal_from_uniform64.forEach((exact, m) => {
        expectWithinUlp(out[d - 2 + m]!, exact, 4);
      });
    }
  });

  test(`normalQuantiles in ${host}: within 4 ulp of multiple-precision values from 1e-300 to 1 - 2^-53`, () => {
    const points = reference.normalQuantiles as [number, number][];
    const p = f64(buffer, points.length);
    p.set(points.map(([at]) => at));
    kernels.normalQuantiles(p, p, 0, points.length);
    points.forEach(([, exact], i) => {
      if (exact === 0) expect(p[i]).toBe(0);
      else expectWithinUlp(p[i]!, exact, 4);
    });
  });

  test(`sumBlocks in ${host}: the fixed tree of 1/1 + ... + 1/10000 to the last bit, not the sum from left to right`, () => {
    const n = 10000;
    const x = f64(buffer, n);
    for (let i = 0; i < n; i++) x[i] = 1 / (i + 1);
    const blocks = blockCount(n);
    const partial = f64(buffer, blocks, 8 * n);
    kernels.sumBlocks(x, n, partial, 0, blocks);
    expect(treeSum(partial, blocks)).toBe(reference.fixedTreeSum.value);
    expect(x.reduce((a, b) => a + b, 0)).not.toBe(reference.fixedTreeSum.value);
  });
}

test('sum: the fixed tree of any length, 0 of nothing', () => {
  expect(sum(new Float64Array(0))).toBe(0);
  expect(sum(Float64Array.from({ length: 5000 }, (_, i) => i))).toBe(12497500);
});

test('philoxBlock: counters and keys are taken modulo 2^32, signed or not', () => {
  const [a, b] = [new Uint32Array(4), new Uint32Array(4)];
  philoxBlock(4294967295, 0, 7, 4294967290, 4294967295, 2147483648, a);
  philoxBlock(-1, 0, 7, -6, -1, -2147483648, b);
  expect(b).toEqual(a);
});

test('normalQuantile: infinite at 0 and 1, NaN outside, odd about 1/2 on the grid of uniforms', () => {
  expect([0, 1].map(normalQuantile)).toEqual([-Infinity, Infinity]);
  expect([-0.1, 1.1, Number.NaN].map(normalQuantile)).toEqual(Array(3).fill(Number.NaN));
  for (const p of [2 ** -53, 1e-3 - 2 ** -60, 0.075, 0.3]) {
    const onGrid = (Math.floor(p * 2 ** 52) + 0.5) * 2 ** -52;
    expect(normalQuantile(1 - onGrid)).toBe(-normalQuantile(onGrid));
  }
});

test('child: keys of replicates, chains and other children are those of the layout', () => {
  for (const { seed, tag, index, child_key } of reference.derive) {
    const parent = rngFromKey(parse(seed.slice(8)), parse(seed.slice(0, 8)));
    expect(hex(parent.child(tag, Number(index)).key)).toEqual(child_key);
  }
});
