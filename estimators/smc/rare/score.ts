import { checkOneOf } from '../../../engine/check.ts';
import type { InputSpace } from '../../../engine/distribution/inputs.ts';
import { toInputs } from '../../../engine/distribution/normal-space.ts';
import { type Evaluator, openEvaluator } from '../../../engine/model/evaluator.ts';
import { type Event, scoreOf } from '../../../engine/model/event.ts';
import { modelFailure } from '../../../engine/model/missing.ts';
import type { Context } from '../../../engine/sampler.ts';
import type { RareEventOptions } from './types.ts';

/** How far outputs are from an event: S > 0 inside, <= 0 outside, and the larger the nearer. */
export interface Score {
  readonly evaluator: Evaluator;
  /** S of rows 0..n-1 of z [n, d] into `out` [n]; z are the inputs as standard normals. */
  evaluate(z: Float64Array, n: number, out: Float64Array): Promise<void>;
  dispose(): void;
}

/** A score in the unit of the output, for events with one bound. */
export function outputOf({ above, below }: Event, score: number): number {
  if (below === undefined) return score + above!;
  return above === undefined ? below - score : score;
}

/**
 * The model and its inputs as a function of standard normals z.
 * @throws ModelError when the model fails at a point; OptionError for an unknown output.
 */
export async function openScore(
  where: string,
  space: InputSpace,
  options: RareEventOptions,
  ctx: Context,
  planned: number,
  done: number,
): Promise<Score> {
  const { model, outputs, event } = options;
  const { backend, signal } = ctx;
  const known = outputs === undefined ? {} : { outputs };
  const evaluator = await openEvaluator(
    { where, model, names: space.names, ...known, planned, backend, signal },
    done,
  );
  const d = space.dimension;
  const score = scoreOf(event);
  let arena = backend.arena();
  let x = arena.f64(0);
  return {
    evaluator,
    async evaluate(z, n, out) {
      if (x.length < n * d) {
        arena.release();
        arena = backend.arena();
        x = arena.f64(n * d);
      }
      toInputs(space, z, n, x);
      const { y, failures } = await evaluator.evaluate(x, n);
      if (failures.length > 0)
        throw modelFailure(where, space.names, failures, failures.length, evaluator.evaluations);
      const width = evaluator.outputs.length;
      const column = outputColumn(where, event, evaluator.outputs);
      for (let i = 0; i < n; i++) out[i] = score(y[i * width + column]!);
    },
    dispose() {
      arena.release();
      evaluator.dispose();
    },
  };
}

function outputColumn(where: string, { output }: Event, outputs: readonly string[]): number {
  return output === undefined ? 0 : outputs.indexOf(checkOneOf(where, 'event.output', output, outputs));
}
