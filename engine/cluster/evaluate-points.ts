import type { Backend } from '../backend/backend.ts';
import { checkBackend } from '../backend/check-backend.ts';
import { defaultBackend } from '../backend/choose.ts';
import { checkOptionNames, show } from '../check.ts';
import { OptionError, type PointFailure, ShapeError } from '../errors.ts';
import { checkOutputs, openEvaluator } from '../model/evaluator.ts';
import type { ModelLike } from '../model/model.ts';
import { type OnClusterOptions, onCluster } from './on-cluster.ts';
import type { Cluster } from './types.ts';

const WHERE = 'evaluatePoints';
/** Points at a time on one machine. */
const CHUNK = 16_384;

export interface EvaluatePointsOptions {
  readonly model: ModelLike;
  /** [d] names of the inputs, in the order of the columns. */
  readonly inputs: readonly string[];
  /** [n, d] row-major. */
  readonly points: ArrayLike<number>;
  /** Names of the outputs. Default ['y'], or found from the model. */
  readonly outputs?: readonly string[];
  /** Default: the best this machine has. */
  readonly backend?: Backend;
  readonly signal?: AbortSignal;
  /** Machines that evaluate the points, in one batch; `model` is a `moduleModel` then. The numbers are those of one machine. */
  readonly cluster?: Cluster;
  /** With `cluster`: number of shards, priority, audit, and whom to tell of progress. */
  readonly submit?: OnClusterOptions;
}

export interface EvaluatedPoints {
  /** [k] */
  readonly outputs: readonly string[];
  /** [n, k] row-major; NaN in rows where the model failed. */
  readonly values: Float64Array;
  /** All of them, in the order of the points. */
  readonly failures: readonly PointFailure[];
}

const OPTIONS: Readonly<Record<keyof EvaluatePointsOptions, true>> = {
  ...{ model: true, inputs: true, points: true, outputs: true },
  ...{ backend: true, signal: true, cluster: true, submit: true },
};

/**
 * A model at given points: a design that was made elsewhere, or that another program analyses.
 * @throws OptionError or ShapeError for options that cannot be used; ModelError for a module that cannot be loaded; the
 * signal's reason when aborted. A point at which the model fails is told in the answer.
 */
export async function evaluatePoints(options: EvaluatePointsOptions): Promise<EvaluatedPoints> {
  const { inputs, cluster, submit, signal = new AbortController().signal } = options;
  const points = checkPoints(options);
  const d = inputs.length;
  const n = points.length / d;
  const model = cluster === undefined ? options.model : onCluster(cluster, options.model, submit);
  const backend = options.backend ?? (await defaultBackend());
  const known = options.outputs === undefined ? {} : { outputs: options.outputs };
  const evaluator = await openEvaluator({
    ...{ where: WHERE, model, names: inputs, ...known, planned: n, backend, signal },
  });
  const failures: PointFailure[] = [];
  const chunk = cluster === undefined ? CHUNK : n;
  let values = new Float64Array(0);
  try {
    for (let lo = 0; lo < n; lo += chunk) {
      const rows = Math.min(chunk, n - lo);
      const arena = backend.arena();
      try {
        const x = arena.f64(rows * d);
        x.set(points.subarray(lo * d, (lo + rows) * d));
        const { y, failures: own } = await evaluator.evaluate(x, rows);
        const k = evaluator.outputs.length;
        if (lo === 0) values = new Float64Array(n * k);
        values.set(y.subarray(0, rows * k), lo * k);
        for (const failure of own) failures.push(failure);
      } finally {
        arena.release();
      }
    }
    return { outputs: [...evaluator.outputs], values, failures };
  } finally {
    evaluator.dispose();
  }
}

function checkPoints(options: EvaluatePointsOptions): Float64Array {
  checkOptionNames(WHERE, options, Object.keys(OPTIONS));
  const { inputs, outputs, backend, cluster, submit } = options;
  const named = Array.isArray(inputs) && inputs.every((name) => typeof name === 'string' && name !== '');
  if (!named || inputs.length === 0 || new Set(inputs).size < inputs.length)
    throw refused('inputs', inputs, 'at least one name, each once');
  checkOutputs(WHERE, outputs);
  checkBackend(WHERE, backend);
  if (cluster === undefined && submit !== undefined)
    throw refused('submit', submit, 'option `cluster` beside it');
  if (cluster !== undefined && typeof cluster?.submit !== 'function')
    throw refused('cluster', cluster, 'a cluster, such as local()');
  const points = Float64Array.from(options.points ?? []);
  if (points.length > 0 && points.length % inputs.length === 0) return points;
  throw new ShapeError({
    where: WHERE,
    found: `\`points\` has ${points.length} numbers`,
    expected: `a multiple of ${inputs.length}, a row for each point`,
  });
}

function refused(option: string, value: unknown, expected: string): OptionError {
  const found = `option \`${option}\` is ${show(value)}`;
  return new OptionError({ where: WHERE, option, value, found, expected });
}
