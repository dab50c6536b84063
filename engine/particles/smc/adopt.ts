import { OptionError } from '../../errors.ts';
import { logMeanOf } from '../log-weight.ts';
import type { FieldSpecs } from '../particles.ts';
import type { Loop } from './run.ts';
import type { Smc } from './types.ts';

/**
 * Run `index` of a loop goes on from where run `source` of `from` stands, a loop (or the same one) with as many particles a run,
 * the same fields, and the same step. Generator and model stay its own; the history does not learn of it.
 * @throws OptionError when the two do not fit.
 */
export async function adoptRun<F extends FieldSpecs>(
  loop: Loop<F>,
  index: number,
  from: Smc<F>,
  source: number,
): Promise<void> {
  const run = loop.runs[index]!;
  const { view, state } = run;
  const n = view.count;
  if (from.count !== n || from.step !== loop.step) throw unlike(loop, from, n);
  const other = from.population(source);
  for (const name of Object.keys(loop.particles.fields)) view.field(name).set(other.field(name));
  run.logWeight.set(other.logWeight);
  const eves = from.eve(source);
  const own = loop.particles.eve();
  for (let i = 0; i < n; i++) own[index * n + i] = eves[i]! - source * n + index * n;
  Object.assign(state, from.runs[source]!);
  if (loop.step < 0) return;
  run.summary = await run.resampler.weigh(run.logWeight);
  run.base = run.summary.sum > 0 ? logMeanOf(run.summary, n) : -Infinity;
}

function unlike<F extends FieldSpecs>(loop: Loop<F>, from: Smc<F>, n: number): OptionError {
  return new OptionError({
    where: loop.options.where,
    option: 'from',
    value: from,
    found: `a run of ${n} particles after step ${loop.step} is to adopt one of ${from.count} after step ${from.step}`,
    expected: 'the same number of particles after the same step',
  });
}
