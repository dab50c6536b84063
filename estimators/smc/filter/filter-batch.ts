import { checkOneOf, checkOptionNames, show } from '../../../engine/check.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { Ending, Sampler } from '../../../engine/sampler.ts';
import type { StateSpaceModel } from '../state-space.ts';
import { filterAnswer, isUnbiased, runsOf } from './filter-answer.ts';
import { checkModel, type FilterPlan, filterPlan, SETTINGS } from './filter-plan.ts';
import type { FilterState } from './filter-state.ts';
import type { FilterBatchOptions, FilterBatchResult } from './filter-types.ts';
import { readObservations } from './observations.ts';
import { FILTER_SOURCES, filterSteps } from './particle-filter.ts';
import { cells } from './row.ts';

const WHERE = 'filterBatch';
const BATCH_SETTINGS = SETTINGS.filter((name) => name !== 'expectations' && name !== 'standardErrors');

/**
 * Filters of many models side by side, as for a likelihood at many parameter values: one log Z each. Model r gives the
 * same bits as replicate r of `particleFilter` of that model alone.
 * @throws OptionError for options that cannot be used, or models of different dimensions.
 */
export function filterBatch(options: FilterBatchOptions): Sampler<FilterState, FilterBatchResult> {
  checkOptionNames(WHERE, options, ['models', 'observations', 'sharedNoise', ...BATCH_SETTINGS]);
  if (options.moments !== undefined) checkOneOf(WHERE, 'moments', options.moments, ['none', 'mean']);
  const models = checkModels(options.models);
  const observations = readObservations(WHERE, models[0]!, options.observations);
  const [runs, steps] = [models.length, observations.length];
  const plan = filterPlan({ ...options, where: WHERE, models, observations, runs, steps });
  return {
    name: 'filter-batch',
    sources: FILTER_SOURCES,
    ...filterSteps(plan),
    result: async (state, ending) => batchAnswer(plan, state, ending),
  };
}

function checkModels(models: readonly StateSpaceModel[]): readonly StateSpaceModel[] {
  if (!Array.isArray(models) || models.length === 0)
    throw badModels(models, `option \`models\` is ${show(models)}`);
  for (const [r, model] of models.entries()) checkModel(WHERE, `models[${r}]`, model);
  const { dimension, observed = 1 } = models[0]!;
  const odd = models.findIndex(
    (model) => model.dimension !== dimension || (model.observed ?? 1) !== observed,
  );
  if (odd < 0) return models;
  throw badModels(models, `models[${odd}] has another dimension or other observations than models[0]`);
}

function badModels(value: unknown, found: string): OptionError {
  const expected = 'an array of state-space models, all of one dimension and for the same observations';
  return new OptionError({ where: WHERE, option: 'models', value, found, expected });
}

function batchAnswer(plan: FilterPlan, state: FilterState, ending: Ending): FilterBatchResult {
  const { layout, rows } = state;
  const { sample, diagnostics, outcome, provenance } = filterAnswer(plan, state, ending);
  const { runs, variances } = runsOf(plan, state);
  const all = (column: 'increment' | 'mean'): Float64Array => {
    const width = layout.runs * layout.columns[column].size;
    const out = new Float64Array(rows.count * width);
    for (let t = 0; t < rows.count; t++) out.set(cells(layout, rows.row(t), column), t * width);
    return out;
  };
  const method = variances.find((v) => v.method !== 'none')?.method ?? 'none';
  return {
    estimate: {
      names: Array.from(runs.logNormalizer, (_, r) => `logNormalizer ${r}`),
      value: runs.logNormalizer.slice(),
      standardError: runs.standardError.slice(),
    },
    runs: { ...runs, method, unbiased: isUnbiased(plan, state) },
    increments: all('increment'),
    mean: all('mean'),
    ...{ sample, diagnostics, outcome, provenance },
  };
}
