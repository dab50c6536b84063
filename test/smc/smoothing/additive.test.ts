import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { rngFromSeed } from '../../../engine/random/rng.ts';
import { run } from '../../../engine/run.ts';
import { makeTurn } from '../../../engine/turn.ts';
import { particleFilter } from '../../../estimators/smc/filter/particle-filter.ts';
import type { AdditiveFunctional } from '../../../estimators/smc/smoothing/additive-functional.ts';
import { additiveSmoother } from '../../../estimators/smc/smoothing/additive-smoother.ts';
import {
  type AncestorDraws,
  type DrawingKit,
  makeDrawingKit,
  NO_DRAWS,
} from '../../../estimators/smc/smoothing/ancestor-draws.ts';
import { exactDraws } from '../../../estimators/smc/smoothing/exact-draws.ts';
import { forwardOnly } from '../../../estimators/smc/smoothing/forward-only.ts';
import { genealogyDraws } from '../../../estimators/smc/smoothing/genealogy-draws.ts';
import { paris } from '../../../estimators/smc/smoothing/paris.ts';
import { rejectionDraws } from '../../../estimators/smc/smoothing/rejection-draws.ts';
import { runFrame } from '../../../estimators/smc/smoothing/run-frame.ts';
import { type DensityModel, makeTile } from '../../../estimators/smc/smoothing/transition-tile.ts';
import { expectMeans, expectRejected, type Replicates } from '../../support/law.ts';
import { backwardLaw, frameOf, SMALL_STEPS, smallModel, smallObservations } from './small-model.ts';

const SEED = 5_518;
const STEP = 3;
const N = 5;
const signal = new AbortController().signal;

// Two sums, one of which tells steps apart; the last parent and the third child are dead.
const functional: AdditiveFunctional = {
  names: ['product', 'jump'],
  initial: (x, out) => {
    for (let i = 0; i < x.length; i++) [out[2 * i], out[2 * i + 1]] = [x[i]!, 1];
  },
  term: (step, parent, x, out) => {
    for (let i = 0; i < x.length; i++) {
      out[2 * i] = step * parent[i]! * x[i]!;
      out[2 * i + 1] = Math.abs(x[i]! - parent[i]!) + 0.5;
    }
  },
};
const parents = frameOf([0, 2, 1, 2, Number.NaN], [0.4, 1.2, 0.9, 0.5, 0]);
const children = frameOf([1, 2, 0, 0, 2], [0.3, 0.5, 0, 1.1, 0.2], [0, 1, 2, 3, 1]);
const live = Uint32Array.of(0, 1, 3, 4);
const before = Float64Array.of(1, 2, -1, 0.5, 3, 0.25, -2, 4, Number.NaN, Number.NaN);

/** tau of the live children by the definition. */
function byDefinition(law = backwardLaw): number[] {
  return Array.from(live).flatMap((j) => {
    const x = children.x[j]!;
    const p = law(STEP - 1, parents, x);
    return [0, 1].map((c) =>
      p.reduce((sum, weight, i) => {
        if (weight === 0) return sum;
        const from = parents.x[i]!;
        const term = c === 0 ? STEP * from * x : Math.abs(x - from) + 0.5;
        return sum + weight * (before[2 * i + c]! + term);
      }, 0),
    );
  });
}

const at = (seed: number, tau: Float64Array) => ({
  ...{ step: STEP, rng: rngFromSeed(seed), functional, parents, children, live, count: 4, before, tau },
});
const liveRows = (tau: Float64Array): number[] =>
  Array.from(live).flatMap((j) => [tau[2 * j]!, tau[2 * j + 1]!]);

describe('one step of conditional expectations', () => {
  test('forwardOnly() is the sum over the backward law', async () => {
    const backend = jsBackend();
    const arena = backend.arena();
    const tile = makeTile('test', backend, arena, smallModel, N);
    const update = forwardOnly('test', arena, tile, N, 2, makeTurn(), signal);
    const tau = new Float64Array(2 * N);
    await update(at(1, tau), { ...NO_DRAWS });
    for (const [c, value] of byDefinition().entries()) expect(liveRows(tau)[c]).toBeCloseTo(value, 12);
  });

  test('forwardOnly() keeps the parent of the filter where no transition is possible', async () => {
    const never: DensityModel = {
      ...smallModel,
      logTransition: (_, __, ___, out) => void out.fill(-Infinity),
    };
    const backend = jsBackend();
    const arena = backend.arena();
    const update = forwardOnly(
      'test',
      arena,
      makeTile('test', backend, arena, never, N),
      N,
      2,
      makeTurn(),
      signal,
    );
    const tau = new Float64Array(2 * N);
    const tally = { ...NO_DRAWS };
    await update(at(1, tau), tally);
    expect(tally.unsupported).toBe(4);
    // Child 4 is in state 2 and comes from particle 1, also in state 2.
    expect([tau[8], tau[9]]).toEqual([-1 + STEP * 4, 0.5 + 0.5]);
  });

  // 400 repeats of 2 draws: a bias of 0.32 sd in one number is caught with 99 % probability; the twins are off by more.
  const repeats = 400;
  const parisMeans = async (make: (kit: DrawingKit) => AncestorDraws): Promise<Replicates> => {
    const backend = jsBackend();
    const arena = backend.arena();
    const kit = makeDrawingKit('test', backend, arena, smallModel, N, N);
    const update = paris('test', arena, make(kit), 2, N, 1, 2);
    const values = new Float64Array(repeats * 8);
    for (let r = 0; r < repeats; r++) {
      const tau = new Float64Array(2 * N);
      await update(at(SEED + r, tau), { ...NO_DRAWS });
      values.set(liveRows(tau), r * 8);
    }
    return { runs: repeats, width: 8, values };
  };

  test('paris() has the mean of forwardOnly(), by whichever exact draw', async () => {
    const exact = byDefinition();
    expectMeans(await parisMeans((kit) => rejectionDraws(kit, 50, makeTurn(), signal)), exact);
    expectMeans(await parisMeans((kit) => rejectionDraws(kit, 1, makeTurn(), signal)), exact);
    expectMeans(await parisMeans((kit) => exactDraws(kit, makeTurn(), signal)), exact);
  });

  test('paris() without the backward law, by the genealogy or by the weights alone, is told apart', async () => {
    const exact = byDefinition();
    const traced = await parisMeans(() => genealogyDraws);
    expectRejected(() => expectMeans(traced, exact));
    const byWeight = await parisMeans((kit) =>
      rejectionDraws(
        { ...kit, density: (_, __, count, out) => void out.fill(-1, 0, count) },
        50,
        makeTurn(),
        signal,
      ),
    );
    expectRejected(() => expectMeans(byWeight, exact));
  });

  test('paris() draws its two ancestors independently', async () => {
    // Var of the mean of two = half of the variance of one, which is known: relative sd of a variance of 400 is 0.07.
    const { values } = await parisMeans((kit) => rejectionDraws(kit, 50, makeTurn(), signal));
    const p = backwardLaw(STEP - 1, parents, children.x[0]!);
    const worth = p.map((_, i) => before[2 * i]! + STEP * parents.x[i]! * children.x[0]!);
    const mean = p.reduce((sum, w, i) => sum + (w > 0 ? w * worth[i]! : 0), 0);
    const variance = p.reduce((sum, w, i) => sum + (w > 0 ? w * (worth[i]! - mean) ** 2 : 0), 0);
    let seen = 0;
    for (let r = 0; r < repeats; r++) seen += (values[r * 8]! - mean) ** 2 / repeats;
    expect(Math.abs(seen / (variance / 2) - 1)).toBeLessThan(4.892 * 0.09);
  });
});

describe('additiveSmoother(): over a whole filter', () => {
  const filter = { model: smallModel, observations: smallObservations, particles: N, runs: 1 } as const;

  test("method 'forward-only' is the recursion over the particles of the filter", async () => {
    const history = { kind: 'full' } as const;
    const all = (await run(particleFilter({ ...filter, history }), { seed: SEED, backend: jsBackend() }))
      .history;
    const method = additiveSmoother({ ...filter, functional, method: 'forward-only' });
    const { running, functional: last } = await run(method, { seed: SEED, backend: jsBackend() });
    let tau: number[][] = [];
    for (let t = 0; t < SMALL_STEPS; t++) {
      const now = runFrame(all.frames[t]!, 0, N);
      const past = t === 0 ? undefined : runFrame(all.frames[t - 1]!, 0, N);
      tau = Array.from(now.x, (x) => {
        if (past === undefined) return [x, 1];
        const p = backwardLaw(t - 1, past, x);
        const value = (c: number): number =>
          p.reduce((sum, w, i) => {
            const from = past.x[i]!;
            return sum + w * (tau[i]![c]! + (c === 0 ? t * from * x : Math.abs(x - from) + 0.5));
          }, 0);
        return [value(0), value(1)];
      });
      const weight = Array.from(now.logWeight, Math.exp);
      const mass = weight.reduce((sum, w) => sum + w, 0);
      for (const c of [0, 1]) {
        const mean = weight.reduce((sum, w, i) => sum + (w / mass) * tau[i]![c]!, 0);
        expect(running.value[2 * t + c]).toBeCloseTo(mean, 11);
        if (t === SMALL_STEPS - 1) expect(last.value[c]).toBeCloseTo(mean, 11);
      }
    }
  });
});
