import { LAW_SIZE, LAW_STEPS } from '../backend/wgsl/quantile.ts';
import { exponential } from './exponential.ts';
import { gumbel } from './gumbel.ts';
import { type Law, upperQuantile } from './law.ts';
import { logNormal } from './log-normal.ts';
import { logUniform } from './log-uniform.ts';
import { normal } from './normal.ts';
import { pareto } from './pareto.ts';
import { triangular } from './triangular.ts';
import { cutOf, truncated } from './truncated.ts';
import { uniform } from './uniform.ts';
import { weibull } from './weibull.ts';

type Parameters = Readonly<Record<string, number>>;

/** How a law is made, and how its quantile is on the card; what is left out is 0. */
interface Form {
  readonly make: (parameters: Parameters) => Law;
  readonly coefficients: (parameters: Parameters) => Coefficients;
}

/** See `LAW_STEPS`; offset and scale are pairs where the halves differ. */
interface Coefficients {
  readonly steps: number;
  readonly offset?: number | readonly [lower: number, upper: number];
  readonly scale: number | readonly [lower: number, upper: number];
  readonly rate?: number;
  readonly roots?: readonly [c0: number, c1: number];
}

const { share, exponential: waiting, extreme, triangle, log, exp } = LAW_STEPS;

const FORMS: Readonly<Record<string, Form>> = {
  uniform: {
    make: ({ low, high }) => uniform(low!, high!),
    coefficients: ({ low, high }) => ({ steps: share, offset: [low!, high!], scale: high! - low! }),
  },
  normal: {
    make: ({ mean, sd }) => normal(mean!, sd!),
    coefficients: ({ mean, sd }) => ({ steps: LAW_STEPS.normal, offset: mean!, scale: sd! }),
  },
  logNormal: {
    make: ({ mu, sigma }) => logNormal(mu!, sigma!),
    // e^mu is rounded once; in the exponent its rounding would grow with mu.
    coefficients: ({ mu, sigma }) => ({ steps: LAW_STEPS.normal | exp, scale: Math.exp(mu!), rate: sigma! }),
  },
  exponential: {
    make: ({ rate }) => exponential(rate!),
    coefficients: ({ rate }) => ({ steps: waiting, scale: 1 / rate! }),
  },
  gumbel: {
    make: ({ location, scale }) => gumbel(location!, scale!),
    coefficients: ({ location, scale }) => ({ steps: extreme | log, offset: location!, scale: -scale! }),
  },
  triangular: {
    make: ({ low, mode, high }) => triangular(low!, mode!, high!),
    coefficients: ({ low, mode, high }) => ({
      steps: triangle,
      offset: [low!, high!],
      scale: 1,
      rate: (mode! - low!) / (high! - low!),
      roots: [(high! - low!) * (mode! - low!), (high! - low!) * (high! - mode!)],
    }),
  },
  logUniform: {
    make: ({ low, high }) => logUniform(low!, high!),
    coefficients: ({ low, high }) => ({
      steps: share | exp,
      scale: [low!, high!],
      rate: Math.log1p((high! - low!) / low!),
    }),
  },
  weibull: {
    make: ({ shape, scale, location }) => weibull(shape!, scale!, location),
    coefficients: ({ shape, scale, location }) => ({
      steps: waiting | log | exp,
      offset: location!,
      scale: scale!,
      rate: 1 / shape!,
    }),
  },
  pareto: {
    make: ({ shape, scale }) => pareto(shape!, scale!),
    coefficients: ({ shape, scale }) => ({ steps: waiting | exp, scale: scale!, rate: 1 / shape! }),
  },
};

/**
 * Laws as rows of float32 numbers for the quantile functions of the card, [laws, 13], see `LAW_SIZE`; undefined when
 * one has no form there: another law than these nine and their truncations, a parameter or a value that
 * float32 does not hold, or a truncation so narrow that its probabilities would lose more than three bits.
 *
 * Values on the card are those of the law's `quantile` at the same u = (x + 1/2) / 2^32 to a few 1e-7 of the law's spread
 * or of the value, whichever is larger.
 */
export function cardLaws(laws: readonly Law[]): Float32Array<ArrayBuffer> | undefined {
  const table = new Float32Array(LAW_SIZE * laws.length);
  for (const [i, law] of laws.entries()) {
    const row = cardLaw(law);
    if (row === undefined || !row.every(held)) return undefined;
    table.set(row, LAW_SIZE * i);
  }
  return table;
}

const LARGEST = 3.4e38;
const SMALLEST = 2 ** -126;

/** Whether float32 holds a number with all its bits. */
function held(x: number): boolean {
  return x === 0 || (Math.abs(x) <= LARGEST && Math.abs(x) >= SMALLEST);
}

/** Probability of the last points of the card at either end. */
const END = 2 ** -33;
/** A tail is rounded to 6e-8 of itself, so the mass inside may be this many times smaller. */
const NARROWEST = 8;
const WHOLE = { below: 0, above: 0, mass: 1 };

function cardLaw(law: Law): readonly number[] | undefined {
  const base = law.base ?? law;
  const form = Object.hasOwn(FORMS, base.name) ? FORMS[base.name] : undefined;
  if (form === undefined) return undefined;
  // A law made elsewhere may use our names; `sameLaw` compares what it does.
  const parameters = base.parameters as Parameters;
  const { lower, upper } = law.parameters as Parameters;
  const copy = (): Law =>
    law.base === undefined ? form.make(parameters) : truncated(form.make(parameters), lower, upper);
  if (!sameLaw(law, copy)) return undefined;
  const { below, above, mass } = law.base === undefined ? WHOLE : cutOf(base, lower!, upper!);
  const ends = [mass * END, law.quantile(END), upperQuantile(law, END)];
  if (Math.min(below, above) + mass > NARROWEST * mass || !ends.every(held)) return undefined;
  const [least, greatest] = law.support.map((x) => Math.max(-LARGEST, Math.min(LARGEST, x)));
  const { steps, offset = 0, scale, rate = 0, roots = [0, 0] } = form.coefficients(parameters);
  const [offset0, offset1] = halves(offset);
  const [scale0, scale1] = halves(scale);
  const curve = [steps, offset0, scale0, offset1, scale1, rate, ...roots];
  return [...curve, below, above, mass, least!, greatest!];
}

function halves(value: number | readonly [number, number]): readonly [number, number] {
  return typeof value === 'number' ? [value, value] : value;
}

const PROBES = [0.03, 0.5, 0.81] as const;

/** Whether a law and our law of the same name and parameters agree. */
function sameLaw(law: Law, make: () => Law): boolean {
  try {
    const copy = make();
    return PROBES.every((p) => law.quantile(p) === copy.quantile(p));
  } catch {
    return false; // parameters that our law refuses
  }
}
