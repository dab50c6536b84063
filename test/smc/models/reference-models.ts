import { type LinearGaussian, linearGaussian } from '../../../estimators/index.ts';
import reference from '../../reference/linear-gaussian.json' with { type: 'json' };

export type LinearCase = (typeof reference.cases)[number];

/** The case of a name in test/reference/linear-gaussian.json: 'lg1' or 'lg5'. */
export function linearCase(name: string): LinearCase {
  return reference.cases.find((one) => one.name === name)!;
}

/** Its model. */
export function modelOf(one: LinearCase): LinearGaussian {
  return linearGaussian({
    transition: one.A,
    transitionShift: one.b,
    transitionCovariance: one.Q,
    observation: one.H,
    observationShift: one.c,
    observationCovariance: one.R,
    initialMean: one.m0,
    initialCovariance: one.P0,
  });
}
