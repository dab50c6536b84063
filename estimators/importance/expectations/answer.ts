import { toldPlace } from '../../../engine/model/place.ts';
import type { Ending } from '../../../engine/sampler.ts';
import type { Outcome } from '../../../engine/types.ts';
import { type Estimates, estimatesOf, intervalsOf } from './estimates.ts';
import { deltaMethod } from './functional.ts';
import type { ExpectationsPlan } from './plan.ts';
import { infoOf } from './progress.ts';
import type { ExpectationsState } from './state.ts';
import type { ExpectationDiagnostics, ExpectationsResult } from './types.ts';
import { warningsOf } from './warnings.ts';

/** An event that fewer points than this would meet, drawn from the laws, is rare for them. */
const SELDOM = 3;
/**
 * Final points below which such an event has no interval: a region that adaptation has lost is then met by so few of them,
 * if any, that nothing tells of it. |a| > 5 at 1024 points: 10 of 17 intervals were off by more than 6 errors.
 */
const FEWEST = 4096;

/** The answer from the final points so far; before there are any, from those of the newest adapting stage. */
export function answer(
  state: ExpectationsState,
  { outcome, provenance }: Ending,
  plan: ExpectationsPlan,
): ExpectationsResult {
  const { integrands, points } = state;
  const { names, count: J } = integrands;
  const d = plan.space.dimension;
  const estimates = estimatesOf(
    points,
    J,
    (j, found, n) => integrands.events.includes(j) && n < FEWEST && found * n < SELDOM,
  );
  const { value, covariance, degrees } = estimates;
  const error = Float64Array.from({ length: J }, (_, j) => Math.sqrt(covariance[j * J + j]!));
  const functions = plan.functionals.map((functional) => deltaMethod(functional, value, covariance));
  const functionals = intervalsOf(
    plan.functionals.map(({ name }) => name),
    Float64Array.from(functions, (found) => found.value),
    Float64Array.from(functions, (found) => found.standardError),
    degrees,
    plan.level,
  );
  const diagnosticsOf = diagnose(state, estimates);
  const info = infoOf(state, plan);
  const k = points.outputs.length / points.logWeight.length;
  return {
    estimate: intervalsOf(names, value, error, degrees, plan.level),
    covariance,
    functionals,
    // Final points are drawn after all that was adapted, and have the law that their weights say.
    unbiased: points.final,
    diagnosticsOf,
    stages: [...state.stages],
    outputs: { names: [...integrands.outputs], values: points.outputs.slice(0, points.n * k) },
    design: { perReplicate: points.perReplicate, independent: points.independent },
    failures: [...state.failures],
    failed: state.failed,
    sample: {
      points: points.inputs.slice(0, points.n * d),
      shape: [points.n, d],
      logWeight: points.logWeight.slice(0, points.n),
    },
    outcome: outcomeOf(diagnosticsOf, outcome),
    diagnostics: {
      ...info,
      ess: diagnosticsOf.reduce((least, { ess }) => Math.min(least, ess), points.n),
      warnings: warningsOf(state, plan, diagnosticsOf, functionals),
    },
    provenance: toldPlace(provenance, integrands.place),
  };
}

function diagnose(
  { integrands, adapted, plainVariance }: ExpectationsState,
  { value, variance, trust }: Estimates,
): readonly ExpectationDiagnostics[] {
  const { count: J, events, names } = integrands;
  return trust.map(({ status, ess, paretoShape, largestShare }, j) => {
    // Plain Monte Carlo of an event it hardly sees shows no variance of its own.
    const plain = events.includes(j) ? value[j]! * (1 - value[j]!) : plainVariance[j]!;
    // What a constant shows is rounding.
    const varies = plain > 1e-24 * value[j]! ** 2;
    return {
      name: names[j]!,
      status,
      control: adapted.control[j * (J + 1) + j]!,
      ess,
      paretoShape,
      largestShare,
      varianceRatio: varies ? variance[j]! / plain : Number.NaN,
    };
  });
}

/** One expectation that is not estimated makes the whole usable, not trustworthy. */
function outcomeOf(diagnosticsOf: readonly ExpectationDiagnostics[], outcome: Outcome): Outcome {
  const bad = diagnosticsOf.filter(({ status }) => status !== 'estimated');
  if (bad.length === 0 || outcome.kind !== 'converged') return outcome;
  const [first, ...more] = bad;
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  const what = first!.status === 'unseen' ? 'was never seen' : 'has no interval';
  return {
    kind: 'degenerate',
    ess: bad.reduce((least, { ess }) => Math.min(least, ess), Infinity),
    message: `\`${first!.name}\`${others} ${what}: see diagnosticsOf.`,
  };
}
