import { expect, test } from 'vitest';
import { hmc } from '../../engine/kernel/hmc.ts';
import type { KernelChoice } from '../../engine/kernel/kernel.ts';
import { mala } from '../../engine/kernel/mala.ts';
import { pcn } from '../../engine/kernel/pcn.ts';
import { randomWalk } from '../../engine/kernel/random-walk.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { correlated } from './problems.ts';
import { chainsAt, drawsOf, openFor, targetOf } from './targets.ts';

const CASES: readonly (readonly [string, KernelChoice, (d: number) => number])[] = [
  ['randomWalk()', randomWalk({ scale: 10 }), (d) => 0.315 + 0.19 / d],
  ['mala()', mala({ stepSize: 10 }), () => 0.574],
  ['hmc()', hmc({ stepSize: 0.05, mostSteps: 8 }), () => 0.75],
  ['pcn()', pcn({ step: 1 }), () => 0.3],
];

test.each(CASES.flatMap(([name, ...rest]) => [5, 20].map((d) => [name, d, ...rest] as const)))(
  '%s in %i dimensions comes from a bad step size to its acceptance',
  async (_, d, choice, wanted) => {
    const problem = correlated(d);
    const target = targetOf(problem);
    const kernel = openFor(choice, problem);
    const n = 300;
    const states = await chainsAt(drawsOf(problem.prior, n, 1), target, kernel.needs === 'gradient');
    const rng = rngFromSeed(2);
    const last: number[] = [];
    for (let step = 1; step <= 30; step++) {
      kernel.tune({ x: states.x, logWeight: new Float64Array(n) });
      const { acceptance } = await kernel.move(states, target, { rng, step, move: 0 });
      if (step > 20) last.push(acceptance);
    }
    // The mean of ten over 300 chains, whose single probabilities have standard deviations below 0.45.
    expect(Math.abs(last.reduce((a, b) => a + b) / 10 - wanted(d))).toBeLessThan(
      5 * (0.45 / Math.sqrt(3000)) + 0.02,
    );
  },
);
