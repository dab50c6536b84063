import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { mixtureDenoiser } from '../../engine/diffusion/analytic/mixture-denoiser.ts';
import { exactTarget, type TargetMoments } from '../../engine/diffusion/analytic-target.ts';
import { quadratureTarget } from '../../engine/diffusion/quadrature-target.ts';
import { linearReward, quadraticReward, type Reward } from '../../engine/diffusion/reward.ts';
import { vpLinear } from '../../engine/diffusion/schedules.ts';
import { multivariateMixture } from '../../engine/distribution/multivariate-mixture.ts';
import { multivariateNormal } from '../../engine/distribution/multivariate-normal.ts';
import type { NormalMixture } from '../../engine/distribution/normal-mixture.ts';
import { OptionError } from '../../engine/errors.ts';

interface Case {
  readonly id: string;
  readonly dimension: number;
  readonly experts: readonly { weights: number[]; means: number[][]; covs: number[][][] }[];
  readonly exponents: readonly number[];
  readonly tilt: { kind: string; c: number[]; A: number[][]; m: number[]; k: number; q: number[] } | null;
  readonly exact: {
    readonly method: string;
    readonly logZ: number;
    readonly mean: number[];
    readonly cov: number[][];
    readonly marginalMasses: readonly { coord: number; cuts: number[]; masses: number[] }[];
    readonly components?: readonly { weight: number; mean: number[]; cov: number[][] }[];
  };
}

const path = new URL('../reference/tilted-mixtures.json', import.meta.url);
const reference = JSON.parse(readFileSync(path, 'utf8')) as {
  readonly cases: readonly Case[];
};

function expertsOf({ experts }: Case): NormalMixture[] {
  return experts.map(({ weights, means, covs }) => ({ weights, means, covariances: covs }));
}

function rewardOf({ tilt }: Case): { reward?: Reward } {
  if (tilt === null) return {};
  if (tilt.kind === 'linear') return { reward: linearReward(tilt.c) };
  if (tilt.kind === 'quadratic') return { reward: quadraticReward(tilt.m, tilt.A) };
  const value = (x: Float64Array, out: Float64Array): void => {
    for (let i = 0; i < out.length; i++) out[i] = tilt.k * Math.tanh(tilt.q[0]! * x[i]!);
  };
  return { reward: { value } };
}

/** Twelve digits are printed. */
function expectNear(found: ArrayLike<number>, wanted: ArrayLike<number>, scale = 1): void {
  expect(found.length).toBe(wanted.length);
  for (let i = 0; i < found.length; i++) expect(Math.abs(found[i]! - wanted[i]!)).toBeLessThan(1e-10 * scale);
}

function expectExact(found: TargetMoments, { exact }: Case): void {
  expectNear([found.logNormalizer], [exact.logZ]);
  expectNear(found.mean, exact.mean);
  expectNear(found.covariance, exact.cov.flat());
  for (const { coord, cuts, masses } of exact.marginalMasses) expectNear(found.masses(coord, cuts), masses);
}

describe('exactTarget()', () => {
  const closed = reference.cases.filter(({ exact }) => exact.components !== undefined);

  test.each(closed.map((each) => [each.id, each] as const))('%s: every closed form to 1e-10', (_, each) => {
    const { exponents, exact } = each;
    const found = exactTarget({ experts: expertsOf(each), exponents, ...rewardOf(each) });
    expectExact(found, each);
    const order = Array.from(found.mixture.weights!.keys());
    order.sort((a, b) => found.mixture.weights![b]! - found.mixture.weights![a]!);
    for (const [k, component] of exact.components!.entries()) {
      expectNear([found.mixture.weights![order[k]!]!], [component.weight]);
      expectNear(found.mixture.means[order[k]!]!, component.mean);
      expectNear(found.mixture.covariances[order[k]!]!.flat(), component.cov.flat());
    }
  });

  test('the law has the density of the product over its normalizer', () => {
    const each = closed.find(({ id }) => id === 'reward-quad-1d-ve')!;
    const found = exactTarget({ experts: expertsOf(each), exponents: [1], ...rewardOf(each) });
    const base = exactTarget({ experts: expertsOf(each), exponents: [1] });
    const x = Float64Array.of(-2, 0.3, 1.1);
    const [own, untilted, r] = [0, 0, 0].map(() => new Float64Array(3));
    found.law.logDensity(x, own!);
    base.law.logDensity(x, untilted!);
    void rewardOf(each).reward!.value(x, r!);
    expectNear(
      own!,
      untilted!.map((log, i) => log + r![i]! - found.logNormalizer),
    );
  });

  test('numbers, a law and a denoiser of the same mixture are the same expert', () => {
    const each = closed.find(({ id }) => id === 'anneal-b2-2d-ve')!;
    const [numbers] = expertsOf(each);
    const parts = numbers!.means.map((mean, k) => multivariateNormal(mean, numbers!.covariances[k]!));
    const forms = [multivariateMixture(parts, numbers!.weights), mixtureDenoiser(numbers!, vpLinear())];
    for (const form of forms) expectExact(exactTarget({ experts: [form], exponents: [2] }), each);
    const network = { dimension: 2, schedule: vpLinear(), prediction: 'noise', predict() {} } as const;
    expect(() => exactTarget({ experts: [network], exponents: [1] })).toThrow(/does not tell its data law/);
  });

  test('a law far from the origin loses no digits', () => {
    const far = { means: [[1e5]], covariances: [[[1e-4]]] };
    const { logNormalizer } = exactTarget({ experts: [far], exponents: [2] });
    expectNear([logNormalizer], [-0.5 * Math.log(2 * Math.PI * 1e-4) - 0.5 * Math.log(2)]);
  });

  test('no closed form, or none that can be normalised, is told with expert or direction', () => {
    const experts = expertsOf(reference.cases.find(({ id }) => id === 'anneal-b05-1d-vp')!);
    expect(() => exactTarget({ experts, exponents: [0.5] })).toThrow(
      /mixture of 3 normal laws with exponent 0.5/,
    );
    const narrow = {
      means: [[0, 0]],
      covariances: [
        [
          [1, 0],
          [0, 0.25],
        ],
      ],
    };
    const wide = {
      means: [[0, 0]],
      covariances: [
        [
          [1, 0],
          [0, 1],
        ],
      ],
    };
    expect(() => exactTarget({ experts: [narrow, wide], exponents: [-1, 2] })).toThrow(
      /precision -2 along \(0, 1\)/,
    );
    const reward = quadraticReward(
      [0, 0],
      [
        [0, 0],
        [0, -1],
      ],
    );
    expect(() => exactTarget({ experts: [wide], exponents: [1], reward })).toThrow(/precision 0 along/);
    const tanh: Reward = { value() {} };
    expect(() => exactTarget({ experts: [wide], exponents: [1], reward: tanh })).toThrow(/no known form/);
    const counts = (): unknown => exactTarget({ experts: [wide], exponents: [1, 1] });
    expect(counts).toThrow(OptionError);
    expect(() => exactTarget({ experts, exponents: [1], reward: linearReward([1, 2]) })).toThrow(OptionError);
    expect(() => exactTarget({ experts: [wide], exponents: [1] }).masses(2, [0])).toThrow(OptionError);
    expect(() => exactTarget({ experts: [wide], exponents: [1] }).masses(0, [1, 0])).toThrow(OptionError);
  });
});

describe('quadratureTarget()', () => {
  test.each(reference.cases.map((each) => [each.id, each] as const))('%s: to 1e-10', (_, each) => {
    const { exponents, dimension: d } = each;
    const [low, high] = [-16, 16].map((end) =>
      Array.from({ length: d }, () => (d === 1 ? end : (end * 7) / 16)),
    );
    const options = { experts: expertsOf(each), exponents, ...rewardOf(each), low: low!, high: high! };
    expectExact(quadratureTarget({ ...options, ...(d === 1 ? {} : { nodes: 95 }) }), each);
  });

  test('a box that cuts off mass is refused', () => {
    const experts = [{ means: [[0]], covariances: [[[1]]] }];
    expect(() => quadratureTarget({ experts, exponents: [1], low: [-3], high: [9] })).toThrow(/border/);
    expect(() => quadratureTarget({ experts, exponents: [1], low: [9], high: [-9] })).toThrow(OptionError);
    const three = [
      {
        means: [[0, 0, 0]],
        covariances: [
          [
            [1, 0, 0],
            [0, 1, 0],
            [0, 0, 1],
          ],
        ],
      },
    ];
    const box = { low: [-9, -9, -9], high: [9, 9, 9] };
    expect(() => quadratureTarget({ experts: three, exponents: [1], ...box })).toThrow(OptionError);
  });
});
