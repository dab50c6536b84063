/** Ishigami's function, and its square. */
export default ({ a, b, c }) => {
  const y = Math.sin(a) + 7 * Math.sin(b) ** 2 + 0.1 * c ** 4 * Math.sin(a);
  return [y, y * y];
};

/** The same with a hole in it. */
export const holed = ({ a, b, c }) => {
  if (a > 3.1) throw new Error('a is too large');
  return Math.sin(a) + b + c;
};

/** For rare events. */
export const sum = ({ a, b, c }) => a + b + c;

/** A normal law up to a constant. */
export const density = ({ x1, x2 }) => -(x1 * x1 + x2 * x2) / 2;

/** A quantity at two accuracies. */
export const level = ({ a }) => a * a;
export const pair = ({ a }) => [a * a, a * a + a / 4];
