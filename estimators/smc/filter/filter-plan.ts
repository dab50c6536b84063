import { checkCount, checkNumber, checkOneOf, checkOptionNames, show } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { HistoryOptions } from '../../../engine/particles/history.ts';
import { RESAMPLING_SCHEMES, SCHEME_NAMES } from '../../../engine/particles/resampling/schemes.ts';
import type { FeynmanKac } from '../../../engine/particles/smc/feynman-kac.ts';
import { checkSmcMemory } from '../../../engine/particles/smc/memory.ts';
import type { SmcOptions } from '../../../engine/particles/smc/types.ts';
import { makeTrigger } from '../../../engine/particles/trigger.ts';
import type { BatchFn } from '../../../engine/types.ts';
import { checkQuasiRandom } from '../sqmc/check-quasi-random.ts';
import type { StateFields, StateSpaceModel } from '../state-space.ts';
import { auxiliary } from './auxiliary.ts';
import { bootstrap } from './bootstrap.ts';
import type { CardFitness } from './card-place.ts';
import { filterMark } from './filter-mark.ts';
import type { FilterSettings } from './filter-types.ts';
import { guided } from './guided.ts';
import { digestObservations, type ObservationSeries } from './observations.ts';

/** Checked options of a filter of R runs. */
export interface FilterPlan {
  readonly where: string;
  /** d */
  readonly dimension: number;
  /** N and R. */
  readonly particles: number;
  readonly runs: number;
  /** Every run has the key of the first. */
  readonly sharedNoise: boolean;
  readonly moments: 'none' | 'mean' | 'covariance';
  readonly functions: readonly (readonly [name: string, f: BatchFn])[];
  /** Whether standard errors of means are read off the genealogy of each run. */
  readonly genealogyErrors: boolean;
  readonly history: HistoryOptions;
  /** What goes to the loop as it is. */
  readonly loop: Pick<
    SmcOptions<StateFields>,
    'scheme' | 'threshold' | 'measure' | 'history' | 'nan' | 'floor'
  >;
  readonly unbiasedScheme: boolean;
  /** Whether points and curve take the place of random numbers and scheme. */
  readonly quasiRandom: boolean;
  /** The Feynman-Kac model of each run; made anew for every state, because filters hold scratch. */
  filters(): readonly FeynmanKac<StateFields>[];
  readonly observations: ObservationSeries;
  /** Whether a card can do it; absent from filters that run on the host always. */
  readonly fitness?: CardFitness;
  /** What a saved state must agree with. */
  readonly fingerprint: string;
}

export const SETTINGS = [
  'particles',
  'scheme',
  'threshold',
  'measure',
  'proposal',
  'lookahead',
  'moments',
  'expectations',
  'standardErrors',
  'quasiRandom',
  'history',
  'nan',
  'floor',
] as const;

interface Asked extends FilterSettings {
  readonly where: string;
  /** One for all runs, or one each. */
  readonly models: readonly StateSpaceModel[];
  readonly observations: ObservationSeries;
  readonly runs: number;
  readonly sharedNoise?: boolean;
  /** T; undefined for a filter that is fed as it goes. */
  readonly steps: number | undefined;
}

/** @throws OptionError for what cannot be used, before any work. */
export function filterPlan(asked: Asked): FilterPlan {
  const { where, models, observations, particles = 1024, runs, sharedNoise = false, steps } = asked;
  const { scheme = 'systematic', moments = 'mean', expectations = {}, standardErrors = false } = asked;
  const { history = { kind: 'none' }, nan = 'error', floor, measure, proposal, lookahead } = asked;
  const { quasiRandom = false } = asked;
  checkCount(where, 'particles', particles, { min: 1, max: 4294967232 });
  checkCount(where, 'runs', runs, { min: 1 });
  checkOneOf(where, 'scheme', scheme, SCHEME_NAMES);
  checkOneOf(where, 'moments', moments, ['none', 'mean', 'covariance']);
  checkOneOf(where, 'nan', nan, ['error', 'dead']);
  checkFlag(where, 'standardErrors', standardErrors);
  checkFlag(where, 'sharedNoise', sharedNoise);
  checkFlag(where, 'quasiRandom', quasiRandom);
  if (quasiRandom) checkQuasiRandom(where, asked, models[0]!.dimension);
  const threshold = quasiRandom ? 1 : asked.threshold;
  makeTrigger(where, asked);
  checkHistory(where, history);
  if (floor !== undefined) checkNumber(where, 'floor', floor, Number.isFinite, 'a finite number');
  const { dimension } = models[0]!;
  checkRecord(where, 'expectations', expectations);
  const functions = Object.entries(expectations);
  for (const [name, f] of functions) checkFunction(where, `expectations.${name}`, f);
  checkGuides(where, proposal, lookahead);
  const filter = (r: number): FeynmanKac<StateFields> =>
    filterOf(asked, models[r] ?? models[0]!, observations);
  const { fields, noise = 0 } = filter(0);
  const size = { fields, particles, runs, steps, noise, lookahead: lookahead !== undefined, scheme, history };
  checkSmcMemory(where, size);
  // A model of a batch may lack what a proposal needs.
  for (let r = 1; r < models.length; r++) filter(r);
  const options = {
    ...(threshold === undefined ? {} : { threshold }),
    ...(measure === undefined ? {} : { measure }),
    ...(floor === undefined ? {} : { floor }),
  };
  const flags = [sharedNoise, standardErrors, quasiRandom];
  const known = steps === undefined ? undefined : observations;
  const marks = models.map((model) => filterMark({ model, proposal, lookahead }, known));
  const names = functions.map(([name]) => name);
  return {
    where,
    dimension,
    particles,
    runs,
    sharedNoise,
    moments,
    functions,
    // The spread of several runs is the better error, and the only one that points have.
    genealogyErrors: standardErrors && runs === 1 && !quasiRandom,
    history,
    loop: { scheme, history, nan, ...options },
    unbiasedScheme: RESAMPLING_SCHEMES[scheme].unbiased,
    quasiRandom,
    filters: () => Array.from({ length: runs }, (_, r) => filter(r)),
    observations,
    fingerprint: JSON.stringify([
      ...[where, dimension, particles, runs, scheme, moments, names, history, nan, options, flags],
      ...marks,
      ...[steps, steps === undefined ? 0 : digestObservations(observations)],
    ]),
  };
}

function filterOf(
  { where, proposal, lookahead, quasiRandom }: Asked,
  model: StateSpaceModel,
  observations: ObservationSeries,
): FeynmanKac<StateFields> {
  const filter =
    proposal === undefined
      ? bootstrap(model, observations, quasiRandom)
      : guided(model, observations, proposal, where);
  return lookahead === undefined ? filter : auxiliary(filter, observations, lookahead);
}

const FUNCTIONS = ['initial', 'transition', 'logObservation'] as const;

/** @throws OptionError unless a model is one. */
export function checkModel(where: string, option: string, model: unknown): void {
  const candidate = model as Partial<StateSpaceModel> | null | undefined;
  if (candidate === null || typeof candidate !== 'object')
    throw notModel(where, option, model, `option \`${option}\` is ${show(model)}`);
  checkCount(where, `${option}.dimension`, candidate.dimension, { min: 1 });
  checkCount(where, `${option}.observed`, candidate.observed ?? 1, { min: 1 });
  checkCount(where, `${option}.noise`, candidate.noise ?? 1, { min: 1 });
  const missing = FUNCTIONS.find((name) => typeof candidate[name] !== 'function');
  if (missing !== undefined)
    throw notModel(where, option, model, `\`${option}.${missing}\` is ${show(candidate[missing])}`);
}

function notModel(where: string, option: string, value: unknown, found: string): OptionError {
  return new OptionError({
    where,
    option,
    value,
    found,
    expected: `a state-space model: dimension and the functions ${FUNCTIONS.join(', ')}`,
  });
}

function checkFunction(where: string, option: string, value: unknown): void {
  if (typeof value === 'function') return;
  throw new OptionError({
    where,
    option,
    value,
    found: `option \`${option}\` is ${show(value)}`,
    expected: 'a function of rows x [n, d] that fills out [n]',
  });
}

const GUIDES = ['initial', 'transition', 'logInitial', 'logTransition'] as const;

function checkGuides(where: string, proposal: Asked['proposal'], lookahead: Asked['lookahead']): void {
  if (lookahead !== undefined && typeof lookahead !== 'function')
    throw new OptionError({
      where,
      option: 'lookahead',
      value: lookahead,
      found: `option \`lookahead\` is ${show(lookahead)}`,
      expected: 'a function (step, next, x, out) that fills out [n]',
    });
  if (proposal === undefined) return;
  checkRecord(where, 'proposal', proposal);
  checkCount(where, 'proposal.noise', proposal.noise ?? 1, { min: 1 });
  const missing = GUIDES.find((name) => typeof proposal[name] !== 'function');
  if (missing === undefined) return;
  throw new OptionError({
    where,
    option: 'proposal',
    value: proposal,
    found: `\`proposal.${missing}\` is ${show(proposal[missing])}`,
    expected: `a proposal: the functions ${GUIDES.join(', ')}`,
  });
}

function checkRecord(where: string, option: string, value: unknown): void {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return;
  throw new OptionError({
    where,
    option,
    value,
    found: `option \`${option}\` is ${show(value)}`,
    expected: 'an object of functions by name',
  });
}

function checkFlag(where: string, option: string, value: unknown): void {
  if (typeof value === 'boolean') return;
  throw new OptionError({
    where,
    option,
    value,
    found: `option \`${option}\` is ${show(value)}`,
    expected: 'true or false',
  });
}

function checkHistory(where: string, history: HistoryOptions): void {
  checkOptionNames(`${where}: history`, history, ['kind', 'steps']);
  checkOneOf(where, 'history.kind', history.kind, ['none', 'window', 'selected', 'full', 'paths']);
  if (history.kind === 'window') checkCount(where, 'history.steps', history.steps, { min: 1 });
  if (history.kind !== 'selected') return;
  if (!Array.isArray(history.steps))
    throw new OptionError({
      where,
      option: 'history.steps',
      value: history.steps,
      found: `option \`history.steps\` is ${show(history.steps)}`,
      expected: 'an array of steps, from 0',
    });
  for (const step of history.steps) checkCount(where, 'history.steps', step, { min: 0 });
}
