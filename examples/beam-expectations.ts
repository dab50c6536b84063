/**
 * What a cantilever beam does on average and how often it bends too far, also if loads or steel were others: everything
 * from one sample.
 *
 *   npx ensample expect examples/beam-expectations.ts
 */
import { type Expectation, type Functional, logNormalFromMean, type OtherLaw } from 'ensample';

export { default, inputs, outputs } from './beam.ts';

export const laws: Record<string, OtherLaw> = {
  'more load': { inputs: { FX: logNormalFromMean(612, 0.08), FY: logNormalFromMean(499, 0.08) } },
  'soft steel': { inputs: { E: logNormalFromMean(180, 0.06) } },
};

export const expectations: Record<string, Expectation> = {
  deflection: {},
  'with more load': { under: 'more load' },
  'with soft steel': { under: 'soft steel' },
  'its square': { of: ([deflection]) => deflection! ** 2 },
  'beyond 0.1 m': { event: { above: 0.1 } },
  'beyond 0.1 m, soft steel': { event: { above: 0.1 }, under: 'soft steel' },
  'beyond 0.25 m': { event: { above: 0.25 } },
};

export const functionals: Record<string, Functional> = {
  'standard deviation': { value: ([mean, , , square]) => Math.sqrt(square! - mean! ** 2) },
  'soft steel over steel': { value: ([mean, , soft]) => soft! / mean! },
};
