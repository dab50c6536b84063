/** How to give a log density with its gradient, for messages. */
export const GRADIENT_FIX: string =
  'Give { logDensity(x, out), gradient(x, out, gradient) }, or numericGradient(f, d): differences, at 2 d + 1 evaluations a point.';
