import {
  type AnalysisOptions,
  type DesignOptions,
  type EngineError,
  nearestName,
} from '../estimators/index.ts';
import { usageError } from './errors.ts';
import type { Problem } from './model-file.ts';
import type { Settings } from './settings.ts';

/** Flags and problem together as options of a design; a flag wins. Absent keys keep the defaults of the method. */
export function designOptions(settings: Settings, problem: Problem): DesignOptions {
  const groups = settings.groups ?? problem.groups;
  const { replicates, estimator } = settings;
  const { dependence } = problem;
  return {
    inputs: problem.inputs,
    points: settings.points,
    design: settings.design,
    secondOrder: settings.secondOrder,
    ...(dependence === undefined ? {} : { dependence }),
    ...(groups === undefined ? {} : { groups }),
    ...(replicates === undefined ? {} : { replicates }),
    ...(estimator === undefined ? {} : { estimator }),
  };
}

/**
 * Flags and problem together as options of an analysis. `--outputs` names the outputs of a problem that does not
 * name its own, and otherwise says which of them to show.
 * @throws OptionError for an output that the problem does not have.
 */
export function analysisOptions(where: string, settings: Settings, problem: Problem): AnalysisOptions {
  const outputs = problem.outputs ?? settings.outputs;
  const stranger = settings.outputs?.find((name) => outputs?.includes(name) === false);
  if (stranger !== undefined) throw unknownOutput(where, stranger, outputs!);
  const { interval, resamples, level, missing } = settings;
  return {
    ...(outputs === undefined ? {} : { outputs }),
    ...(interval === undefined ? {} : { interval }),
    ...(resamples === undefined ? {} : { resamples }),
    ...(level === undefined ? {} : { level }),
    ...(missing === undefined ? {} : { missing }),
  };
}

function unknownOutput(where: string, name: string, outputs: readonly string[]): EngineError {
  const near = nearestName(name, outputs);
  const known =
    outputs.length > 10 ? `one of its ${outputs.length} outputs` : `some of ${outputs.join(', ')}`;
  return usageError(
    where,
    '--outputs',
    name,
    known,
    near === undefined ? undefined : `Did you mean ${near}?`,
  );
}
