/**
 * A model that fails at some points: what a run says, and how to leave those points out.
 *
 *   npx ensample sobol examples/failing.ts                       stops, and says where the model failed
 *   npx ensample sobol examples/failing.ts --missing drop-row    leaves those rows out, and says how many
 */
import { uniform } from 'ensample';

export const inputs = { x: uniform(-1, 9), y: uniform(0, 1) };

/** NaN for negative x, one point in ten. */
export default function root({ x, y }: Record<keyof typeof inputs, number>): number {
  return Math.sqrt(x) + y;
}
