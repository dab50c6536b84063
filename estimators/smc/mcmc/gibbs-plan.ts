import { checkCount, checkOneOf, checkOptionNames, show } from '../../../engine/check.ts';
import { digest } from '../../../engine/digest.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { KernelChoice } from '../../../engine/kernel/kernel.ts';
import { randomWalk } from '../../../engine/kernel/random-walk.ts';
import { makeTrigger, type TriggerOptions } from '../../../engine/particles/trigger.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import type { Context } from '../../../engine/sampler.ts';
import { type OpenedPrior, openPrior } from '../samplers/prior.ts';
import { checkDraws, checkFilterMemory, middleOf } from './chain-checks.ts';
import type {
  ConditionalSmcOptions,
  ParticleGibbsOptions,
  PathChainOptions,
  StartParameters,
} from './gibbs-types.ts';
import { type ParameterModels, parameterModels } from './parameter-models.ts';
import { checkedTheta, drawnParameters, movedParameters, type ParameterUpdate } from './parameter-update.ts';
import type { ConditionalVariant } from './path-updater.ts';

/** Checked options of chains of paths, with parameters or without. */
export interface GibbsPlan {
  readonly where: string;
  readonly models: ParameterModels;
  /** Names of the parameters; none for conditional SMC alone. */
  readonly names: readonly string[];
  readonly particles: number;
  readonly iterations: number;
  readonly warmup: number;
  readonly chains: number;
  readonly variant: ConditionalVariant;
  readonly trigger: TriggerOptions;
  start(rng: Rng, chain: number): Float64Array;
  open(ctx: Context, rngs: readonly Rng[]): ParameterUpdate;
  /** What a saved state must agree with. */
  readonly fingerprint: string;
}

const CHAIN_OPTIONS = [
  'particles',
  'iterations',
  'warmup',
  'chains',
  'variant',
  'threshold',
  'measure',
  'model',
  'observations',
  'proposal',
];
const VARIANTS: readonly ConditionalVariant[] = ['plain', 'ancestor', 'backward', 'systematic'];

type Parameters = Pick<GibbsPlan, 'names' | 'start' | 'open'> & {
  readonly mark: unknown;
  /** A theta that is known before the run. */
  readonly known: Float64Array | undefined;
};

/** @throws OptionError for the first option that cannot be used. */
export function conditionalPlan(where: string, options: ConditionalSmcOptions): GibbsPlan {
  checkOptionNames(where, options, CHAIN_OPTIONS);
  const { model, proposal, observations } = options;
  if (model === null || typeof model !== 'object') throw noModel(where, model);
  const family = {
    model: () => model,
    observations,
    ...(proposal === undefined ? {} : { proposal: () => proposal }),
  };
  const models = parameterModels(where, family);
  const none: ParameterUpdate = {
    update: async (_, __, theta) => theta,
    kernel: undefined,
    release() {},
  };
  const known = new Float64Array(0);
  return planOf(where, options, models, {
    names: [],
    start: () => known,
    open: () => none,
    mark: null,
    known,
  });
}

/** @throws OptionError for the first option that cannot be used. */
export function gibbsPlan(where: string, options: ParticleGibbsOptions): GibbsPlan {
  const models = parameterModels(where, options);
  if ('update' in options) {
    checkOptionNames(where, options, [...CHAIN_OPTIONS, 'parameters', 'start', 'update']);
    const { parameters: names, update } = options;
    checkNames(where, names);
    if (typeof update !== 'function') throw noUpdate(where, update);
    return planOf(where, options, models, {
      names,
      start: startOf(where, names.length, options.start, undefined),
      open: (_, rngs) => drawnParameters(where, update, names.length, rngs),
      mark: names,
      known: typeof options.start === 'function' ? undefined : Float64Array.from(options.start),
    });
  }
  if (!('prior' in options)) throw noUpdate(where, undefined);
  checkOptionNames(where, options, [...CHAIN_OPTIONS, 'prior', 'start', 'kernel', 'moves']);
  const prior = openPrior(where, options.prior);
  const { kernel = randomWalk(), moves: asked = 1 } = options;
  const moves = checkCount(where, 'moves', asked, { min: 1, max: 2 ** 24 });
  checkKernel(where, kernel, prior);
  return planOf(where, options, models, {
    names: prior.names,
    start: startOf(where, prior.names.length, options.start, prior),
    open: (ctx, rngs) => movedParameters({ where, prior, kernel, moves, models }, ctx, rngs),
    mark: [prior.digest, kernel.name, kernel.options, moves],
    known: middleOf(prior),
  });
}

function planOf(
  where: string,
  options: PathChainOptions & { readonly observations: ArrayLike<unknown> },
  models: ParameterModels,
  { mark, known, ...parameters }: Parameters,
): GibbsPlan {
  const { particles = 100, iterations = 1000, chains = 4, variant = 'ancestor' } = options;
  const { threshold, measure, warmup = Math.floor(iterations / 4) } = options;
  checkCount(where, 'particles', particles, { min: 2, max: 2 ** 31 });
  checkCount(where, 'iterations', iterations, { min: 1, max: 2 ** 31 });
  checkCount(where, 'warmup', warmup, { min: 0, max: 2 ** 31 });
  checkCount(where, 'chains', chains, { min: 1, max: 65536 });
  const width = parameters.names.length;
  checkDraws(where, { chains, iterations, warmup, width, warmupWidth: width });
  checkOneOf(where, 'variant', variant, VARIANTS);
  const trigger = {
    ...(threshold === undefined ? {} : { threshold }),
    ...(measure === undefined ? {} : { measure }),
  };
  makeTrigger(where, trigger);
  const history = { kind: variant === 'backward' ? 'full' : 'paths' } as const;
  checkFilterMemory(where, models, known, { particles, runs: chains, history });
  const told = [where, particles, iterations, warmup, chains, variant, trigger, mark, options.observations];
  const fingerprint = digest(JSON.stringify(told));
  return {
    where,
    models,
    particles,
    iterations,
    warmup,
    chains,
    variant,
    trigger,
    fingerprint,
    ...parameters,
  };
}

/** theta of a chain before its first sweep; draws at purpose 0, step 0 of the chain. */
export function startOf(
  where: string,
  width: number,
  start: StartParameters | undefined,
  prior: OpenedPrior | undefined,
): GibbsPlan['start'] {
  if (start === undefined && prior === undefined) throw noStart(where, width);
  if (start !== undefined && typeof start !== 'function') checkedTheta(where, 'start', start, width);
  return (rng, chain) => {
    const stream = rng.stream({ purpose: PURPOSE.init });
    if (typeof start === 'function') return checkedTheta(where, 'start', start(stream, chain), width);
    if (start !== undefined) return Float64Array.from(start);
    const u = Float64Array.from({ length: width }, () => stream.uniform());
    prior!.law.transport(u, u);
    return u;
  };
}

/** @throws OptionError for a kernel that is none, or needs what a likelihood from particles cannot give. */
export function checkKernel(where: string, kernel: KernelChoice, prior: OpenedPrior): void {
  const known = (kernel as Partial<KernelChoice> | null)?.kind === 'markov-kernel';
  if (known && kernel.needs !== 'gradient') {
    kernel.check?.({ where, dimension: prior.law.dimension, prior: prior.law });
    return;
  }
  throw new OptionError({
    where,
    option: 'kernel',
    value: kernel,
    found: known ? `${kernel.name} moves along gradients` : `option \`kernel\` is ${show(kernel)}`,
    expected: `a kernel that needs no gradient in ${prior.names.join(', ')}`,
    fix: 'Try kernel: randomWalk().',
  });
}

function checkNames(where: string, names: readonly string[]): void {
  if (Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string')) return;
  throw new OptionError({
    where,
    option: 'parameters',
    value: names,
    found: `option \`parameters\` is ${show(names)}`,
    expected: 'the names of the parameters, at least one',
    fix: "Try parameters: ['rho'].",
  });
}

function noUpdate(where: string, value: unknown): OptionError {
  return new OptionError({
    where,
    option: 'update',
    value,
    found: `option \`update\` is ${show(value)}`,
    expected: 'a function (path, theta, stream) => theta, or else the option `prior` for a move by a kernel',
  });
}

function noStart(where: string, width: number): OptionError {
  return new OptionError({
    where,
    option: 'start',
    value: undefined,
    found: 'option `start` is undefined',
    expected: `${width} ${width === 1 ? 'number' : 'numbers'}, or a function (stream, chain) that returns them`,
  });
}

function noModel(where: string, model: unknown): OptionError {
  return new OptionError({
    where,
    option: 'model',
    value: model,
    found: `option \`model\` is ${show(model)}`,
    expected: 'a state-space model',
  });
}
