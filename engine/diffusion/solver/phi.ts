/**
 * phi_k(z), the functions of exponential integrators: phi_0 = exp, phi_{k+1}(z) = (phi_k(z) - 1 / k!) / z,
 * phi_k(0) = 1 / k!.
 *
 * The series sum_j z^j / (j + k)! below |z| = 1, where the recursion would lose digits; above, the recursion from
 * phi_1 = expm1(z) / z.
 * @param k an integer >= 0.
 */
export function phi(k: number, z: number): number {
  if (k === 0) return Math.exp(z);
  if (Math.abs(z) < 1) return series(k, z);
  let value = Math.expm1(z) / z;
  for (let j = 1, factorial = 1; j < k; j++) {
    factorial *= j;
    value = (value - 1 / factorial) / z;
  }
  return value;
}

function series(k: number, z: number): number {
  let term = 1;
  for (let j = 2; j <= k; j++) term /= j;
  let sum = term;
  for (let j = 1; Math.abs(term) > 1e-17 * Math.abs(sum); j++) {
    term *= z / (j + k);
    sum += term;
  }
  return sum;
}
