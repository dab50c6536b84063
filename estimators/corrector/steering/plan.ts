import {
  checkCount,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  checkRecord,
  show,
} from '../../../engine/check.ts';
import { type BaseChain, baseChain, checkNoisy } from '../../../engine/diffusion/base-chain.ts';
import type { Denoiser } from '../../../engine/diffusion/denoiser.ts';
import { checkDenoiser, describeDenoiser } from '../../../engine/diffusion/open-denoiser.ts';
import { checkReward } from '../../../engine/diffusion/open-reward.ts';
import { describeReward, type RewardLike } from '../../../engine/diffusion/reward.ts';
import { digest } from '../../../engine/digest.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import { SCHEME_NAMES } from '../../../engine/particles/resampling/schemes.ts';
import { checkSmcMemory } from '../../../engine/particles/smc/memory.ts';
import type { Density, Source } from '../../../engine/types.ts';
import { MEMORY, type PotentialKind } from './potentials.ts';
import type { ChainOptions, SteeringLimit, SteeringNormalizer, WeightedChainOptions } from './types.ts';

/** How a proposal is pulled up the reward: as if it were part of the score, or by the variance of the kernel. */
export type Shift = 'score' | 'variance';

/** Several draws for one: each particle takes one of `count` candidates. */
export interface Candidates {
  readonly count: number;
  /** 'at-end': the best of `count` whole chains; else at every step, by exp(reward / temperature) or the best. */
  readonly pick: 'at-end' | 'softmax' | 'argmax';
  readonly temperature: number;
}

/** What tells one method from another. */
export interface SteeringMethod {
  readonly name: string;
  readonly where: string;
  readonly sources: readonly Source[];
  readonly potential: PotentialKind;
  /** Whether the reward of the estimate at step 0..N-1 is asked for. */
  looks(step: number): boolean;
  /** gamma_s, by which the reward counts at step 0..N-1 and pulls the move towards it. */
  twist(step: number): number;
  readonly shift?: Shift;
  readonly candidates?: Candidates;
  /** As the released code of FK steering does it; `adaptive`: it resamples by the effective size alone. */
  readonly compat?: { readonly adaptive: boolean };
  /** Share of particles that have to count. */
  readonly threshold: number;
  readonly scheme: SchemeName;
  /** Why the chain needs noise; undefined: it does not. */
  readonly noisy?: string;
  readonly limit: SteeringLimit;
  readonly claim: Pick<SteeringNormalizer, 'claim' | 'reason'>;
  /** What of the method's own options changes the numbers. */
  readonly digest: readonly unknown[];
}

export interface SteeringPlan {
  readonly method: SteeringMethod;
  readonly denoiser: Denoiser;
  readonly reward: RewardLike;
  readonly inverseTemperature: number;
  readonly chain: BaseChain;
  readonly start: Density | undefined;
  readonly dimension: number;
  /** N */
  readonly steps: number;
  /** Points of the answer of a run, and rows of a run: several a point for the best of them. */
  readonly particles: number;
  readonly rows: number;
  readonly runs: number;
  readonly fields: ChainFields;
  readonly fingerprint: string;
}

type Field = { readonly components: number };

/** What follows a particle: E[x_0 given x] beside x, the pull on its next move, and what potentials remember. */
export type ChainFields = { readonly x: Field; readonly clean: Field; readonly [name: string]: Field };

const OPTIONS = [
  'denoiser',
  'reward',
  'inverseTemperature',
  'integrator',
  'steps',
  'grid',
  'start',
  'particles',
  'runs',
] as const satisfies readonly (keyof ChainOptions)[];

/** Options that all methods share, checked, with the number of their steps. @throws OptionError */
export function checkChain(where: string, options: ChainOptions, own: readonly string[]): BaseChain {
  checkOptionNames(where, options, [...OPTIONS, ...own]);
  checkDenoiser(where, 'denoiser', options.denoiser);
  checkReward(where, options.reward, options.denoiser.dimension);
  return baseChain(where, options);
}

/** @throws OptionError for options that cannot be used. */
export function steeringPlan(options: ChainOptions, chain: BaseChain, method: SteeringMethod): SteeringPlan {
  const { where, candidates, shift, potential, noisy, scheme } = method;
  const { denoiser, reward, start } = options;
  const d = denoiser.dimension;
  const particles = checkCount(where, 'particles', options.particles ?? 1024, { min: 1, max: 2 ** 30 });
  const runs = checkCount(where, 'runs', options.runs ?? 1, { min: 1, max: 2 ** 20 });
  const inverseTemperature = checkNumber(
    where,
    'inverseTemperature',
    options.inverseTemperature ?? 1,
    (x) => x >= 0 && x < Infinity,
    'a finite number >= 0',
  );
  checkStart(where, start, d);
  if (noisy !== undefined) checkNoisy(where, chain, noisy);
  const fields: ChainFields = {
    x: { components: d },
    clean: { components: d },
    ...(shift === undefined ? {} : { shift: { components: d } }),
    ...(potential === 'none' ? {} : { memory: { components: MEMORY } }),
  };
  const rows = particles * (candidates?.pick === 'at-end' ? candidates.count : 1);
  checkSmcMemory(where, { fields, particles: rows, runs, scheme, noise: noiseOf(method, d) });
  const plan = {
    ...{ method, denoiser, reward, inverseTemperature, chain, start, dimension: d },
    ...{ steps: chain.moves.length, particles, rows, runs, fields },
  };
  return { ...plan, fingerprint: fingerprintOf(plan) };
}

/** Standard normals that a particle takes a step. */
export function noiseOf({ candidates }: SteeringMethod, d: number): number {
  return candidates === undefined || candidates.pick === 'at-end' ? d : d * candidates.count;
}

/** Scheme and threshold of methods with weights. @throws OptionError */
export function checkResample(
  where: string,
  { resample = { ess: 0.5 }, scheme }: WeightedChainOptions,
  usual: SchemeName = 'systematic',
): { readonly threshold: number; readonly scheme: SchemeName } {
  checkRecord(where, 'resample', resample, 'a rule such as { ess: 0.5 }');
  checkOptionNames(`${where}.resample`, resample, ['ess']);
  const share = checkNumber(
    where,
    'resample.ess',
    resample.ess,
    (x) => x >= 0 && x <= 1,
    'a share from 0 to 1',
  );
  return {
    threshold: share === 1 ? WHENEVER : share,
    scheme: checkOneOf(where, 'scheme', scheme ?? usual, SCHEME_NAMES),
  };
}

/** A share below which any difference of weights falls, and equal weights do not: steps without a potential rest. */
export const WHENEVER: number = 1 - 2 ** -40;

function checkStart(where: string, start: Density | undefined, d: number): void {
  if (start === undefined) return;
  const fits = start?.dimension === d && typeof start.transport === 'function';
  if (fits) return;
  throw new OptionError({
    where,
    option: 'start',
    value: start,
    found: `option \`start\` is ${start?.dimension === undefined ? show(start) : `of ${start.dimension} dimensions`}`,
    expected: `a law of ${d} numbers that can be drawn from, such as multivariateNormal(mean, covariance)`,
  });
}

function fingerprintOf(plan: Omit<SteeringPlan, 'fingerprint'>): string {
  const { method, denoiser, reward, inverseTemperature, chain, start, particles, runs } = plan;
  return digest(
    JSON.stringify([
      [method.where, method.digest, method.threshold, method.scheme],
      describeDenoiser(denoiser),
      [describeReward(reward), inverseTemperature],
      [chain.name, chain.points, chain.moves],
      [start === undefined ? null : describeStart(start), particles, runs],
    ]),
  );
}

function describeStart(start: Density & { describe?(): string }): string {
  return start.describe?.() ?? 'a law';
}
