/*
 * Solvers replace the model along a step by a polynomial through known values and integrate that exactly. With s the
 * fraction of the step in the variable of the polynomial (0 at its start, 1 at its end):
 *
 *   integral of m = sum_k moment_k [s^k] p(s),   p(s_j) = m_j   =>   integral of m = sum_j weight_j m_j
 *
 * moment_k is what the step's integral makes of s^k.
 */

/**
 * Coefficients of the Lagrange polynomial L_j, 1 at node j and 0 at the others, lowest power first.
 * @param nodes different from each other.
 */
export function lagrangePolynomial(nodes: readonly number[], j: number): number[] {
  const polynomial = [1];
  for (let i = 0; i < nodes.length; i++) {
    if (i === j) continue;
    const node = nodes[i]!;
    const scale = 1 / (nodes[j]! - node);
    // Times (s - node) scale, from the highest power down.
    polynomial.push(0);
    for (let k = polynomial.length - 1; k >= 0; k--)
      polynomial[k] = scale * ((k > 0 ? polynomial[k - 1]! : 0) - node * polynomial[k]!);
  }
  return polynomial;
}

/** Weights of the values at `nodes`, from as many moments or more. */
export function interpolationWeights(moments: readonly number[], nodes: readonly number[]): number[] {
  return nodes.map((_, j) => {
    const polynomial = lagrangePolynomial(nodes, j);
    let sum = 0;
    for (let k = 0; k < polynomial.length; k++) sum += polynomial[k]! * moments[k]!;
    return sum;
  });
}
