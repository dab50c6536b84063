import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { makeTurn } from '../../engine/turn.ts';
import { RECORD } from '../../estimators/tree/arena.ts';
import { grow } from '../../estimators/tree/grow.ts';
import { checkTree, openPlan } from '../../estimators/tree/plan.ts';
import { openState } from '../../estimators/tree/state.ts';
import { dummyChain } from '../support/tree-chains.ts';

const { signal } = new AbortController();

test.each(['ipw', 'precision', 'paper', 'search', 'prior'] as const)(
  'a node of a tree of mode %s takes at most 100 bytes beside its state',
  async (mode) => {
    const chain = { ...dummyChain(20), branches: [16, 12, 8, 4] };
    const plan = await openPlan(checkTree({ chain, mode, iterations: 20_000 }), {
      backend: jsBackend(),
      signal,
    });
    const state = openState(plan, [3, 4]);
    await grow(plan, state, 20_000, makeTurn(), signal);
    const { nodes, families, reward, filled } = state.arena;
    const { sums, weights, child, used } = families;
    // Room that was never written to takes none.
    const entry = (8 * (sums.length + weights.length)) / child.length + child.BYTES_PER_ELEMENT;
    const bytes = (8 * RECORD * nodes + entry * used + reward.BYTES_PER_ELEMENT * filled[0]!) / nodes;
    console.log(`${mode}: ${nodes} nodes of ${bytes.toFixed(1)} bytes`);
    expect(bytes).toBeLessThan(100);
    expect(nodes).toBeGreaterThan(10_000);
  },
);
