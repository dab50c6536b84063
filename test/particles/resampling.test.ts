import { describe, expect, test } from 'vitest';
import { metropolisWith } from '../../engine/particles/resampling/metropolis.ts';
import { independentAncestors } from '../../engine/particles/resampling/multinomial.ts';
import type { Drawing, ResamplingScheme } from '../../engine/particles/resampling/scheme.ts';
import { RESAMPLING_SCHEMES } from '../../engine/particles/resampling/schemes.ts';
import { expectMeans, expectRejected, type Replicates } from '../support/law.ts';
import { drawing, expectedOffspring, offspring, WEIGHTS } from './drawing.ts';

const SEED = 7;
const RUNS = 4000; // a count that is off by 0.114 of its standard deviation is caught with 99 % probability
const schemes = Object.values(RESAMPLING_SCHEMES);

/** Slots tried for n particles: the same number, fewer and more. */
function slotsFor(scheme: ResamplingScheme, n: number): number[] {
  return scheme.sameSize ? [n] : [n, Math.max(1, n - 3), 2 * n + 1];
}

describe.each(schemes)('$name', (scheme) => {
  test('the mean count of each particle is m times its weight', async () => {
    for (const q of Object.values(WEIGHTS)) {
      const counts = await offspring(scheme, q, q.length, RUNS, SEED);
      expectMeans(counts, expectedOffspring(q, q.length), { about: 'offspring of particle' });
    }
  });

  test('every slot is filled, by a live particle, in order where the scheme says so', async () => {
    for (const q of Object.values(WEIGHTS)) {
      for (const m of slotsFor(scheme, q.length)) {
        const task = drawing(scheme, q, m, SEED);
        for (task.step = 0; task.step < 100; task.step++) {
          task.ancestor.fill(4294967295);
          await scheme.ancestors(task);
          expect(task.ancestor.every((i) => q[i]! > 0)).toBe(true);
          if (scheme.sorted)
            expect(task.ancestor.every((i, j, all) => j === 0 || all[j - 1]! <= i)).toBe(true);
        }
      }
    }
  });

  test('the same key and step give the same ancestors, another step gives others', async () => {
    const q = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4];
    const draw = async (step: number): Promise<number[]> => {
      const task = { ...drawing(scheme, q, q.length, SEED), step };
      await scheme.ancestors(task);
      return Array.from(task.ancestor);
    };
    expect(await draw(3)).toEqual(await draw(3));
    expect(await draw(3)).not.toEqual(await draw(4));
  });
});

test.each(schemes.filter((scheme) => scheme.tight))(
  '$name: each count is within one of m times its weight',
  async (scheme) => {
    for (const q of Object.values(WEIGHTS)) {
      for (const m of slotsFor(scheme, q.length)) {
        const wanted = expectedOffspring(q, m);
        const { values, width } = await offspring(scheme, q, m, 1000, SEED);
        const off = values.map((count, at) => Math.abs(count - wanted[at % width]!));
        expect(off.reduce((most, x) => Math.max(most, x))).toBeLessThanOrEqual(1 + 1e-9);
      }
    }
  },
);

test('expectMeans() rejects offspring shifted by one slot to the next particle', async () => {
  const q = WEIGHTS.geometric!;
  const counts = await offspring(RESAMPLING_SCHEMES.systematic, q, 6, RUNS, SEED);
  expectRejected(() => expectMeans(shifted(counts), expectedOffspring(q, 6)));
});

function shifted({ runs, width, values }: Replicates): Replicates {
  return { runs, width, values: values.map((_, at) => values[at % width === 0 ? at + width - 1 : at - 1]!) };
}

test('metropolis: with two moves in place of the moves it chooses the counts are rejected as biased', async () => {
  const q = WEIGHTS.geometric!;
  const broken = metropolisWith(() => 2);
  const counts = await offspring(broken, q, 6, RUNS, SEED);
  expectRejected(() => expectMeans(counts, expectedOffspring(q, 6)));
});

test('metropolis: the moves follow from the weights, at least one', async () => {
  const moves = (q: readonly number[]): Promise<number> =>
    RESAMPLING_SCHEMES.metropolis.ancestors(drawing(RESAMPLING_SCHEMES.metropolis, q, q.length, SEED));
  expect(await moves([1, 1, 1, 1])).toBe(1);
  // mean / max = 1/2: ceil(log 1e-3 / log 1/2)
  expect(await moves([1, 1, 2, 0])).toBe(10);
});

test('rejection: started at its own slot the counts would favour the first particles when m is n / 2', async () => {
  const q = [5, 3, 1, 1];
  const counts = await offspring(RESAMPLING_SCHEMES.rejection, q, 2, RUNS, SEED);
  expectMeans(counts, expectedOffspring(q, 2));
  // What starting at the own slot gives: m (.60, .36, .02, .02).
  expectRejected(() => expectMeans(counts, [1.2, 0.72, 0.04, 0.04]));
});

test('independentAncestors(): each slot follows the weights on its own, which sorted draws do not', async () => {
  const q = [3, 2, 1];
  const { multinomial } = RESAMPLING_SCHEMES;
  const firstSlot = async (draw: (task: Drawing) => Promise<unknown>): Promise<Replicates> => {
    const task = drawing(multinomial, q, q.length, SEED);
    const values = new Float64Array(RUNS * q.length);
    for (task.step = 0; task.step < RUNS; task.step++) {
      await draw(task);
      values[task.step * q.length + task.ancestor[0]!] = 1;
    }
    return { runs: RUNS, width: q.length, values };
  };
  expectMeans(await firstSlot(independentAncestors), expectedOffspring(q, 1));
  const sorted = await firstSlot(multinomial.ancestors);
  expectRejected(() => expectMeans(sorted, expectedOffspring(q, 1)));
});
