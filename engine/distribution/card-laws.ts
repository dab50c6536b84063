import { LAW_KIND, LAW_SIZE } from '../backend/wgsl/quantile.ts';
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

/** How a law is known and written as coefficients, see `LAW_KIND`. */
interface Form {
  readonly make: (parameters: Parameters) => Law;
  readonly coefficients: (parameters: Parameters) => readonly number[];
}

const FORMS: Readonly<Record<keyof typeof LAW_KIND, Form>> = {
  uniform: {
    make: ({ low, high }) => uniform(low!, high!),
    coefficients: ({ low, high }) => [low!, high! - low!, high!],
  },
  normal: {
    make: ({ mean, sd }) => normal(mean!, sd!),
    coefficients: ({ mean, sd }) => [mean!, sd!],
  },
  logNormal: {
    make: ({ mu, sigma }) => logNormal(mu!, sigma!),
    coefficients: ({ mu, sigma }) => [Math.exp(mu!), sigma!],
  },
  exponential: {
    make: ({ rate }) => exponential(rate!),
    coefficients: ({ rate }) => [1 / rate!],
  },
  gumbel: {
    make: ({ location, scale }) => gumbel(location!, scale!),
    coefficients: ({ location, scale }) => [location!, scale!],
  },
  triangular: {
    make: ({ low, mode, high }) => triangular(low!, mode!, high!),
    coefficients: ({ low, mode, high }) => {
      const width = high! - low!;
      return [low!, high!, width * (mode! - low!), width * (high! - mode!), (mode! - low!) / width];
    },
  },
  logUniform: {
    make: ({ low, high }) => logUniform(low!, high!),
    coefficients: ({ low, high }) => [low!, high!, Math.log1p((high! - low!) / low!)],
  },
  weibull: {
    make: ({ shape, scale, location }) => weibull(shape!, scale!, location),
    coefficients: ({ shape, scale, location }) => [location!, scale!, 1 / shape!],
  },
  pareto: {
    make: ({ shape, scale }) => pareto(shape!, scale!),
    coefficients: ({ shape, scale }) => [scale!, 1 / shape!],
  },
};

/**
 * Laws as rows of float32 numbers for the quantile functions of the card, [laws, 12], see `LAW_SIZE`; undefined when
 * one has no form there: another law than those of `LAW_KIND` and their truncations, a parameter or a value that
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
  if (!Object.hasOwn(FORMS, base.name)) return undefined;
  const name = base.name as keyof typeof LAW_KIND;
  const form = FORMS[name];
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
  const coefficients = [...form.coefficients(parameters), 0, 0, 0, 0].slice(0, 5);
  return [LAW_KIND[name], ...coefficients, below, above, mass, least!, greatest!, 0];
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
