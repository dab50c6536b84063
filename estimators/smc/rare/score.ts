import { checkOneOf, checkOptionNames, show } from '../../../engine/check.ts';
import type { InputSpace } from '../../../engine/distribution/inputs.ts';
import { toInputs } from '../../../engine/distribution/normal-space.ts';
import { OptionError } from '../../../engine/errors.ts';
import { type Evaluator, openEvaluator } from '../../../engine/model/evaluator.ts';
import { modelFailure } from '../../../engine/model/missing.ts';
import type { Context } from '../../../engine/sampler.ts';
import type { RareEvent, RareEventOptions } from './types.ts';

/** How far outputs are from an event: S > 0 inside, <= 0 outside, and the larger the nearer. */
export interface Score {
  readonly evaluator: Evaluator;
  /** S of rows 0..n-1 of z [n, d] into `out` [n]; z are the inputs as standard normals. */
  evaluate(z: Float64Array, n: number, out: Float64Array): Promise<void>;
  dispose(): void;
}

/** @throws OptionError unless the event has a finite bound, the lower below the upper, and a known output. */
export function checkEvent(where: string, event: RareEvent, outputs?: readonly string[]): RareEvent {
  if (event !== null && typeof event === 'object')
    checkOptionNames(`${where}: event`, event, ['output', 'above', 'below']);
  const { above, below, output } = event ?? {};
  if (output !== undefined && outputs !== undefined) checkOneOf(where, 'event.output', output, outputs);
  const bounds = [above, below].filter((bound) => bound !== undefined);
  if (bounds.length > 0 && bounds.every(Number.isFinite) && !(above! >= below!)) return event;
  throw new OptionError({
    where,
    option: 'event',
    value: event,
    found: `option \`event\` is ${bounds.length === 0 ? show(event) : `above ${above}, below ${below}`}`,
    expected: '{ above: number }, { below: number } or both, the lower bound first',
  });
}

/**
 * The score of an output y: its distance to the nearer bound, min(y - above, below - y).
 * Splitting climbs it from wherever the inputs are likely to 0.
 */
export function scoreOf({ above, below }: RareEvent): (y: number) => number {
  if (below === undefined) return (y) => y - above!;
  if (above === undefined) return (y) => below - y;
  return (y) => Math.min(y - above, below - y);
}

/** A score in the unit of the output, for events with one bound. */
export function outputOf({ above, below }: RareEvent, score: number): number {
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

function outputColumn(where: string, { output }: RareEvent, outputs: readonly string[]): number {
  return output === undefined ? 0 : outputs.indexOf(checkOneOf(where, 'event.output', output, outputs));
}
