/**
 * All surviving paths of a particle system in little memory: a tree that keeps only nodes with living
 * descendants. Expected size at most T + C n log n nodes after T steps, against T n for the full history.
 * Source: Jacob, Murray & Rubenthaler (2015), "Path storage in the particle filter".
 */
export interface PathTree {
  /** Steps inserted so far. */
  readonly steps: number;
  /** Nodes alive. */
  readonly nodes: number;
  /** Bytes held. */
  readonly bytes: number;
  /**
   * Add the particles of the next step.
   * @param ancestor [n] slot of each one's parent at the step before; undefined: its own slot. Ignored at the first.
   * @param payload [n, k] what a node remembers; copied.
   */
  insert(ancestor: Uint32Array | undefined, payload: ArrayLike<number>): void;
  /** The path that ends in a slot of the last step, oldest first, [steps, k]. */
  path(slot: number): Float64Array;
  /** The same tree, to be kept while this one grows. */
  copy(): PathTree;
  /** Copies of everything that a later `restore` needs. */
  state(): PathTreeState;
  /** Become the tree whose state is given: of as many particles, with as many numbers each. */
  restore(state: PathTreeState): void;
}

/** A tree as data. */
export interface PathTreeState {
  readonly steps: number;
  readonly idle: number;
  readonly parent: ArrayLike<number>;
  readonly children: ArrayLike<number>;
  readonly payload: ArrayLike<number>;
  readonly free: ArrayLike<number>;
  readonly leaves: ArrayLike<number>;
}

const ROOT = 0xffffffff;

/** Nodes, alive or free. */
interface Pool {
  readonly k: number;
  parent: Uint32Array;
  /** Living children of each node. */
  children: Uint32Array;
  payload: Float64Array;
  /** Nodes not in use are the first `idle` of a stack. */
  free: Uint32Array;
  idle: number;
}

/** A tree for so many particles with k numbers each. */
export function makePathTree(particles: number, k: number): PathTree {
  const pool = makePool(2 * particles, k);
  let leaves = new Uint32Array(particles);
  let steps = 0;

  const insert = (ancestor: Uint32Array | undefined, payload: ArrayLike<number>): void => {
    const n = leaves.length;
    const parents = new Uint32Array(n).fill(ROOT);
    if (steps > 0) {
      for (let i = 0; i < n; i++) {
        parents[i] = leaves[ancestor === undefined ? i : ancestor[i]!]!;
        pool.children[parents[i]!]!++;
      }
      for (const leaf of leaves) prune(pool, leaf);
    }
    while (pool.idle < n) grow(pool);
    leaves = parents.map((parent, i) => attach(pool, parent, payload, i));
    steps++;
  };

  const path = (slot: number): Float64Array => {
    const out = new Float64Array(steps * k);
    let node = leaves[slot]!;
    for (let t = steps - 1; t >= 0; t--) {
      out.set(pool.payload.subarray(node * k, node * k + k), t * k);
      node = pool.parent[node]!;
    }
    return out;
  };

  const tree: PathTree = {
    get steps() {
      return steps;
    },
    get nodes() {
      return pool.parent.length - pool.idle;
    },
    get bytes() {
      return pool.parent.length * (12 + 8 * k);
    },
    insert,
    path,
    state: () => ({
      steps,
      idle: pool.idle,
      parent: pool.parent.slice(),
      children: pool.children.slice(),
      payload: pool.payload.slice(),
      free: pool.free.slice(),
      leaves: leaves.slice(),
    }),
    restore(state) {
      steps = state.steps;
      pool.idle = state.idle;
      pool.parent = Uint32Array.from(state.parent);
      pool.children = Uint32Array.from(state.children);
      pool.payload = Float64Array.from(state.payload);
      pool.free = Uint32Array.from(state.free);
      leaves = Uint32Array.from(state.leaves);
    },
    copy() {
      const twin = makePathTree(1, k);
      twin.restore(tree.state());
      return twin;
    },
  };
  return tree;
}

function makePool(size: number, k: number): Pool {
  return {
    k,
    parent: new Uint32Array(size),
    children: new Uint32Array(size),
    payload: new Float64Array(size * k),
    free: Uint32Array.from({ length: size }, (_, node) => node),
    idle: size,
  };
}

/** Take a free node for row i of the payload [n, k], below `parent`. */
function attach(pool: Pool, parent: number, payload: ArrayLike<number>, i: number): number {
  const { k } = pool;
  const node = pool.free[--pool.idle]!;
  pool.parent[node] = parent;
  pool.children[node] = 0;
  for (let c = 0; c < k; c++) pool.payload[node * k + c] = payload[i * k + c]!;
  return node;
}

/** Free a childless node, then its parent if that has no other child, and so on. */
function prune(pool: Pool, leaf: number): void {
  let node = leaf;
  while (node !== ROOT && pool.children[node] === 0) {
    pool.free[pool.idle++] = node;
    node = pool.parent[node]!;
    if (node !== ROOT) pool.children[node]!--;
  }
}

/** Double the pool. */
function grow(pool: Pool): void {
  const size = pool.parent.length;
  pool.parent = enlarged(pool.parent, new Uint32Array(2 * size));
  pool.children = enlarged(pool.children, new Uint32Array(2 * size));
  pool.payload = enlarged(pool.payload, new Float64Array(2 * size * pool.k));
  pool.free = enlarged(pool.free, new Uint32Array(2 * size));
  for (let node = size; node < 2 * size; node++) pool.free[pool.idle++] = node;
}

function enlarged<T extends Uint32Array | Float64Array>(old: T, bigger: T): T {
  bigger.set(old);
  return bigger;
}
