import { OptionError } from '../../engine/errors.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import type { Stream } from '../../engine/random/rng.ts';
import { normalQuantile } from '../../engine/wasm/twins/normal.ts';
import { LEVEL, NUMBER, PARENT, SLOT, type TreeArena, WORDS } from './arena.ts';
import { movingStream } from './moving-stream.ts';
import { type TreePlan, WHERE } from './plan.ts';
import { childAt } from './sibling-heap.ts';
import type { TreeState } from './state.ts';

/*
 * Whether children of one node part. Where the steps below a level do not depend on what they draw, all children there are one
 * state, and a tree is one of copies, whatever it spends. First and second children tell; where those of some nodes all are
 * the same, many more go down from there by draws at the ends of (0, 1), which tell all but certain laws apart.
 */

/** Nodes with two equal children, and copies by draws at the ends of (0, 1). */
const ENOUGH = 3;
const COPIES = 32;
/** No iteration of a tree has these numbers. */
const LAST_ADDRESS = 2 ** 32 - 1;

/** The state [d] of a node and that of its first child. */
interface Pair {
  readonly parent: Float64Array;
  readonly child: Float64Array;
}

/** What is not known yet of a chain. */
export interface Doubts {
  /** Levels of nodes whose children have not been seen to part, and nodes there whose first two children are the same. */
  readonly levels: Map<number, Pair[]>;
  /** Nodes of each tree that have been looked at. */
  readonly seen: number[];
}

/** Nodes of tree r have other numbers now, and all have been looked at. */
export function renumber({ seen }: Doubts, r: number, nodes: number): void {
  seen[r] = nodes;
}

/** None where children have weights of their own, or where nothing but the root has several. */
export function openDoubts({ chain, mode, weighted, below, trees }: TreePlan): Doubts {
  const levels = new Map<number, Pair[]>();
  if (mode !== 'prior' && !weighted)
    for (let level = below[chain.steps + 1]!; level > 0; level = below[level]!) levels.set(level, []);
  return { levels, seen: Array.from({ length: trees }, () => 1) };
}

/**
 * Look at the children that tree r has since got. The steps by which a doubt is settled are rare, and not counted.
 * @throws OptionError where all children of nodes are the same; what the chain throws.
 */
export async function settleDoubts(
  plan: TreePlan,
  { levels, seen }: Doubts,
  r: number,
  tree: TreeState,
): Promise<void> {
  if (levels.size === 0) return;
  const { arena } = tree;
  for (let id = seen[r]!; id < arena.nodes; id++) {
    if (arena.whole[WORDS * id + NUMBER] !== 2) continue;
    const parent = arena.whole[WORDS * id + PARENT]!;
    const equal = levels.get(arena.whole[WORDS * parent + LEVEL]!);
    if (equal === undefined) continue;
    const first = childAt(arena, parent, 1);
    const same =
      arena.whole[WORDS * first + LEVEL] === arena.whole[WORDS * id + LEVEL] &&
      alike(stateOf(arena, first), stateOf(arena, id));
    if (!same) levels.delete(arena.whole[WORDS * parent + LEVEL]!);
    else if (equal.length < ENOUGH) {
      const pair = { parent: stateOf(arena, parent).slice(), child: stateOf(arena, first).slice() };
      // What stays where it is may be at its end, and tells nothing.
      if (!alike(pair.parent, pair.child)) equal.push(pair);
    }
  }
  seen[r] = arena.nodes;
  for (const [level, equal] of levels) {
    if (equal.length < ENOUGH) continue;
    if (await neverParts(plan, tree.key, level, equal)) throw oneChild(plan, levels, level);
    levels.delete(level);
  }
}

function stateOf({ dimension: d, slabs, whole }: TreeArena, id: number): Float64Array {
  const first = whole[WORDS * id + SLOT]! * d;
  return slabs[whole[WORDS * id + LEVEL]!]!.subarray(first, first + d);
}

function alike(a: Float64Array, b: Float64Array): boolean {
  for (let c = 0; c < a.length; c++) if (!Object.is(a[c], b[c])) return false;
  return true;
}

/** Whether copies of nodes of one level all go to the first children of these. */
async function neverParts(
  { chain, below }: TreePlan,
  key: TreeState['key'],
  from: number,
  pairs: readonly Pair[],
): Promise<boolean> {
  const { dimension: d } = chain;
  const of = Array.from({ length: COPIES }, (_, i) => pairs[i % pairs.length]!);
  let x = new Float64Array(COPIES * d);
  for (const [i, { parent }] of of.entries()) x.set(parent, i * d);
  for (let level = from; level > below[from]!; level--) {
    const next = new Float64Array(COPIES * d);
    const streams = of.map((_, i) => extremeStream(key, LAST_ADDRESS - i, level));
    const edge = new Float64Array(COPIES);
    await chain.step({ x, level: new Int32Array(COPIES).fill(level), next, edge, streams });
    x = next;
  }
  return of.every(({ child }, i) => alike(child, x.subarray(i * d, (i + 1) * d)));
}

function extremeStream(key: readonly [number, number], address: number, level: number): Stream {
  const stream = movingStream(key);
  stream.to(PURPOSE.treeRollout, address, level);
  const uniform = (): number => {
    const [which, u] = [stream.uniform(), stream.uniform()];
    if (which < 0.5) return u;
    return which < 0.75 ? 2 ** -53 : 1 - 2 ** -53;
  };
  return { uniform, normal: () => normalQuantile(uniform()), below: (n) => Math.floor(uniform() * n) };
}

function oneChild({ chain, below }: TreePlan, levels: Doubts['levels'], level: number): OptionError {
  const nodes: number[] = [];
  for (let at = below[chain.steps + 1]!; at > 0; at = below[at]!) nodes.push(at);
  const rest = nodes.filter((at) => (levels.get(at)?.length ?? 0) === 0);
  const instead =
    rest.length > 0 ? `chain.branches: [${rest.join(', ')}]` : "mode: 'prior', for independent runs";
  return new OptionError({
    where: WHERE,
    option: 'chain.branches',
    value: chain.branches,
    found: `\`chain.step\` goes from level ${level} to ${below[level]} to one state, whatever it draws`,
    expected: 'steps that draw something below each level with nodes: children of one state must differ',
    fix: `Try ${instead}; or list the states that may come next in \`chain.children\`.`,
  });
}
