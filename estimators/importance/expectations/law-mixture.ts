import { log } from '../../../engine/wasm/twins/elementary.ts';
import type { Evaluated, Integrands } from './integrands.ts';

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

/** log q_0 at the rows of scaled laws into out from row `at` on; -Infinity where no law has mass. */
export function logLawMixture(
  { law, top }: Pick<Evaluated, 'law' | 'top'>,
  share: Float64Array,
  out: Float64Array,
  at = 0,
): void {
  const laws = share.length;
  for (let i = 0; i < top.length; i++) {
    let sum = 0;
    for (let l = 0; l < laws; l++) sum += share[l]! * law[i * laws + l]!;
    out[at + i] = top[i] === -Infinity ? -Infinity : top[i]! + log(sum);
  }
}
