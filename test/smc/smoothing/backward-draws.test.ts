import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { ValueError } from '../../../engine/errors.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { makeTurn } from '../../../engine/turn.ts';
import {
  type AncestorDraws,
  type BackwardTally,
  type DrawingKit,
  makeDrawingKit,
  NO_DRAWS,
} from '../../../estimators/smc/smoothing/ancestor-draws.ts';
import { exactDraws } from '../../../estimators/smc/smoothing/exact-draws.ts';
import { genealogyDraws } from '../../../estimators/smc/smoothing/genealogy-draws.ts';
import { mcmcDraws } from '../../../estimators/smc/smoothing/mcmc-draws.ts';
import { rejectionDraws } from '../../../estimators/smc/smoothing/rejection-draws.ts';
import type { DensityModel } from '../../../estimators/smc/smoothing/transition-tile.ts';
import { expectCounts, expectRejected } from '../../support/law.ts';
import { backwardLaw, frameOf, metropolisLaw, smallModel } from './small-model.ts';

const SEED = 40_331;
/** Draws for each child: a probability that is off by 0.04 from 1/2 is caught 99 % of the time. */
const EACH = 8_000;
const STEP = 4;

// Five particles, one dead with a state that no density is asked of, and two children with draws of their own.
const parents = frameOf([0, 1, 2, 1, Number.NaN], [0.5, 1.5, 0.7, 0.3, 0]);
const children = frameOf([2, 0], [0.2, 0.8], [1, 2]);
const noTurn = new AbortController().signal;

interface Setup {
  readonly model?: DensityModel;
  readonly from?: typeof parents;
  /** Changes the kit before use. */
  readonly bend?: (kit: DrawingKit) => DrawingKit;
}

/** Ancestors drawn for child 0 by the first half of the requests, for child 1 by the second; counts by child. */
async function drawCounts(
  make: (kit: DrawingKit) => AncestorDraws,
  { model = smallModel, from = parents, bend = (kit) => kit }: Setup = {},
): Promise<{ counts: number[][]; tally: BackwardTally }> {
  const count = 2 * EACH;
  const backend = jsBackend();
  const kit = bend(makeDrawingKit('test', backend, backend.arena(), model, 5, count));
  const child = Uint32Array.from({ length: count }, (_, j) => (j < EACH ? 0 : 1));
  const particle = Uint32Array.from({ length: count }, (_, j) => j);
  const ancestor = new Uint32Array(count);
  const tally = { ...NO_DRAWS };
  const request = { step: STEP, rng: rngFromSeed(SEED), parents: from, children, count, child, particle };
  await make(kit)({ ...request, block: 0, ancestor }, tally);
  const counts = [new Array<number>(5).fill(0), new Array<number>(5).fill(0)];
  for (let j = 0; j < count; j++) counts[child[j]!]![ancestor[j]!]!++;
  return { counts, tally };
}

const exact = (kit: DrawingKit): AncestorDraws => exactDraws(kit, makeTurn(), noTurn);
const rejection =
  (trials: number) =>
  (kit: DrawingKit): AncestorDraws =>
    rejectionDraws(kit, trials, makeTurn(), noTurn);
const mcmc =
  (moves: number) =>
  (kit: DrawingKit): AncestorDraws =>
    mcmcDraws(kit, moves);

const law = (slot: number): number[] => backwardLaw(STEP, parents, children.x[slot]!);
const chainLaw = (slot: number, moves: number): number[] =>
  metropolisLaw(STEP, withoutDead(), children.x[slot]!, children.parentOf(slot), moves);

/** The live particles: a Metropolis chain never meets the dead one. */
function withoutDead(): typeof parents {
  return { ...parents, x: parents.x.slice(0, 4), logWeight: parents.logWeight.slice(0, 4) };
}

function check(counts: readonly number[][], laws: readonly number[][]): void {
  for (const [slot, own] of counts.entries())
    expectCounts(own, [...laws[slot]!, 0, 0].slice(0, 5), { falseAlarm: 1e-6 / 2, about: `child ${slot}` });
}

/** The same, for a broken twin. */
function refuse(counts: readonly number[][], laws: readonly number[][]): void {
  expectRejected(() => check(counts, laws));
}

/** Densities of the step before the right one. */
const early: DensityModel = {
  ...smallModel,
  logTransition: (step, parent, x, out) => smallModel.logTransition(step - 1, parent, x, out),
};
/** Particles with the weights that they have a step later. */
const lateWeights = { ...parents, logWeight: Float64Array.from([0.2, 0.8, 0.5, 0.9, 0], Math.log) };

describe('ancestors of fixed particles', () => {
  const laws = [law(0), law(1)];

  test('exactDraws(): follow the backward law of each child', async () => {
    const { counts, tally } = await drawCounts(exact);
    check(counts, laws);
    expect(tally).toMatchObject({ draws: 2 * EACH, proposals: 0, fallbacks: 0, unsupported: 0 });
    refuse((await drawCounts(exact, { model: early })).counts, laws);
    refuse((await drawCounts(exact, { from: lateWeights })).counts, laws);
  });

  test('rejectionDraws(): follow the backward law, with and without running out of trials', async () => {
    const { counts, tally } = await drawCounts(rejection(100));
    check(counts, laws);
    // Acceptance: the mean of f over the weights, over the bound. At 1e-6 over some 1e5 trials.
    expect(tally.fallbacks).toBe(0);
    expect(tally.accepted).toBe(2 * EACH);
    const guarded = await drawCounts(rejection(1));
    check(guarded.counts, laws);
    expect(guarded.tally.fallbacks).toBeGreaterThan(EACH / 2);
    refuse((await drawCounts(rejection(100), { from: lateWeights })).counts, laws);
    refuse(
      (await drawCounts(rejection(2), { model: { ...early, logTransitionBound: () => 0 } })).counts,
      laws,
    );
  });

  test('mcmcDraws(): follow the law of k Metropolis steps from the own parent', async () => {
    for (const moves of [1, 3]) {
      const { counts, tally } = await drawCounts(mcmc(moves));
      check(counts, [chainLaw(0, moves), chainLaw(1, moves)]);
      expect(tally.proposals).toBe(2 * EACH * moves);
    }
    const once = [chainLaw(0, 1), chainLaw(1, 1)];
    refuse((await drawCounts(mcmc(1), { model: early })).counts, once);
    refuse((await drawCounts(mcmc(1), { from: lateWeights })).counts, once);
    refuse((await drawCounts(genealogyDraws_)).counts, once);
  });

  test('mcmcDraws(): proposals come in no order', async () => {
    const sorted = await drawCounts(mcmc(1), {
      bend: (kit) => ({
        ...kit,
        async propose(count) {
          await kit.propose(count);
          kit.proposed.subarray(0, count).sort();
        },
      }),
    });
    refuse(sorted.counts, [chainLaw(0, 1), chainLaw(1, 1)]);
  });

  test('mcmcDraws(): many steps reach the backward law', async () => {
    check((await drawCounts(mcmc(12))).counts, laws);
  });
});

const genealogyDraws_ = (): AncestorDraws => genealogyDraws;

describe('ancestors where the density has something to hide', () => {
  const impossible: DensityModel = {
    ...smallModel,
    logTransition: (_, __, ___, out) => void out.fill(-Infinity),
  };

  test('a particle that nobody can have led to keeps the parent of the filter, and is counted', async () => {
    for (const make of [exact, mcmc(2), rejection(3)]) {
      const model = { ...impossible, logTransitionBound: () => 0 };
      const { counts, tally } = await drawCounts(make, { model });
      expect(counts).toEqual([
        [0, EACH, 0, 0, 0],
        [0, 0, EACH, 0, 0],
      ]);
      expect(tally.unsupported).toBe(2 * EACH);
    }
  });

  test('a density that is NaN, or above its bound, is an error that names the step', async () => {
    const nan: DensityModel = {
      ...smallModel,
      logTransition: (_, __, ___, out) => void out.fill(Number.NaN),
    };
    for (const make of [exact, mcmc(1), rejection(5)])
      await expect(drawCounts(make, { model: nan })).rejects.toThrow(/logTransition is NaN at step 5/);
    const low: DensityModel = { ...smallModel, logTransitionBound: () => Math.log(0.2) };
    await expect(drawCounts(rejection(5), { model: low })).rejects.toBeInstanceOf(ValueError);
  });
});
