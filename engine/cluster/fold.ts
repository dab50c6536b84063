/*
 * The fixed binary tree over shard numbers: adjacent pairs, an odd last one carried up. Node (level, i) covers the
 * shards i 2^level .. (i + 1) 2^level - 1 as far as there are so many; it is merged when both children are there.
 * Whoever comes first, the same pairs meet.
 */

/** Summaries folded as they come; at most about log2 S are alive in each stretch without a gap. */
export interface Fold<Y> {
  /** The summary of a shard; a second one for the same shard is refused: false. */
  add(index: number, value: Y): boolean;
  has(index: number): boolean;
  /** Shards that are there. */
  readonly count: number;
  /** Summaries alive. */
  readonly live: number;
  /** Shards 0 .. prefix - 1 are all there. */
  readonly prefix: number;
  missing(): readonly number[];
  /** The summary of all shards. @throws RangeError while some are missing. */
  result(): Y;
}

/** @param count shards in all, at least 1. */
export function makeFold<Y>(count: number, merge: (left: Y, right: Y) => Y): Fold<Y> {
  const seen = new Uint8Array(count);
  const nodes = new Map<number, Y>();
  const height = Math.ceil(Math.log2(count));
  let there = 0;
  let prefix = 0;
  const rise = (index: number, value: Y): void => {
    let at = index;
    let own = value;
    for (let level = 0; ; level++) {
      const partner = at ^ 1;
      // The last node of a level has no partner when its number is even: it goes up as it is.
      const alone = partner * 2 ** level >= count;
      if (level === height || (!alone && !nodes.has(key(level, partner)))) {
        nodes.set(key(level, at), own);
        return;
      }
      if (!alone) {
        const other = nodes.get(key(level, partner)) as Y;
        nodes.delete(key(level, partner));
        own = at < partner ? merge(own, other) : merge(other, own);
      }
      at = Math.floor(at / 2);
    }
  };
  return {
    add(index, value) {
      if (seen[index] !== 0) return false;
      seen[index] = 1;
      there++;
      while (prefix < count && seen[prefix] === 1) prefix++;
      rise(index, value);
      return true;
    },
    has: (index) => seen[index] === 1,
    get count() {
      return there;
    },
    get live() {
      return nodes.size;
    },
    get prefix() {
      return prefix;
    },
    missing: () => Array.from(seen.keys()).filter((index) => seen[index] === 0),
    result() {
      if (there !== count) throw new RangeError(`${count - there} shards are missing`);
      return nodes.get(key(height, 0)) as Y;
    },
  };
}

/** A node as one number: levels stay below 32. */
function key(level: number, index: number): number {
  return index * 32 + level;
}
