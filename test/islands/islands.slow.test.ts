import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { local } from '../../estimators/cluster.ts';
import {
  type IslandsOptions,
  type IslandsResult,
  islands,
  moduleModel,
  run,
} from '../../estimators/index.ts';
import { expectMeans, expectRejected, type Replicates } from '../support/law.ts';
import { filterOf, truth } from './model.ts';

const SEED = 20_261_126;
const RUNS = 100;

/** Answers of many seeds. */
async function answers(options: IslandsOptions): Promise<readonly IslandsResult[]> {
  const found: IslandsResult[] = [];
  for (let at = 0; at < RUNS; at++)
    found.push(await run(islands(options), { seed: SEED + at, backend: jsBackend() }));
  return found;
}

/** [runs, 2] of Zhat / Z and Zhat (m - E[x_T | y]) / Z, whose means are 1 and 0 without any error of ratios. */
function ratios(
  results: readonly IslandsResult[],
  of: (result: IslandsResult) => readonly [logZ: number, mean: number],
): Replicates {
  const values = new Float64Array(2 * results.length);
  results.forEach((result, at) => {
    const [logZ, mean] = of(result);
    const ratio = Math.exp(logZ - truth.logNormalizer);
    values.set([ratio, ratio * (mean - truth.mean)], 2 * at);
  });
  return { runs: results.length, width: 2, values };
}

const own = (result: IslandsResult): readonly [number, number] => [
  result.logNormalizer.value,
  result.mean.value[0]!,
];
const average = (numbers: Float64Array): number => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

test('islands: the evidence is unbiased, and means by evidence; the mean of the logs is not', async () => {
  // 100 runs: a bias of 0.73 sd of one run's Z is caught with 99 % probability
  const results = await answers({ method: filterOf(16), islands: 6, draws: 6 });
  expectMeans(ratios(results, own), [1, 0]);
  const byLogs = (result: IslandsResult): readonly [number, number] => [
    average(result.islands.logNormalizer),
    result.mean.value[0]!,
  ];
  expectRejected(() => expectMeans(ratios(results, byLogs), [1, 0]));
});

test('islands: exchanges leave the evidence unbiased; plain averages of the means after them are not', async () => {
  // 100 runs of one exchange: a bias of the weighted means of 0.73 sd is caught with 99 % probability; theirs is about 1
  const options = { method: filterOf(4), islands: 8, draws: 8, exchange: { every: 6, threshold: 1 } };
  const results = await answers(options);
  expect(results.filter(({ islands: { exchanges } }) => exchanges > 0).length).toBeGreaterThan(RUNS / 2);
  expectMeans(ratios(results, own), [1, 0]);
  const plain = (result: IslandsResult): readonly [number, number] => [
    result.logNormalizer.value,
    average(result.islands.mean),
  ];
  expectRejected(() => expectMeans(ratios(results, plain), [1, 0]));
});

test('islands: a butterfly leaves the evidence unbiased; the mean of the logs after it is not', async () => {
  // 100 runs of two stages at one checkpoint, as above
  const exchange = { every: 6, threshold: 1, scheme: 'butterfly' } as const;
  const results = await answers({ method: filterOf(4), islands: 4, draws: 4, exchange });
  expect(results.every(({ islands: { exchanges } }) => exchanges === 2)).toBe(true);
  expectMeans(ratios(results, own), [1, 0]);
  const byLogs = (result: IslandsResult): readonly [number, number] => [
    average(result.islands.logNormalizer),
    result.mean.value[0]!,
  ];
  expectRejected(() => expectMeans(ratios(results, byLogs), [1, 0]));
});

/** A result without what says where it was computed. */
function told({ provenance: _, ...rest }: IslandsResult): string {
  return JSON.stringify(rest, (_name, value) =>
    ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value,
  );
}

const url = new URL('./island.mjs', import.meta.url);
const CASES: Readonly<Record<string, Omit<IslandsOptions, 'method'> & { readonly of: string }>> = {
  filters: { of: 'filter', islands: 5, draws: 10 },
  'filters that exchange': { of: 'filter', islands: 6, draws: 12, exchange: { every: 4, threshold: 0.9 } },
  'filters in a butterfly': {
    ...{ of: 'filter', islands: 4, draws: 12 },
    exchange: { every: 4, threshold: 1, scheme: 'butterfly', stages: 1 },
  },
  correctors: { of: 'corrected', islands: 3, draws: 6 },
};

for (const [name, { of, ...options }] of Object.entries(CASES)) {
  test(`islands: ${name} have the same bits on one machine and on a cluster`, async () => {
    const make = (): ReturnType<typeof islands> => islands({ ...options, method: moduleModel(url, of) });
    const alone = await run(make(), { seed: SEED, backend: jsBackend() });
    const cluster = local({ threads: 0 });
    try {
      const shared = await run(make(), { seed: SEED, cluster, backend: jsBackend() });
      expect(shared.provenance.notes.join()).toContain('cluster (local)');
      expect(told(shared)).toBe(told(alone));
      const { done, total } = alone.diagnostics;
      expect(total).toBe(done);
      if (options.exchange !== undefined) expect(alone.islands.exchanges).toBeGreaterThan(0);
    } finally {
      await cluster.close();
    }
  });
}

test('islands: a method that is a function cannot travel, a module without the export is told', async () => {
  const cluster = local({ threads: 0 });
  try {
    const here = islands({ method: filterOf(4), islands: 2 });
    await expect(run(here, { seed: 1, cluster })).rejects.toThrow(/cannot travel to other machines/);
    const missing = islands({ method: moduleModel(url, 'truth'), islands: 2 });
    await expect(run(missing, { seed: 1 })).rejects.toThrow(
      'islands: export `truth` is an object with mean; expected a function that makes a method',
    );
  } finally {
    await cluster.close();
  }
});
