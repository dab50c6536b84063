/**
 * Positions moved so that neighbours are at least `gap` apart and all lie between `low` and `high`, near where they
 * were; order kept. Where there is no room for all, the upper ones stay inside and the lower ones do not.
 */
export function apart(
  positions: readonly number[],
  gap: number,
  low: number = Number.NEGATIVE_INFINITY,
  high: number = Number.POSITIVE_INFINITY,
): number[] {
  const order = positions.map((at, i) => ({ at, i })).sort((a, b) => a.at - b.at);
  // Pushing two neighbours apart by equal parts, a few times over, keeps groups near their middle.
  for (let sweep = 0; sweep < 60; sweep++) {
    for (let k = 1; k < order.length; k++) {
      const short = gap - (order[k]!.at - order[k - 1]!.at);
      if (short <= 0) continue;
      order[k]!.at += short / 2;
      order[k - 1]!.at -= short / 2;
    }
  }
  let least = low;
  for (const mark of order) {
    mark.at = Math.max(mark.at, least);
    least = mark.at + gap;
  }
  let most = high;
  for (const mark of order.reverse()) {
    mark.at = Math.min(mark.at, most);
    most = mark.at - gap;
  }
  const moved = new Array<number>(positions.length);
  for (const { at, i } of order) moved[i] = at;
  return moved;
}
