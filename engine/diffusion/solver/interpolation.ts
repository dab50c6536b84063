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
  let polynomial = [1];
  nodes.forEach((node, i) => {
    if (i === j) return;
    const scale = 1 / (nodes[j]! - node);
    polynomial = [0, ...polynomial].map((lower, k) => scale * (lower - node * (polynomial[k] ?? 0)));
  });
  return polynomial;
}

/** Weights of the values at `nodes`, from as many moments or more. */
export function interpolationWeights(moments: readonly number[], nodes: readonly number[]): number[] {
  return nodes.map((_, j) =>
    lagrangePolynomial(nodes, j).reduce((sum, coefficient, k) => sum + coefficient * moments[k]!, 0),
  );
}
