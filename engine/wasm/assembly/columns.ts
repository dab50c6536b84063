// Two columns of a row in the lanes, or the last one and a zero.

@inline
export function loadColumns(at: usize, pair: bool): v128 {
  return pair ? v128.load(at) : v128.load64_zero(at);
}

@inline
export function storeColumns(at: usize, pair: bool, x: v128): void {
  if (pair) v128.store(at, x);
  else v128.store64_lane(at, x, 0);
}
