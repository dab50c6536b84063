import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, readCanonical } from '../../engine/cluster/canonical.ts';
import { arraySyntax } from '../../engine/cluster/files.ts';
import { makeFold } from '../../engine/cluster/fold.ts';
import {
  classKey,
  decodePlan,
  encodePlan,
  makePlan,
  runId,
  shardAt,
  shardCount,
} from '../../engine/cluster/plan.ts';
import { chooseShards, simulateCluster, steadyEfficiency } from '../../engine/cluster/planner.ts';
import { readFields, readRecord, writeRecord } from '../../engine/cluster/record.ts';
import { workTable } from '../../engine/cluster/registry.ts';
import { mergeRowSummaries, rowCodec } from '../../engine/cluster/rows.ts';
import {
  logOfSum,
  logSumOfRange,
  mergeLogSums,
  mergeMoments,
  NO_LOG_SUM,
  type RangeMoments,
  sumOfRange,
} from '../../engine/cluster/summaries.ts';
import type { BlobStore, Plan } from '../../engine/cluster/types.ts';
import { InputError, OptionError } from '../../engine/errors.ts';
import { rngFromSeed } from '../../engine/index.ts';
import { sumWork } from '../support/cluster-works.ts';

const SEED = 20_261_126;
const numbers = (n: number, purpose = 1): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => {
    const stream = rngFromSeed(SEED).stream({ purpose: purpose as 1, particle: i });
    return (stream.uniform() - 0.5) * 10 ** Math.floor(6 * stream.uniform());
  });

test('makeFold(): any order of completion and any repetition gives the tree of adjacent pairs', () => {
  const tree = (parts: readonly string[]): string => {
    if (parts.length === 1) return parts[0]!;
    const above: string[] = [];
    for (let i = 0; i < parts.length; i += 2)
      above.push(i + 1 < parts.length ? `(${parts[i]}${parts[i + 1]})` : parts[i]!);
    return tree(above);
  };
  const order = fc
    .integer({ min: 1, max: 40 })
    .chain((n) => fc.array(fc.nat(n - 1), { maxLength: 80 }).map((o) => [n, o] as const));
  fc.assert(
    fc.property(order, ([n, picks]) => {
      const fold = makeFold<string>(n, (left, right) => `(${left}${right})`);
      const names = Array.from({ length: n }, (_, i) => `[${i}]`);
      const seen = new Set<number>();
      for (const index of [...picks, ...names.keys()]) {
        if (fold.add(index, names[index]!) === seen.has(index)) throw new Error(`shard ${index} again`);
        seen.add(index);
        if (fold.missing().length !== n - seen.size) throw new Error(`missing after ${index}`);
      }
      expect(fold.result()).toBe(tree(names));
      expect(fold.live).toBe(1);
    }),
    { seed: SEED, numRuns: 40 },
  );
});

test('makeFold(): at most log2 S summaries are alive when shards come in order', () => {
  const fold = makeFold<number>(1000, (a, b) => a + b);
  let most = 0;
  for (let i = 0; i < 1000; i++) {
    fold.add(i, 1);
    most = Math.max(most, fold.live);
  }
  expect(fold.result()).toBe(1000);
  expect(most).toBeLessThanOrEqual(10);
});

test('shards of 1024 * 2^m points: the sum has the bits of the unsharded one; of 3072 points it has not', () => {
  const sharded = (values: Float64Array, size: number): number => {
    const fold = makeFold<number>(Math.ceil(values.length / size), (a, b) => a + b);
    for (let lo = 0; lo < values.length; lo += size)
      fold.add(lo / size, sumOfRange(values.subarray(lo, lo + size), Math.min(size, values.length - lo)));
    return fold.result();
  };
  let broken = 0;
  for (const n of [1, 1000, 1025, 9216, 20_001]) {
    const values = numbers(n);
    const whole = sumOfRange(values, n);
    for (const size of [1024, 2048, 4096, 16_384]) expect(Object.is(sharded(values, size), whole)).toBe(true);
    if (sharded(values, 3072) !== whole) broken++;
  }
  expect(broken).toBeGreaterThan(0);
});

test('makePlan(): a range of another size is refused, and says which would do', () => {
  const of = (size: number): Plan =>
    makePlan({ work: 'w', options: {}, seed: 0, shards: { kind: 'range', n: 10_000, size } });
  for (const size of [0, 1000, 3072, 1536, Number.NaN, -1024]) expect(() => of(size)).toThrow(OptionError);
  expect(() => of(3000)).toThrow(
    'makePlan: a shard has 3000 points; expected 1024 times a power of two, so that sums have the bits of one machine. Try 2048.',
  );
  expect(shardCount(of(4096))).toBe(3);
  expect(shardAt(of(4096), 2)).toEqual({ index: 2, lo: 8192, hi: 10_000 });
  expect(() => shardAt(of(4096), 3)).toThrow(OptionError);
});

test('merges: neutral elements change nothing, and all empty gives -Infinity, never NaN', () => {
  const some = logSumOfRange(Float64Array.of(-1e3, 2, -Infinity, 700));
  expect(mergeLogSums(some, NO_LOG_SUM)).toEqual(some);
  expect(mergeLogSums(NO_LOG_SUM, some)).toEqual(some);
  expect(logOfSum(mergeLogSums(NO_LOG_SUM, logSumOfRange(Float64Array.of(-Infinity))))).toBe(-Infinity);
  expect(
    logOfSum(mergeLogSums(logSumOfRange(Float64Array.of(0)), logSumOfRange(Float64Array.of(1000)))),
  ).toBe(1000);
  const x = moments(numbers(50), 2);
  const none: RangeMoments = { ...x, weight: 0, squares: 0 };
  expect(mergeMoments(x, none)).toEqual(x);
  expect(mergeMoments(none, x)).toEqual(x);
});

/** Two passes over points of d numbers with weights 1 .. n. */
function moments(values: Float64Array, d: number, scale = 0): RangeMoments {
  const n = values.length / d;
  const w = (i: number): number => 1 + (i % 3);
  const weight = Array.from({ length: n }, (_, i) => w(i)).reduce((a, b) => a + b, 0);
  const mean = new Float64Array(d);
  for (let i = 0; i < n; i++) for (let c = 0; c < d; c++) mean[c]! += (w(i) * values[i * d + c]!) / weight;
  const products = new Float64Array(d * d);
  for (let i = 0; i < n; i++)
    for (let a = 0; a < d; a++)
      for (let b = 0; b < d; b++)
        products[a * d + b]! += w(i) * (values[i * d + a]! - mean[a]!) * (values[i * d + b]! - mean[b]!);
  const squares = Array.from({ length: n }, (_, i) => w(i) ** 2).reduce((a, b) => a + b, 0);
  return { weight, squares, mean, products, logScale: scale };
}

test('mergeMoments(): parts on different log scales give the moments of the whole', () => {
  const values = numbers(600).map((v, i) => 1e3 + v / 1e4 + (i % 2));
  const whole = moments(values, 2);
  // The right part is told on a scale of e^5: its own weights are e^-5 of the plain ones.
  const right = moments(values.subarray(300), 2);
  const factor = Math.exp(-5);
  const told: RangeMoments = {
    ...right,
    weight: right.weight * factor,
    squares: right.squares * factor ** 2,
    products: right.products.map((v) => v * factor),
    logScale: 5,
  };
  const merged = mergeMoments(moments(values.subarray(0, 300), 2), told);
  expect(merged.logScale).toBe(5);
  expect(merged.weight * Math.exp(5)).toBeCloseTo(whole.weight, 9);
  expect(merged.weight ** 2 / merged.squares).toBeCloseTo(whole.weight ** 2 / whole.squares, 9);
  merged.mean.forEach((value, c) => void expect(value).toBeCloseTo(whole.mean[c]!, 9));
  merged.products.forEach(
    (value, c) => void expect((value * Math.exp(5)) / whole.products[c]!).toBeCloseTo(1, 9),
  );
});

test('mergeRowSummaries(): rows and failures follow each other; a side that all failed takes the other width', () => {
  const left = {
    rows: 2,
    k: 1,
    y: Float64Array.of(Number.NaN, Number.NaN),
    failed: [
      { row: 0, reason: 'a' },
      { row: 1, reason: 'b' },
    ],
  };
  const right = {
    rows: 2,
    k: 2,
    y: Float64Array.of(1, 2, Number.NaN, Number.NaN),
    failed: [{ row: 1, reason: 'c' }],
  };
  const merged = mergeRowSummaries(left, right);
  expect(merged).toMatchObject({ rows: 4, k: 2, failed: [{ row: 0 }, { row: 1 }, { row: 3, reason: 'c' }] });
  expect([...merged.y.subarray(4, 6)]).toEqual([1, 2]);
  expect(rowCodec.decode(rowCodec.encode(merged))).toEqual(merged);
  expect(() => mergeRowSummaries({ ...left, failed: [] }, right)).toThrow(RangeError);
});

test('runId(): golden values, and no order of keys, -0 or NaN is lost', () => {
  const plan = makePlan({
    work: 'test-sums',
    options: {
      b: Float64Array.of(1, Number.NaN, -0),
      a: [Number.NaN, -0, Infinity, 'x', null, true],
      c: undefined,
    },
    seed: 7,
    shards: { kind: 'range', n: 5000, size: 2048 },
  });
  const text = new TextDecoder().decode(encodePlan(plan));
  expect(text).toBe(
    '{"options":{"a":[{"$number":"NaN"},{"$number":"-0"},{"$number":"Infinity"},"x",null,true],"b":{"$f64":"AAAAAAAA8D8AAAAAAAD4fwAAAAAAAACA"}},"protocol":1,"seed":7,"shards":{"kind":"range","n":5000,"size":2048},"tier":"A","work":"test-sums"}',
  );
  expect(runId(plan)).toBe('42bc8849d003a8fc0c51c713ed0845bd');
  const back = decodePlan(encodePlan(plan));
  expect(runId(back)).toBe(runId(plan));
  expect(back.options).toEqual({
    a: [Number.NaN, -0, Infinity, 'x', null, true],
    b: Float64Array.of(1, Number.NaN, -0),
  });
  expect(classKey(sumWork, plan)).toMatch(/^[0-9a-f]{16}$/);
  expect(classKey({ ...sumWork, version: 2 }, plan)).not.toBe(classKey(sumWork, plan));
  // A NaN with a payload is a NaN.
  const odd = new Float64Array(new BigUint64Array([0x7ff8000000000abcn]).buffer);
  expect(canonicalJson(odd)).toBe(canonicalJson(Float64Array.of(Number.NaN)));
});

test('decodePlan(): another protocol, other bytes and unknown types are refused', () => {
  const plan = makePlan({ work: 'w', options: {}, seed: 1, shards: { kind: 'index', count: 3 } });
  const text = new TextDecoder().decode(encodePlan(plan));
  const of =
    (other: string): (() => Plan) =>
    () =>
      decodePlan(new TextEncoder().encode(other));
  expect(of(text.replace('"protocol":1', '"protocol":2'))).toThrow(
    'plan: plan has protocol 2; expected protocol 1.',
  );
  for (const other of [
    '',
    '{',
    'null',
    `${text} `,
    text.replace('"seed":1', '"seed":1.5'),
    text.replace('{}', '{"$f99":""}'),
  ])
    expect(of(other)).toThrow();
  expect(() => canonicalJson({ f: (() => 1) as never })).toThrow(OptionError);
  expect(() => canonicalJson({ $f64: 'AA' })).toThrow(OptionError);
  expect(readCanonical(canonicalJson({ a: Uint8Array.of(1, 2) }))).toEqual({ a: Uint8Array.of(1, 2) });
});

test('workTable(): names come from the table alone', () => {
  const table = workTable([sumWork]);
  expect(table.find({ work: 'test-sums' }).name).toBe('test-sums');
  for (const work of ['constructor', '__proto__', 'toString', 'test-sum', ''])
    expect(() => table.find({ work })).toThrow(InputError);
  expect(() => table.find({ work: 'test-sum' })).toThrow('Did you mean test-sums?');
  expect(() => workTable([sumWork, sumWork])).toThrow(OptionError);
});

const noBlobs: BlobStore = {
  put: async () => ({ sha256: '0'.repeat(64), bytes: 0 }),
  get: async () => new Uint8Array(0),
};
const origin = {
  runId: 'a'.repeat(32),
  index: 3,
  class: 'b'.repeat(16),
  evaluations: 5,
  wallMs: 1.5,
  host: 'h',
  pid: 9,
};

test('records: fields come back, and of 10 000 mutated ones none is read as another body, and none crashes', async () => {
  const fields = {
    y: { data: Float64Array.of(1, Number.NaN, -0, Infinity), shape: [2, 2] },
    n: { data: Uint32Array.of(7), shape: [1] },
    text: { data: new TextEncoder().encode('abc'), shape: [3] },
  };
  const bytes = await writeRecord(origin, fields, noBlobs);
  expect(await readFields(readRecord(bytes), noBlobs)).toEqual(fields);
  const whole = readRecord(bytes);
  const { bodyHash } = whole.header;
  const stream = rngFromSeed(SEED).stream({ purpose: 1, particle: 0 });
  const pick = (n: number): number => Math.floor(stream.uniform() * n);
  let read = 0;
  for (let i = 0; i < 10_000; i++) {
    let mutated = bytes.slice();
    const way = pick(4);
    if (way === 0) mutated = mutated.subarray(0, pick(bytes.length));
    else if (way === 1) mutated[pick(bytes.length)]! ^= 1 << pick(8);
    else if (way === 2) mutated[4 + pick(4)] = pick(256);
    else for (let j = 0; j <= pick(8); j++) mutated[pick(bytes.length)] = pick(256);
    try {
      const record = readRecord(mutated);
      // Only what is outside the hashed part may differ.
      expect(record.header.bodyHash).toBe(bodyHash);
      expect(record.header.bodyBytes).toBe(48);
      expect(Buffer.compare(record.body!, whole.body!)).toBe(0);
      read++;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
    }
  }
  // Digits of a duration, letters of a host, and mutations that change nothing.
  expect(read).toBeLessThan(1500);
});

test('chooseShards(): the table of the rule', () => {
  const base = { workers: 100, variation: 0.2, resultBytes: 1000, overhead: 0.001 };
  // 1e6 points of 1 s in 2000 shards would take 500 s each: 60 s at most, and 1024 points at least.
  expect(chooseShards(1e6, { ...base, pointTime: 1 })).toMatchObject({
    size: 1024,
    shards: 977,
    workers: 100,
  });
  // 20 shards a thread of 0.5 s: 500 000 points of 1 us each, 2^8 blocks are 262 144.
  expect(chooseShards(1e9, { ...base, pointTime: 1e-6 })).toMatchObject({
    size: 262_144,
    reason: '20 shards a thread',
  });
  // cv above 0.5: 50 shards a thread.
  expect(chooseShards(1e9, { ...base, pointTime: 1e-6, variation: 1 })).toMatchObject({
    size: 131_072,
    reason: '50 shards a thread',
  });
  // Too short for 100 threads: 2 s in all, 50 claims of 1 ms for each.
  expect(chooseShards(2e6, { ...base, pointTime: 1e-6 })).toMatchObject({ workers: 40 });
  // At 1e4 threads the broker asks for 2 s, and results of 1 MB for 40 s.
  const many = { ...base, workers: 10_000, pointTime: 1e-6 };
  expect(chooseShards(1e11, many).reason).toContain('broker');
  expect(chooseShards(1e12, { ...many, resultBytes: 1e6 }).reason).toContain('on the way');
});

test('simulateCluster(): where a queue is full the formula without the tail is within 3 %, and tails are those of the table', () => {
  const stream = rngFromSeed(SEED).stream({ purpose: 1, particle: 1 });
  const uniform = (): number => stream.uniform();
  const base = { variation: 0.2, overhead: 0.001 };
  const full = { ...base, workers: 300, shardTime: 0.01, resultBytes: 1000 };
  expect(simulateCluster(full, uniform) / steadyEfficiency(0.01, full)).toBeCloseTo(1, 1);
  // Table of section 12: W = 1000, k = 20, 1 s, 1 kB: 0.95 or 0.96.
  expect(
    Math.abs(simulateCluster({ ...base, workers: 1000, shardTime: 1, resultBytes: 1000 }, uniform) - 0.955),
  ).toBeLessThan(0.015);
});

test('arraySyntax(): as schedulers take it', () => {
  expect(arraySyntax([3, 17, 18, 19, 20])).toBe('3,17-20');
  expect(arraySyntax([])).toBe('');
  expect(arraySyntax([0, 1])).toBe('0-1');
});
