import { ValueError } from '../../engine/errors.ts';
import { exp } from '../../engine/wasm/twins/elementary.ts';
import { CHILDREN, LEVEL, RECORD, SLOT, SPREAD, type TreeArena, WORDS } from './arena.ts';
import { MOVES, setOut } from './lanes.ts';
import { type TreePlan, WHERE } from './plan.ts';
import { childAt, sumFamily } from './sibling-heap.ts';
import type { TreeState } from './state.ts';

/*
 * Chains on discrete states. Weights of children are p(c | x) where all of them are listed, and how often each was drawn where
 * equal ones are one child. Both are kept as the w = 1 / (1 + rho) of the other trees, so sums, draws and weights of leaves are
 * the same there and here. Until all listed children of a node have a value, the first one stands for them: others have w = 0.
 */

/** A child of `parent` with the state in row `row` of `x`; -1 where there is none. */
export function equalChild(
  arena: TreeArena,
  parent: number,
  level: number,
  x: Float64Array,
  row: number,
): number {
  const { dimension: d, whole } = arena;
  for (let k = 1; k <= whole[WORDS * parent + CHILDREN]!; k++) {
    const child = childAt(arena, parent, k);
    if (whole[WORDS * child + LEVEL] !== level) continue;
    const slab = arena.slabs[level]!;
    const first = whole[WORDS * child + SLOT]! * d;
    let c = 0;
    while (c < d && slab[first + c] === x[row * d + c]) c++;
    if (c === d) return child;
  }
  return -1;
}

/** One more draw of a child. */
export function drawnAgain({ real }: TreeArena, child: number): void {
  const spread = RECORD * child + SPREAD;
  const times = Math.round(1 / (1 + real[spread]!));
  real[spread] = 1 / (times + 1) - 1;
}

/** The children that a node can have, in the order in which they are born: first the one of the run that made the node. */
interface Listed {
  readonly x: Float64Array;
  readonly weight: Float64Array;
  /** Rows of `x` of positive probability. */
  readonly rows: readonly number[];
}

function listed({ chain }: TreePlan, arena: TreeArena, at: number): Listed {
  const { dimension: d, whole } = arena;
  const level = whole[WORDS * at + LEVEL]!;
  const first = whole[WORDS * at + SLOT]! * d;
  const x = level > chain.steps ? new Float64Array(d) : arena.slabs[level]!.slice(first, first + d);
  const found = chain.children!(x, level);
  checkListed(found, d, level);
  const weight = found.logProbability.map(exp);
  const rows = Array.from(weight.keys()).filter((row) => weight[row]! > 0);
  if (whole[WORDS * at + CHILDREN] === 0) return { x: found.x, weight, rows };
  const born = childAt(arena, at, 1);
  const below = whole[WORDS * born + LEVEL]!;
  const slab = arena.slabs[below]!;
  const state = whole[WORDS * born + SLOT]! * d;
  const own = rows.findIndex((row) => {
    for (let c = 0; c < d; c++) if (found.x[row * d + c] !== slab[state + c]) return false;
    return true;
  });
  if (own < 0) throw unlisted(level, slab.slice(state, state + d));
  return { x: found.x, weight, rows: [rows[own]!, ...rows.slice(0, own), ...rows.slice(own + 1)] };
}

function checkListed(
  { x, logProbability }: { x: Float64Array; logProbability: Float64Array },
  d: number,
  level: number,
): void {
  const all = logProbability.reduce((sum, l) => sum + exp(l), 0);
  if (x.length === d * logProbability.length && Math.abs(all - 1) < 1e-6) return;
  throw new ValueError({
    where: WHERE,
    found: `\`chain.children\` gives ${x.length} numbers and ${logProbability.length} probabilities of sum ${all} at level ${level}`,
    expected: `states [k, ${d}] and k log probabilities that sum to 1`,
  });
}

function unlisted(level: number, point: Float64Array): ValueError {
  return new ValueError({
    where: WHERE,
    found: `\`chain.step\` went from level ${level} to [${point.slice(0, 8).join(', ')}], which \`chain.children\` does not list`,
    expected: 'the same states from both',
    point,
  });
}

/** Whether a listed child of a node is missing. */
export function lacksListed(plan: TreePlan, arena: TreeArena, at: number): boolean {
  return mayLack(arena, at) && listed(plan, arena, at).rows.length > arena.whole[WORDS * at + CHILDREN]!;
}

/** Of a node whose children all are there, and of more than one, the weights say so. */
function mayLack(arena: TreeArena, at: number): boolean {
  const { real, whole } = arena;
  return whole[WORDS * at + CHILDREN]! < 2 || real[RECORD * childAt(arena, at, 2) + SPREAD] === Infinity;
}

/** Start the next child that is missing, in a lane that has walked to `at`. */
export function startListed(plan: TreePlan, state: TreeState, lane: number, at: number): void {
  const { arena, lanes } = state;
  const { x, rows } = listed(plan, arena, at);
  const row = rows[arena.whole[WORDS * at + CHILDREN]!]!;
  const { dimension: d, depth } = lanes;
  setOut(plan, arena, lanes, lane, at);
  const level = plan.below[arena.whole[WORDS * at + LEVEL]!]!;
  for (let c = 0; c < d; c++) {
    lanes.x[lane * d + c] = x[row * d + c]!;
    lanes.rows[lane * depth * d + c] = x[row * d + c]!;
  }
  lanes.levels[lane * depth] = level;
  lanes.edges[lane * depth + 1] = 0;
  lanes.drawn[lane] = 1;
  lanes.level[lane] = level;
  lanes.goal[lane] = plan.below[level]!;
  lanes.phase[lane] = MOVES;
  state.evaluations++;
}

/** A child is born below `at`: it counts once all are there. */
export function weighListed(plan: TreePlan, arena: TreeArena, at: number, child: number): void {
  const { real, whole } = arena;
  const born = whole[WORDS * at + CHILDREN]!;
  real[RECORD * child + SPREAD] = born === 1 ? 0 : Infinity;
  const { rows, weight } = listed(plan, arena, at);
  if (born < rows.length) return;
  for (let k = 1; k <= rows.length; k++)
    real[RECORD * childAt(arena, at, k) + SPREAD] = 1 / weight[rows[k - 1]!]! - 1;
  sumFamily(arena, at);
}
