import { checkNumber, checkOneOf } from '../check.ts';
import { essOf, perplexity, type WeightSummary } from './log-weight.ts';

/** When to resample. */
export interface TriggerOptions {
  /**
   * Resample when fewer than `threshold` n particles count, 0 <= threshold <= 1: 0 is never, 1 is at every step.
   * Default 0.5.
   */
  readonly threshold?: number;
  /** How particles that count are counted. Default 'ess'. */
  readonly measure?: TriggerMeasure;
}

/** 'ess': (sum w)^2 / sum w^2; 'largest-weight': 1 / max W; 'perplexity': exp(-sum W log W). */
export type TriggerMeasure = 'ess' | 'largest-weight' | 'perplexity';

const MEASURES = ['ess', 'largest-weight', 'perplexity'] as const;

/** Whether weights [n] with the given summary are to be resampled. */
export type Trigger = (summary: WeightSummary, logWeight: Float64Array) => boolean;

/** @throws OptionError for a threshold outside [0, 1] or an unknown measure. */
export function makeTrigger(where: string, options: TriggerOptions = {}): Trigger {
  const { threshold = 0.5, measure = 'ess' } = options;
  checkNumber(
    where,
    'threshold',
    threshold,
    (x) => x >= 0 && x <= 1,
    'a number from 0 (never) to 1 (every step)',
  );
  checkOneOf(where, 'measure', measure, MEASURES);
  if (threshold === 0) return () => false;
  if (threshold === 1) return () => true;
  return (summary, logWeight) => counted(measure, summary, logWeight) < threshold * logWeight.length;
}

function counted(measure: TriggerMeasure, summary: WeightSummary, logWeight: Float64Array): number {
  switch (measure) {
    case 'ess':
      return essOf(summary);
    case 'largest-weight':
      // Weights are exp(l - max), so the largest is 1.
      return summary.sum;
    case 'perplexity':
      return perplexity(logWeight);
    default:
      return measure satisfies never;
  }
}
