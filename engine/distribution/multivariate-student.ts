import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import { logGamma } from '../math/gamma.ts';
import { solveLower } from '../math/linear-algebra.ts';
import { checkParameter, checkScale } from './law.ts';
import { checkSymmetric, type MultivariateLaw, type Rows } from './multivariate.ts';
import { correlate, factor } from './multivariate-normal.ts';
import { studentT } from './student-t.ts';

/**
 * Student's t law of d numbers with `degrees` > 0 (not only integers) of freedom: heavier tails than any normal law, in
 * all directions, so a safe law to draw from for a target whose tails are not known.
 *
 *   density ~ (1 + |L^-1 (x - location)|^2 / degrees)^(-(degrees + d) / 2),  L L' = scale
 *
 * The transport is x = location + L y, where y_c given y_1..y_{c-1} has a t law with degrees + c - 1 and scale
 * sqrt((degrees + y_1^2 + .. + y_{c-1}^2) / (degrees + c - 1)).
 * @param location [d]
 * @param scale [d, d] as rows, symmetric and positive definite; the covariance is degrees / (degrees - 2) times it, and
 * infinite or absent (NaN) for degrees <= 2.
 * @throws OptionError when an entry is not finite, degrees not above 0, or the matrix not positive definite.
 */
export function multivariateStudent(
  degrees: number,
  location: readonly number[],
  scale: Rows,
): MultivariateLaw {
  const where = 'multivariateStudent';
  checkScale(where, 'degrees', degrees);
  if (!Array.isArray(location) || location.length === 0) throw noLocation(where, location);
  location.forEach((m, i) => void checkParameter(where, `location[${i}]`, m));
  const d = location.length;
  const matrix = checkSymmetric(where, 'scale', scale, d);
  const lower = factor(where, 'scale', matrix, d);
  const centre = Float64Array.from(location);
  const laws = centre.map((_, c) => degrees + c);
  const quantiles = Array.from(laws, (own) => studentT(own).quantile);
  const power = (degrees + d) / 2;
  let constant = logGamma(power) - logGamma(degrees / 2) - (d / 2) * Math.log(degrees * Math.PI);
  for (let i = 0; i < d; i++) constant -= Math.log(lower[i * d + i]!);
  return {
    name: where,
    dimension: d,
    mean: degrees > 1 ? centre : centre.map(() => Number.NaN),
    covariance: matrix.map((entry, at) => covarianceOf(degrees, entry, at % (d + 1) === 0)),
    logDensity: (x, out) => {
      const y = new Float64Array(d);
      for (let i = 0; i * d < x.length; i++) {
        for (let c = 0; c < d; c++) y[c] = x[i * d + c]! - centre[c]!;
        solveLower(lower, d, y);
        let square = 0;
        for (let c = 0; c < d; c++) square += y[c]! * y[c]!;
        out[i] = constant - power * Math.log1p(square / degrees);
      }
    },
    transport: (u, x) => {
      for (let at = 0; at < u.length; at += d) {
        let square = 0;
        for (let c = 0; c < d; c++) {
          const y = Math.sqrt((degrees + square) / laws[c]!) * quantiles[c]!(u[at + c]!);
          square += y * y;
          x[at + c] = y;
        }
      }
      correlate(lower, d, x);
      for (let i = 0; i < u.length; i++) x[i] = centre[i % d]! + x[i]!;
    },
    describe: () => `Student t in ${d} dimensions, ${degrees} degrees of freedom`,
  };
}

function noLocation(where: string, location: unknown): OptionError {
  return new OptionError({
    where,
    option: 'location',
    value: location,
    found: `\`location\` is ${show(location)}`,
    expected: 'a list of d numbers, at least one',
  });
}

function covarianceOf(degrees: number, scale: number, diagonal: boolean): number {
  if (degrees > 2) return (degrees / (degrees - 2)) * scale;
  return degrees > 1 && diagonal ? Infinity : Number.NaN;
}
