import { expect, test } from 'vitest';
import type { Gpu } from '../../../engine/backend/gpu/types.ts';
import {
  slotAncestors,
  stratifiedEnds,
  stratumUniforms,
  systematicEnds,
} from '../../../engine/backend/wgsl/ancestors.ts';
import { fromLimbs, toLimbs } from '../../../engine/backend/wgsl/limbs.ts';
import { channel, rngFromSeed, type Stream } from '../../../engine/random/rng.ts';
import { twins } from '../../../engine/wasm/kernels.ts';
import { blockCount, sum } from '../../../engine/wasm/twins/sums.ts';
import { exclusiveOffsets } from '../../../engine/wasm/twins/weights.ts';
import { describeGpu, withGpu } from '../../support/gpu.ts';

const SEED = 20260302;
const HALF_STEP = 2 ** -53;

type Scheme = 'systematic' | 'stratified';

/** One drawing: sums [n] of integer weights (for ends alone they need not increase), their total, m slots. */
interface Case {
  readonly cumulative: Float64Array;
  readonly total: number;
  readonly m: number;
  /** One uniform for systematic, m of them for stratified. */
  readonly u: Float64Array;
}

/** The end of every particle's slots by the host's own operations. */
function hostEnds({ cumulative, total, m, u }: Case, scheme: Scheme): Uint32Array {
  return Uint32Array.from(cumulative, (c) => {
    const r = m * (c / total);
    if (scheme === 'systematic') return Math.min(m, Math.floor(r + u[0]!));
    const k = Math.min(m - 1, Math.floor(r));
    return Math.min(k + 1, Math.floor(r + u[k]!));
  });
}

/** As `hostEnds` for systematic, had nothing been rounded. */
function exactEnds({ cumulative, total, m, u }: Case): Uint32Array {
  const below = BigInt(total) << 53n;
  const shift = BigInt(u[0]! / HALF_STEP) * BigInt(total);
  return Uint32Array.from(cumulative, (c) =>
    Math.min(m, Number((((BigInt(m) * BigInt(c)) << 53n) + shift) / below)),
  );
}

function hostAncestors({ cumulative, total, m, u }: Case, scheme: Scheme): Uint32Array {
  const ancestor = new Uint32Array(m);
  const n = cumulative.length;
  if (scheme === 'systematic') twins.systematicAncestors(cumulative, total, m, u[0]!, ancestor, 0, n);
  else twins.stratifiedAncestors(cumulative, total, m, u, ancestor, 0, n);
  return ancestor;
}

interface Card {
  ends(from: Case, scheme: Scheme): Promise<Uint32Array>;
  ancestors(from: Case, scheme: Scheme): Promise<Uint32Array>;
}

/** The card's answers for up to `most` particles and slots. */
function makeCard(gpu: Gpu, most: number): Card {
  const arena = gpu.arena();
  const cumulative = arena.u32(2 * most);
  const uniforms = arena.u32(2 * most);
  const end = arena.u32(most);
  const ancestor = arena.u32(most);
  const queueEnds = (from: Case, scheme: Scheme): void => {
    const n = from.cumulative.length;
    const [totalLow = 0, totalHigh = 0] = toLimbs([from.total]);
    const u = toLimbs(from.u.map((value) => value / HALF_STEP));
    gpu.write(cumulative, toLimbs(from.cumulative));
    const total = { totalLow, totalHigh, m: from.m };
    if (scheme === 'systematic') {
      gpu.run(systematicEnds, { cumulative, end }, { ...total, uLow: u[0]!, uHigh: u[1]! }, n);
    } else {
      gpu.write(uniforms, u);
      gpu.run(stratifiedEnds, { cumulative, u: uniforms, end }, total, n);
    }
  };
  return {
    ends(from, scheme) {
      queueEnds(from, scheme);
      return gpu.read(end, 0, from.cumulative.length);
    },
    ancestors(from, scheme) {
      queueEnds(from, scheme);
      gpu.run(slotAncestors, { end, ancestor }, { n: from.cumulative.length }, from.m);
      return gpu.read(ancestor, 0, from.m);
    },
  };
}

/** An integer with a random number of bits, 1..most; often a power of two or next to one. */
function anyInteger(stream: Stream, most: number): number {
  const power = 2 ** stream.below(Math.floor(Math.log2(most)) + 1);
  const value = [power, power - 1, power + 1][stream.below(4)] ?? Math.floor(stream.uniform() * 2 * power);
  return Math.min(most, Math.max(1, value));
}

function gridUniform(stream: Stream): number {
  const edges = [
    HALF_STEP,
    1 - HALF_STEP,
    0.5 + HALF_STEP,
    0.5 - HALF_STEP,
    3 * HALF_STEP,
    1 - 3 * HALF_STEP,
  ];
  return edges[stream.below(12)] ?? stream.uniform();
}

/** Sums that put r + u on, just below and just above whole numbers, besides random ones. */
function knifeEdges(stream: Stream, total: number, m: number, u: number, n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => {
    if (i < 2) return i * total;
    if (i % 4 === 0) return Math.min(total, anyInteger(stream, total));
    const whole = 1 + stream.below(Math.min(m, 2 ** 31));
    const edge = Math.round(((whole - u) / m) * total) + stream.below(5) - 2;
    return Math.min(total, Math.max(0, edge));
  });
}

function adversarial(stream: Stream, scheme: Scheme): Case {
  const total = anyInteger(stream, 2 ** 53);
  const m = anyInteger(stream, scheme === 'systematic' ? 2 ** 32 - 1 : 256);
  const first = gridUniform(stream);
  const u = Float64Array.from({ length: scheme === 'systematic' ? 1 : m }, () =>
    stream.below(3) === 0 ? gridUniform(stream) : first,
  );
  return { cumulative: knifeEdges(stream, total, m, u[0]!, 256), total, m, u };
}

/** Weights made integers as a resampler makes them. */
function caseOf(weight: Float64Array, m: number, u: Float64Array): Case {
  const q = weight.slice();
  const n = q.length;
  const blocks = blockCount(n);
  const partial = new Float64Array(blocks);
  twins.quantiseBlocks(q, n, sum(weight), q, partial, 0, blocks);
  const total = exclusiveOffsets(partial, blocks);
  const cumulative = new Float64Array(n);
  twins.scanBlocks(q, n, partial, cumulative, 0, blocks);
  return { cumulative, total, m, u };
}

type Weights = (i: number, n: number, stream: Stream) => number;
const SHAPES: Readonly<Record<string, Weights>> = {
  'all equal': () => 1,
  'one alive, the first': (i) => (i === 0 ? 1 : 0),
  'one alive, in the middle': (i, n) => (i === n >> 1 ? 1 : 0),
  'one alive, the last': (i, n) => (i === n - 1 ? 1 : 0),
  'long dead runs': (i, _, stream) => (i % 97 < 90 ? 0 : stream.uniform()),
  'powers of two': (i) => 2 ** -(i % 60),
  'a huge spread': (_, __, stream) => Math.exp(-700 * stream.uniform()),
  exponential: (_, __, stream) => -Math.log(stream.uniform()),
  'one heavy, the rest as light as can be': (i, n) => (i === n - 1 ? 1 : 2 ** -52),
};

/** Systematic resampling by a running sum of float32 weights, as a card would do it without integers. */
function float32Ancestors(weight: Float64Array, m: number, u: number): Uint32Array {
  const ancestor = new Uint32Array(m).fill(weight.length - 1);
  const total = sum(weight);
  let running = 0;
  let slot = 0;
  for (let i = 0; i < weight.length; i++) {
    running = Math.fround(running + Math.fround(weight[i]! / total));
    const end = Math.min(m, Math.floor(m * running + u));
    while (slot < end) ancestor[slot++] = i;
  }
  return ancestor;
}

describeGpu('ancestors', () => {
  test("systematicEnds, stratifiedEnds: the ends of 2000 adversarial totals, counts and uniforms are the host's", () =>
    withGpu(async (gpu) => {
      const stream = rngFromSeed(SEED).stream({ purpose: 40 });
      // As many at once as wait for nothing but each other.
      const cards = Array.from({ length: 50 }, () => makeCard(gpu, 256));
      let rounded = 0;
      for (let round = 0; round < 2000; round += cards.length) {
        const scheme = round % 100 === 0 ? 'systematic' : 'stratified';
        const cases = cards.map(() => adversarial(stream, scheme));
        const found = await Promise.all(cases.map((one, k) => cards[k]!.ends(one, scheme)));
        cases.forEach((one, k) => {
          const expected = hostEnds(one, scheme);
          const wrong = found[k]!.findIndex((end, i) => end !== expected[i]);
          const about = `${scheme} C ${one.cumulative[wrong]} T ${one.total} m ${one.m} u ${one.u[0]}`;
          expect(wrong === -1 ? -1 : [about, found[k]![wrong], expected[wrong]]).toBe(-1);
          if (scheme === 'systematic')
            rounded += exactEnds(one).filter((end, i) => end !== expected[i]).length;
        });
      }
      // Where rounding decides, an emulation of anything but the host's own three operations would be caught.
      expect(rounded).toBeGreaterThan(1000);
    }));

  test("slotAncestors: ancestors equal the host's for weights of every shape, counts and uniforms at the edges", () =>
    withGpu(async (gpu) => {
      const card = makeCard(gpu, 3001);
      const stream = rngFromSeed(SEED).stream({ purpose: 41 });
      for (const [name, weight] of Object.entries(SHAPES)) {
        for (const [n, m] of [
          [1, 1],
          [1, 257],
          [255, 255],
          [256, 64],
          [1024, 1024],
          [1000, 3001],
          [3001, 7],
        ] as const) {
          const w = Float64Array.from({ length: n }, (_, i) => weight(i, n, stream));
          for (const edge of [HALF_STEP, 1 - HALF_STEP, stream.uniform()]) {
            for (const scheme of ['systematic', 'stratified'] as const) {
              const u = Float64Array.from({ length: m }, () =>
                stream.below(2) === 0 ? edge : stream.uniform(),
              );
              u[0] = edge;
              const one = caseOf(w, m, u);
              const expected = hostAncestors(one, scheme);
              const found = await card.ancestors(one, scheme);
              const wrong = found.findIndex((parent, j) => parent !== expected[j]);
              expect([name, n, m, scheme, edge, wrong]).toEqual([name, n, m, scheme, edge, -1]);
            }
          }
        }
      }
    }));

  test("stratumUniforms: every bit of the host's uniforms", () =>
    withGpu(async (gpu) => {
      const m = 1000;
      const [rng, step, purpose] = [rngFromSeed(SEED), 9, 44];
      const arena = gpu.arena();
      const u = arena.u32(2 * m);
      const [k0, k1] = rng.key;
      gpu.run(stratumUniforms, { u }, { k0, k1, step, channel: channel(purpose) }, m);
      const expected = Float64Array.from(
        { length: m },
        (_, particle) => rng.stream({ purpose, step, particle }).uniform() / HALF_STEP,
      );
      expect(fromLimbs(await gpu.read(u))).toEqual(expected);
      arena.release();
    }));

  test('slotAncestors: float32 sums give wrong ancestors at 131 072 particles, integer sums none', () =>
    withGpu(async (gpu) => {
      const n = 131_072;
      const stream = rngFromSeed(SEED).stream({ purpose: 42 });
      const w = Float64Array.from({ length: n }, () => -Math.log(stream.uniform()));
      const one = caseOf(w, n, Float64Array.of(stream.uniform()));
      const expected = hostAncestors(one, 'systematic');
      const found = await makeCard(gpu, n).ancestors(one, 'systematic');
      const wrong = (ancestor: Uint32Array): number => ancestor.filter((a, j) => a !== expected[j]).length;
      expect(wrong(found)).toBe(0);
      expect(wrong(float32Ancestors(w, n, one.u[0]!)) / n).toBeGreaterThan(0.001);
    }));

  test("slotAncestors: ancestors of 2^18 particles equal the host's, both schemes", () =>
    withGpu(async (gpu) => {
      const n = 2 ** 18;
      const stream = rngFromSeed(SEED).stream({ purpose: 43 });
      const w = Float64Array.from({ length: n }, (_, i) => (i % 5 === 0 ? 0 : stream.uniform() ** 30));
      const one = caseOf(
        w,
        n,
        Float64Array.from({ length: n }, () => stream.uniform()),
      );
      const card = makeCard(gpu, n);
      for (const scheme of ['systematic', 'stratified'] as const) {
        const expected = hostAncestors(one, scheme);
        const found = await card.ancestors(one, scheme);
        expect(found.findIndex((parent, j) => parent !== expected[j])).toBe(-1);
      }
    }));
});
