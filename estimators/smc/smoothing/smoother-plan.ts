import { checkCount, checkOneOf, checkOptionNames, MOST_BYTES, spaced } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { HistoryOptions } from '../../../engine/particles/history.ts';
import { SCHEME_NAMES } from '../../../engine/particles/resampling/schemes.ts';
import { smcBytes } from '../../../engine/particles/smc/memory.ts';
import { makeTrigger } from '../../../engine/particles/trigger.ts';
import { filterMark } from '../filter/filter-mark.ts';
import { checkModel } from '../filter/filter-plan.ts';
import { digestObservations, readObservations } from '../filter/observations.ts';
import type { StateSpaceModel } from '../state-space.ts';
import { type AdditiveFunctional, checkFunctional } from './additive-functional.ts';
import { filterModel } from './filter-model.ts';
import type { SmoothedFilterOptions, SmootherMethod, SmootherOptions } from './smoother-types.ts';

/** Checked options of the filter under a smoother. */
export interface FilterPlan {
  readonly where: string;
  readonly model: StateSpaceModel;
  /** [k] each; null where missing. */
  readonly observations: readonly (Float64Array | null)[];
  /** N */
  readonly particles: number;
  /** R */
  readonly runs: number;
  /** d */
  readonly dimension: number;
  /** T */
  readonly steps: number;
  /** Tells one series of observations and one set of functions of the filter from another. */
  readonly mark: string;
  readonly options: SmoothedFilterOptions;
}

export interface SmootherPlan extends FilterPlan {
  readonly method: SmootherMethod;
  /** P */
  readonly paths: number;
  readonly moves: number;
  readonly maxTrials: number;
  readonly lag: number;
  readonly functional: AdditiveFunctional | undefined;
  readonly history: HistoryOptions;
  /** What must agree between a snapshot and the method that resumes it. */
  readonly fingerprint: string;
}

/** What smoothers tell their filter. */
type FilterPart = Pick<
  SmootherOptions,
  | 'model'
  | 'observations'
  | 'particles'
  | 'runs'
  | 'scheme'
  | 'proposal'
  | 'lookahead'
  | 'threshold'
  | 'measure'
>;

/** Options of the filter, for `checkOptionNames`. */
export const FILTER_OPTIONS: readonly (keyof FilterPart)[] = [
  'model',
  'observations',
  'particles',
  'runs',
  'scheme',
  'proposal',
  'lookahead',
  'threshold',
  'measure',
];

const METHODS: readonly SmootherMethod[] = ['mcmc', 'exact', 'rejection', 'genealogy', 'fixed-lag'];
/** Options that belong to some methods only. */
const ONLY: Readonly<Record<'paths' | 'moves' | 'maxTrials' | 'lag', readonly SmootherMethod[]>> = {
  paths: ['mcmc', 'exact', 'rejection'],
  moves: ['mcmc'],
  maxTrials: ['rejection'],
  lag: ['fixed-lag'],
};
/** Most trials: the number of a try in an address is below 2^24. */
export const MOST_TRIALS: number = 2 ** 20;

/** @throws OptionError for the first option of the filter that cannot be used; ShapeError for an observation. */
export function checkFilter(where: string, options: SmoothedFilterOptions): FilterPlan {
  const { model, particles = 1024, runs = 1, proposal, lookahead } = options;
  checkModel(where, 'model', model);
  checkCount(where, 'particles', particles, { min: 1, max: 4294967232 });
  checkCount(where, 'runs', runs, { min: 1 });
  checkOneOf(where, 'scheme', options.scheme ?? 'systematic', SCHEME_NAMES);
  makeTrigger(where, options);
  const observations = readObservations(where, model, options.observations);
  const { dimension } = model;
  const plan = {
    where,
    model,
    observations,
    particles,
    runs,
    dimension,
    steps: observations.length,
    mark: `${digestObservations(observations)} ${filterMark({ model, proposal, lookahead }, observations)}`,
    options,
  };
  filterModel(plan);
  return plan;
}

/** @throws OptionError when the model has no transition density. */
export function checkTransition(where: string, model: StateSpaceModel, fix: string): void {
  if (model.logTransition !== undefined) return;
  throw new OptionError({
    where,
    option: 'model',
    value: model,
    found: 'the model has no `logTransition`',
    expected: 'log f_t(x | parent), by which the past is drawn again in the light of the future',
    fix: `Add logTransition(step, parent, x, out) to the model${fix}.`,
  });
}

/** @throws OptionError when the model has no bound of its transition density. */
export function checkBound(where: string, model: StateSpaceModel, fix: string): void {
  if (model.logTransitionBound !== undefined) return;
  throw new OptionError({
    where,
    option: 'model',
    value: model,
    found: 'the model has no `logTransitionBound`',
    expected: 'the largest value of logTransition at a step, for draws by rejection',
    fix: `Add logTransitionBound(step) to the model, or use ${fix}.`,
  });
}

/** @throws OptionError for the first option that cannot be used, and for more memory than there is. */
export function checkPlan(where: string, options: SmootherOptions): SmootherPlan {
  const own = ['method', 'paths', 'moves', 'maxTrials', 'lag', 'functional'] as const;
  const known: readonly (keyof SmootherOptions)[] = [...FILTER_OPTIONS, ...own];
  checkOptionNames(where, options, known);
  const filter = checkFilter(where, options);
  const { model, particles, runs, steps } = filter;
  const method = checkOneOf(where, 'method', options.method ?? 'mcmc', METHODS);
  for (const [option, methods] of Object.entries(ONLY)) checkBelongs(where, options, option, method, methods);
  if (method !== 'genealogy' && method !== 'fixed-lag')
    checkTransition(where, model, ", or use method: 'genealogy' or 'fixed-lag'");
  if (method === 'rejection') checkBound(where, model, "method: 'mcmc' or 'exact'");
  const paths = checkCount(where, 'paths', options.paths ?? particles, { min: 1, max: 4294967295 });
  const moves = checkCount(where, 'moves', options.moves ?? 1, { min: 1, max: MOST_TRIALS });
  const most = Math.min(particles, MOST_TRIALS);
  const maxTrials = checkCount(where, 'maxTrials', options.maxTrials ?? most, { min: 1, max: MOST_TRIALS });
  const lag = checkCount(where, 'lag', options.lag ?? 10, { min: 1 });
  const functional =
    options.functional === undefined ? undefined : checkFunctional(where, options.functional);
  const history: HistoryOptions =
    method === 'fixed-lag' ? { kind: 'window', steps: lag + 1 } : { kind: 'full' };
  const { dimension } = filter;
  const kept = method === 'fixed-lag' ? 0 : runs * paths * steps * dimension * 8;
  checkMemory(filter, history, kept);
  const settings = [particles, runs, dimension, steps, paths, moves, maxTrials, lag, functional?.names];
  const fingerprint = JSON.stringify([
    where,
    method,
    filter.mark,
    ...settings,
    options.scheme,
    options.threshold,
    options.measure,
  ]);
  return { ...filter, method, paths, moves, maxTrials, lag, functional, history, fingerprint };
}

function checkBelongs(
  where: string,
  options: SmootherOptions,
  option: string,
  method: SmootherMethod,
  methods: readonly SmootherMethod[],
): void {
  const value = (options as unknown as Readonly<Record<string, unknown>>)[option];
  if (value === undefined || methods.includes(method)) return;
  throw new OptionError({
    where,
    option,
    value,
    found: `option \`${option}\` is given with method ${method}`,
    expected: `method ${methods.join(', ')}`,
    fix: `Leave ${option} out.`,
  });
}

/**
 * The memory of a filter with its history and what is kept besides, before any of it is taken.
 * @throws OptionError with the number.
 */
export function checkMemory(filter: FilterPlan, history: HistoryOptions, kept: number): void {
  const { where, model, particles, runs, steps, dimension, options } = filter;
  const { noise = dimension } = model;
  const { scheme = 'systematic' } = options;
  const fields = { x: { components: dimension } };
  const size = smcBytes({ fields, particles, runs, steps, noise, scheme, history });
  const bytes = size.particles + size.history + kept;
  if (bytes <= MOST_BYTES) return;
  const gibibytes = (amount: number): string => spaced(Number((amount / 2 ** 30).toPrecision(3)));
  throw new OptionError({
    where,
    option: 'particles',
    value: particles,
    found: `${spaced(steps)} steps of ${spaced(particles)} particles in ${spaced(runs)} runs, to be kept for the way back, need ${gibibytes(bytes)} GiB`,
    expected: `at most ${gibibytes(MOST_BYTES)} GiB`,
    fix: `Try particles: ${Math.max(1, Math.floor((particles * MOST_BYTES) / bytes))}, or a method that keeps no history: 'fixed-lag', additiveSmoother.`,
  });
}
