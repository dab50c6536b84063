const real = new Float64Array(1);
const bits = new BigInt64Array(real.buffer);

/** The next larger double; Infinity stays. */
export function nextUp(x: number): number {
  if (!(x < Infinity)) return x;
  if (x === 0) return Number.MIN_VALUE;
  real[0] = x;
  bits[0] = bits[0]! + (x > 0 ? 1n : -1n);
  return real[0]!;
}

/** The next smaller double; -Infinity stays. */
export function nextDown(x: number): number {
  return -nextUp(-x);
}
