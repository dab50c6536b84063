import { checkOptionNames, show } from '../../check.ts';
import { OptionError, ShapeError } from '../../errors.ts';
import { combine, combineValue, evaluate, noiseFrom, terms } from './operations.ts';
import type { Integrator, Operation, RowChange } from './program.ts';
import { type Evaluate, predictionOf, rewritten } from './rewrite.ts';
import { USF } from './solver-schedule.ts';

/*
 * Two changes of a solver at the ends of its grid.
 *
 * | name | what it does | evaluations |
 * |---|---|---|
 * | analyticFirstStep | at the noisiest time E[x_0] is the mean of the data | one less |
 * | finalDenoise | ends at E[x_0] given the last x | one more |
 */

/**
 * A solver whose first evaluation is replaced by what the model returns when all is noise: E[x_0] = `mean`, 0 by default,
 * E[e] = (x - alpha mean) / sigma. Right up to terms of the order of alpha / sigma at the first time. Liu et al. (2024), section 4 (AFS).
 * @param options mean [d] of the data.
 * @throws OptionError, from `program`, when the solver does not begin by an evaluation.
 */
export function analyticFirstStep(
  integrator: Integrator,
  options: { readonly mean?: ArrayLike<number> } = {},
): Integrator {
  const where = 'analyticFirstStep';
  checkOptionNames(where, options, ['mean']);
  const mean = Float64Array.from(options.mean ?? []);
  if (!mean.every(Number.isFinite)) throw badMean(where, options.mean);
  const change = options.mean === undefined ? undefined : knownRow(where, mean);
  return rewritten(integrator, 'analytic first step', [USF], (program) => {
    const [first, ...rest] = program.steps;
    const at = first!.findIndex(({ kind }) => kind === 'evaluate');
    const operation = first![at];
    if (operation?.kind !== 'evaluate') throw noEvaluation(where, integrator);
    const known = knownValues(operation, predictionOf(integrator, operation), change);
    const step = [...first!.slice(0, at), ...known, ...first!.slice(at + 1)];
    return { ...program, steps: [step, ...rest], evaluations: program.evaluations - 1 };
  });
}

/** The evaluation by what is known. */
function knownValues(
  { state, at, value, other }: Evaluate,
  prediction: 'clean' | 'noise',
  change: RowChange | undefined,
): Operation[] {
  const [clean, noise] = prediction === 'clean' ? [value, other] : [other ?? value, value];
  const operations = [combineValue(clean, terms([state], [0]), [])];
  if (change !== undefined) operations.push({ kind: 'change', value: clean, change });
  if (noise !== undefined) operations.push(noiseFrom(noise, state, clean, at));
  return operations;
}

function knownRow(where: string, mean: Float64Array): RowChange {
  return {
    name: `mean ${mean.join(' ')}`,
    apply(value, [n, d]) {
      if (mean.length !== d) throw otherMean(where, mean.length, d);
      for (let i = 0; i < n; i++) value.set(mean, i * d);
    },
  };
}

/** A solver that ends at E[x_0] given what it has reached; the same where the grid ends at noise 0. */
export function finalDenoise(integrator: Integrator): Integrator {
  return rewritten(integrator, 'final denoise', [], (program, grid) => {
    const end = grid.points[grid.points.length - 1]!;
    if (end.noise === 0) return program;
    const { states, values, evaluations } = program;
    const last: Operation[] = [
      evaluate(0, end, values, 'clean'),
      combine(0, terms([0], [0]), terms([values], [1])),
    ];
    const before = program.steps.slice(0, -1);
    const steps = [...before, [...program.steps[program.steps.length - 1]!, ...last]];
    return { grid, states, values: values + 1, steps, evaluations: evaluations + 1 };
  });
}

function badMean(where: string, value: unknown): OptionError {
  return new OptionError({
    where,
    option: 'mean',
    value,
    found: `option \`mean\` is ${show(value)}, not all of it finite`,
    expected: 'the mean of the data, [d]',
  });
}

function otherMean(where: string, found: number, d: number): ShapeError {
  return new ShapeError({
    where,
    found: `\`mean\` has ${found} numbers`,
    expected: `${d}, one for each input`,
  });
}

function noEvaluation(where: string, integrator: Integrator): OptionError {
  return new OptionError({
    where,
    option: 'integrator',
    value: integrator.name,
    found: `${integrator.name} does not evaluate the model in its first step`,
    expected: 'a solver that does',
  });
}
