/** Number of distinct values in `index`, all below `limit`: living lineages when it holds eves or ancestors. */
export function distinctCount(index: Uint32Array, limit: number): number {
  const seen = new Uint8Array(limit);
  let count = 0;
  for (const i of index) {
    if (seen[i] === 0) count++;
    seen[i] = 1;
  }
  return count;
}

/** How often each of 0..n-1 occurs in `ancestor` [m]: its offspring, [n]. */
export function offspringCounts(ancestor: Uint32Array, n: number): Uint32Array {
  const counts = new Uint32Array(n);
  for (const i of ancestor) counts[i]!++;
  return counts;
}

/**
 * Slot of each particle's ancestor over several selections, [n]: follow `ancestors`, newest first; undefined
 * stands for a step without resampling, where every particle is its own parent.
 */
export function ancestorsBack(ancestors: readonly (Uint32Array | undefined)[], n: number): Uint32Array {
  const slot = Uint32Array.from({ length: n }, (_, i) => i);
  for (const step of ancestors) {
    if (step === undefined) continue;
    for (let i = 0; i < n; i++) slot[i] = step[slot[i]!]!;
  }
  return slot;
}
