/** log f_t(x given parent) row by row, as in a state-space model. */
export type TransitionDensity = (
  step: number,
  parent: Float64Array,
  x: Float64Array,
  out: Float64Array,
) => void;

/** Weights of N particles as parents of one state. */
export interface TransitionRows {
  /** [N] of the last `weigh`. */
  readonly logWeight: Float64Array;
  /** log-weight + log f_step(x given particle), x being row `step` of a path [T, d]. */
  weigh(
    logTransition: TransitionDensity,
    step: number,
    particles: Float64Array,
    path: Float64Array,
    logWeight: Float64Array,
  ): void;
}

export function makeTransitionRows(n: number, d: number): TransitionRows {
  const child = new Float64Array(n * d);
  const logWeight = new Float64Array(n);
  return {
    logWeight,
    weigh(logTransition, step, particles, path, carried) {
      for (let i = 0; i < n; i++) for (let c = 0; c < d; c++) child[i * d + c] = path[step * d + c]!;
      logTransition(step, particles, child, logWeight);
      // A dead particle may hold anything, and so may its density.
      for (let i = 0; i < n; i++)
        logWeight[i] = carried[i] === -Infinity ? -Infinity : carried[i]! + logWeight[i]!;
    },
  };
}
