/** Functions that kernels of another file call. */
export function gauss(d: number, precision: number): number {
  const e = -0.5 * precision * square(d);
  return Math.exp(e);
}

export function square(v: number): number {
  return v * v;
}
