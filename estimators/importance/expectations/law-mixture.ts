import { exp, log } from '../../../engine/wasm/twins/elementary.ts';
import type { Integrands } from './integrands.ts';

/** [L] share of each law among the expectations: q_0 = (1/J) sum_j f_j is the mixture of the laws by them. */
export function lawShares({
  laws,
  lawOf,
  count,
}: Pick<Integrands, 'laws' | 'lawOf' | 'count'>): Float64Array {
  const share = new Float64Array(laws);
  for (const law of lawOf) share[law]! += 1 / count;
  return share;
}

/** log q_0 at n rows of logLaw [n, L] into out [n] from row `at` on; -Infinity where no law has mass. */
export function logLawMixture(
  logLaw: Float64Array,
  share: Float64Array,
  n: number,
  out: Float64Array,
  at = 0,
): void {
  const laws = share.length;
  for (let i = 0; i < n; i++) {
    let largest = -Infinity;
    for (let l = 0; l < laws; l++)
      if (share[l]! > 0 && logLaw[i * laws + l]! > largest) largest = logLaw[i * laws + l]!;
    let sum = 0;
    if (largest > -Infinity)
      for (let l = 0; l < laws; l++)
        if (share[l]! > 0) sum += share[l]! * exp(logLaw[i * laws + l]! - largest);
    out[at + i] = largest === -Infinity ? largest : largest + log(sum);
  }
}
