import { expect, test } from 'vitest';
import { hmc } from '../../engine/kernel/hmc.ts';
import { type MoveTarget, tempered } from '../../engine/kernel/kernel.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { chainsAt, contextOf } from './targets.ts';

/*
 * A potential without slopes: 0 below x = 1, 900 on the ridge from 1 to 2, -200 beyond. A trajectory that stops on the ridge
 * climbs by 900 from the left and by 1100 from the right. Only the larger climb counts as diverged, so both ways through
 * the ridge must be refused, or the way there would be open and the way back closed.
 */
const RIDGE: MoveTarget = {
  dimension: 1,
  ...tempered(1),
  logPrior(x, n, out, gradient) {
    for (let i = 0; i < n; i++) out[i] = x[i]! < 1 ? 0 : x[i]! < 2 ? -900 : 200;
    gradient?.fill(0, 0, n);
  },
  logLikelihood(_x, n, out, gradient) {
    out.fill(0, 0, n);
    gradient?.fill(0, 0, n);
  },
};

test('hmc(): a trajectory is divergent seen from either of its ends, or from neither', async () => {
  const kernel = hmc({ stepSize: 1, steps: 2 }).open(contextOf(1));
  const n = 4000;
  const states = await chainsAt(new Float64Array(n), RIDGE, true);
  await kernel.move(states, RIDGE, { rng: rngFromSeed(1), step: 1, move: 0 });
  // Two equal steps: whoever ends at x beyond the ridge was at x / 2 between.
  let jumped = 0;
  for (const x of states.x) {
    expect(x < 1 || x >= 4).toBe(true);
    if (x >= 4) jumped++;
  }
  expect(jumped).toBeGreaterThan(20);
});
