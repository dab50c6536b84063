import { normalCdf } from '../../../engine/math/erfc.ts';
import type { Stream } from '../../../engine/random/rng.ts';
import { normalQuantile } from '../../../engine/wasm/twins/normal.ts';
import type { StateSpaceModel } from '../../../estimators/smc/state-space.ts';

/** x_0 ~ N(0, 1 / (1 - rho^2)), x_t = rho x_{t-1} + N(0, 1), y_t = x_t + N(0, 1), unknown rho. */
export function autoregression(theta: ArrayLike<number>): StateSpaceModel {
  const rho = theta[0]!;
  const precision = 1 - rho * rho;
  const start = 1 / Math.sqrt(precision);
  return {
    dimension: 1,
    initial(z, x) {
      for (let i = 0; i < x.length; i++) x[i] = start * z[i]!;
    },
    transition(_, parent, z, x) {
      for (let i = 0; i < x.length; i++) x[i] = rho * parent[i]! + z[i]!;
    },
    logObservation(_, y, x, out) {
      for (let i = 0; i < out.length; i++) out[i] = -0.5 * (LOG_2PI + (y[0]! - x[i]!) ** 2);
    },
    logInitial(x, out) {
      for (let i = 0; i < out.length; i++)
        out[i] = 0.5 * (Math.log(precision) - LOG_2PI - precision * x[i]! ** 2);
    },
    logTransition(_, parent, x, out) {
      for (let i = 0; i < out.length; i++) out[i] = -0.5 * (LOG_2PI + (x[i]! - rho * parent[i]!) ** 2);
    },
  };
}

const LOG_2PI = Math.log(2 * Math.PI);

/** rho given the path under a uniform prior on (0, 1): a normal law cut to (0, 1), accepted with sqrt(1 - rho^2). */
export function drawRho(path: Float64Array, stream: Stream): number {
  let squares = 0;
  let products = 0;
  for (let t = 1; t < path.length; t++) {
    products += path[t - 1]! * path[t]!;
    if (t > 1) squares += path[t - 1]! ** 2;
  }
  const sd = 1 / Math.sqrt(squares);
  const mean = products / squares;
  const [low, high] = [normalCdf(-mean / sd), normalCdf((1 - mean) / sd)];
  for (;;) {
    const rho = mean + sd * normalQuantile(low + stream.uniform() * (high - low));
    if (rho > 0 && rho < 1 && stream.uniform() < Math.sqrt(1 - rho * rho)) return rho;
  }
}
