import { exp, log } from '../../../engine/wasm/twins/elementary.ts';
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

/** Laws so scaled that none is above 1 at any point: any ratio of them is free of overflow. */
export interface ScaledLaws {
  /** [n, L] f_l / e^top; 0 for laws that no expectation is under. */
  readonly law: Float64Array;
  /** [n] log of the largest; -Infinity where no law has mass. */
  readonly top: Float64Array;
}

/** An evaluated batch with its laws as numbers. */
export type Weighed = Evaluated & ScaledLaws;

export function weighed(evaluated: Evaluated, integrands: Integrands): Weighed {
  return { ...evaluated, ...scaledLaws(evaluated.logLaw, lawShares(integrands)) };
}

/** @param share [L] as `lawShares`. */
export function scaledLaws(logLaw: Float64Array, share: Float64Array): ScaledLaws {
  const laws = share.length;
  const n = logLaw.length / laws;
  const law = new Float64Array(logLaw.length);
  const top = new Float64Array(n);
  const used = Uint32Array.from(share.keys()).filter((l) => share[l]! > 0);
  for (let i = 0; i < n; i++) {
    const row = i * laws;
    let largest = -Infinity;
    for (let u = 0; u < used.length; u++) {
      const own = logLaw[row + used[u]!]!;
      if (own > largest) largest = own;
    }
    top[i] = largest;
    if (largest === -Infinity) continue;
    for (let u = 0; u < used.length; u++) {
      const at = row + used[u]!;
      law[at] = exp(logLaw[at]! - largest);
    }
  }
  return { law, top };
}

/** log q_0 at the rows of scaled laws into out from row `at` on; -Infinity where no law has mass. */
export function logLawMixture(
  { law, top }: ScaledLaws,
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
