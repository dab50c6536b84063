/**
 * phi_k(z): phi_0 = e^z, phi_{k+1} = (phi_k - 1 / k!) / z, the sum of z^j / (j + k)!. By that series below |z| = 0.3, where
 * the recursion loses digits.
 */
export function phi(k: number, z: number): number {
  if (k === 0) return Math.exp(z);
  let factorial = 1;
  if (Math.abs(z) < 0.3) {
    for (let j = 2; j <= k; j++) factorial *= j;
    let term = 1 / factorial;
    let sum = 0;
    for (let j = 1; Math.abs(term) > 1e-18; j++) {
      sum += term;
      term *= z / (j + k);
    }
    return sum;
  }
  let value = Math.expm1(z) / z;
  for (let j = 1; j < k; j++) {
    factorial *= j;
    value = (value - 1 / factorial) / z;
  }
  return value;
}
