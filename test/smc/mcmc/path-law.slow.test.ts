import { describe, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { bootstrap } from '../../../estimators/smc/filter/bootstrap.ts';
import {
  type ConditionalVariant,
  makePathUpdater,
  type PathSlot,
} from '../../../estimators/smc/mcmc/path-updater.ts';
import type { TransitionDensity } from '../../../estimators/smc/mcmc/transition-rows.ts';
import { expectCounts, expectRejected } from '../../support/law.ts';
import { WRONG_DRAWS, wrongUpdate } from './broken-updates.ts';
import { discreteHmm, exactPath, PATH_LAW, PATHS, pathIndex, STEPS } from './discrete-hmm.ts';

const SEED = 20_261_126;
const backend = jsBackend();
const model = bootstrap(
  discreteHmm,
  Array.from({ length: STEPS }, () => Float64Array.of(0)),
);

// R independent paths drawn from the exact law, K updates each. A right update leaves the R last paths independent draws from that
// law, so the chi-square over the 81 paths (those rarer than 5 in R together) holds exactly. A wrong one of the table in
// smc.md section 9 has after K = 8 updates a noncentrality, measured apart from this library over 2e5 paths, of
//   N = 2: sorted 0.069 R, systematic with slot 0 overwritten 0.103 R, ancestors by the wrong transition 0.37 R
//   N = 3: sorted 0.045 R, systematic with slot 0 overwritten 0.041 R, systematic for the other slots 0.0028 R
// and at about 55 degrees of freedom a noncentrality of 120 is rejected at 1e-6 in 99 of 100 fresh seeds: R = 1750 for
// N = 2. `systematic for the other slots` changes paths too little for this and is told apart by its ancestors.
const RUNS = 1750;
const UPDATES = 8;

type Update = (slots: readonly PathSlot[]) => Promise<Float64Array[]>;

/** Counts of the rows of the exact law after UPDATES updates of RUNS paths that started in it. */
async function countPaths(
  open: (slots: readonly PathSlot[]) => Update,
  density: (path: Float64Array) => TransitionDensity = () => discreteHmm.logTransition!,
  runs = RUNS,
): Promise<Float64Array> {
  const root = rngFromSeed(SEED);
  let paths = Array.from({ length: runs }, (_, r) =>
    exactPath(root.stream({ purpose: 40, particle: r }).uniform()),
  );
  const slots = (k: number): PathSlot[] =>
    paths.map((reference, r) => ({
      ...{ model, reference, logTransition: density(reference) },
      rng: root.child(1, r).child(3, k),
    }));
  const update = open(slots(0));
  for (let k = 0; k < UPDATES; k++) paths = await update(slots(k));
  const counts = new Float64Array(PATHS);
  for (const path of paths) counts[pathIndex(path)]!++;
  return counts;
}

/** Chi-square over the paths, those expected less than 5 times being one cell. */
function expectPathLaw(counts: Float64Array): void {
  const runs = counts.reduce((sum, count) => sum + count);
  const rare = (index: number): boolean => runs * PATH_LAW[index]! < 5;
  const merged = (values: ArrayLike<number>): number[] => {
    const kept = Array.from(values).filter((_, index) => !rare(index));
    return [...kept, Array.from(values).reduce((sum, value, index) => sum + (rare(index) ? value : 0), 0)];
  };
  expectCounts(merged(counts), merged(PATH_LAW), { about: 'paths' });
}

function right(particles: number, variant: ConditionalVariant, threshold: number) {
  return (slots: readonly PathSlot[]): Update => {
    const { signal } = new AbortController();
    const options = { where: 'test', backend, signal, particles, variant, threshold };
    return makePathUpdater(slots, options).update;
  };
}

describe('an update of a path by conditional SMC', () => {
  const cases: readonly (readonly [ConditionalVariant, number, number])[] = [
    ['plain', 2, 1],
    ['plain', 5, 1],
    ['plain', 3, 0.8],
    ['ancestor', 2, 1],
    ['ancestor', 5, 0.8],
    ['backward', 3, 0.8],
    ['systematic', 2, 1],
    ['systematic', 5, 0.8],
  ];
  for (const [variant, particles, threshold] of cases) {
    test(`${variant}, ${particles} particles, threshold ${threshold}: leaves the exact law of the path in place`, async () => {
      expectPathLaw(await countPaths(right(particles, variant, threshold)));
    });
  }

  for (const [name, runs] of [
    ['sorted draws, slot 0 overwritten', RUNS],
    ['systematic, slot 0 overwritten', 1200],
  ] as const) {
    test(`2 particles: ${name} does not`, async () => {
      const draw = WRONG_DRAWS[name]!;
      const counts = await countPaths(() => (slots) => wrongUpdate(slots, 2, draw, backend), undefined, runs);
      expectRejected(() => expectPathLaw(counts));
    });
  }

  test('2 particles: an ancestor of the reference by the transition into the step before does not', async () => {
    const before = (path: Float64Array): TransitionDensity => {
      return (step, parent, x, out) =>
        discreteHmm.logTransition!(step, parent, x.slice().fill(path[step - 1]!), out);
    };
    const counts = await countPaths(right(2, 'ancestor', 1), before, 600);
    expectRejected(() => expectPathLaw(counts));
  });

  test('2 particles: a backward draw with the transition turned round does not', async () => {
    const turned = (): TransitionDensity => (step, parent, x, out) =>
      discreteHmm.logTransition!(step, x, parent, out);
    const counts = await countPaths(right(2, 'backward', 1), turned, 600);
    expectRejected(() => expectPathLaw(counts));
  });
});
