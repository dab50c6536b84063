/**
 * Permute `ancestor` [n] so that every particle with offspring is its own parent: ancestor[i] = i wherever i
 * occurs. Then `gatherRows` may copy within one array: no row that is read is ever written over.
 *
 * Which slot a lineage sits in changes, and with it the random numbers it gets, so this is on or off for a whole
 * run. Harmless where particles are exchangeable, never allowed in conditional SMC. Sequential, cost O(n).
 * Source: Murray, Lee & Jacob (2016), with the re-read of ancestor[i] after each swap.
 */
export function permuteInPlace(ancestor: Uint32Array): void {
  for (let i = 0; i < ancestor.length; i++) {
    let home = ancestor[i]!;
    while (home !== i && ancestor[home] !== home) {
      ancestor[i] = ancestor[home]!;
      ancestor[home] = home;
      // The slot now holds another parent, whose own slot may be free as well.
      home = ancestor[i]!;
    }
  }
}
