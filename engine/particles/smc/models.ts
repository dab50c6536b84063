import { checkCount } from '../../check.ts';
import { OptionError } from '../../errors.ts';
import type { FieldSpecs } from '../particles.ts';
import type { FeynmanKac } from './feynman-kac.ts';
import type { SmcOptions } from './types.ts';

/** One model a run. @throws OptionError unless they fit together. */
export function modelsOf<F extends FieldSpecs>(options: SmcOptions<F>): readonly FeynmanKac<F>[] {
  const { where, rngs, model } = options;
  const models = 'init' in model ? rngs.map(() => model) : model;
  const shape = (m: FeynmanKac<F>): string => JSON.stringify([m.fields, m.steps, m.noise]);
  if (models.length !== rngs.length || models.length === 0)
    throw badModel(where, model, `there are ${models.length} models for ${rngs.length} runs`);
  const odd = models.findIndex((m) => shape(m) !== shape(models[0]!));
  if (odd >= 0)
    throw badModel(where, model, `the model of run ${odd} has other fields, steps or noise than the first`);
  return models;
}

/** @throws OptionError unless M divides N. */
export function checkChains(where: string, n: number, chains: number): void {
  checkCount(where, 'chains', chains, { min: 1, max: n });
  if (n % chains === 0) return;
  throw new OptionError({
    where,
    option: 'chains',
    value: chains,
    found: `option \`chains\` is ${chains} with ${n} particles`,
    expected: 'a divisor of the number of particles',
  });
}

function badModel(where: string, value: unknown, found: string): OptionError {
  const expected = 'one model, or one for each run with the same fields and steps';
  return new OptionError({ where, option: 'model', value, found, expected });
}
