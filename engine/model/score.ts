import type { Backend } from '../backend/backend.ts';
import { checkOneOf } from '../check.ts';
import type { InputSpace } from '../distribution/inputs.ts';
import { toInputs } from '../distribution/normal-space.ts';
import { type Evaluator, openEvaluator } from './evaluator.ts';
import { type Event, scoreOf } from './event.ts';
import { modelFailure } from './missing.ts';
import type { ModelLike } from './model.ts';

/** How far outputs are from an event: S > 0 inside, <= 0 outside, and the larger the nearer. */
export interface Score {
  readonly evaluator: Evaluator;
  /** S of rows 0..n-1 of z [n, d] into `out` [n]; z are the inputs as standard normals. */
  evaluate(z: Float64Array, n: number, out: Float64Array): Promise<void>;
  dispose(): void;
}

export interface ScoreOptions {
  /** Name used in messages: 'splitting'. */
  readonly where: string;
  readonly space: InputSpace;
  readonly model: ModelLike;
  readonly outputs?: readonly string[] | undefined;
  readonly event: Event;
  /** Evaluations planned in all. */
  readonly planned: number;
  readonly backend: Backend;
  readonly signal: AbortSignal;
}

/**
 * The model and its inputs as a function of standard normals z. When a run is resumed, `evaluations` starts at `done`.
 * @throws ModelError when the model fails at a point; OptionError for an unknown output.
 */
export async function openScore(options: ScoreOptions, done = 0): Promise<Score> {
  const { where, space, model, outputs, event, planned, backend, signal } = options;
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
