import { OptionError } from '../errors.ts';
import { PURPOSE } from '../random/purpose.ts';
import { channel } from '../random/rng.ts';
import { makeTurn } from '../turn.ts';
import { exp, log } from '../wasm/twins/elementary.ts';
import { philoxBlock, uniform64 } from '../wasm/twins/philox.ts';
import { type Candidates, copyRow, makeCandidates } from './candidates.ts';
import type {
  ChainAddress,
  ChainStates,
  KernelChoice,
  KernelContext,
  MarkovKernel,
  MoveOutcome,
  MoveTarget,
} from './kernel.ts';
import { otherKernel } from './shape.ts';

/** Chains lo..lo+count-1 on their way: row i of the candidates is proposed to chain lo + i. */
export interface Block {
  readonly states: ChainStates;
  readonly lo: number;
  readonly count: number;
  readonly target: MoveTarget;
  readonly candidates: Candidates;
  readonly address: ChainAddress;
  /** [count, d] standard normals of the proposals; may be used up. */
  readonly normals: Float64Array;
  /** A uniform per chain that comes after the normals in the same stream. */
  extra(row: number): number;
}

/** What one kernel has of its own. */
export interface Proposer {
  /** Draw and evaluate the candidates of a block. */
  propose(block: Block): Promise<void>;
  /** log q(x | x') - log q(x' | x) of a row whose candidate has a density. */
  correction(block: Block, row: number): number;
  /** Whether the prior belongs into the ratio: not where proposals leave it in place by themselves. Default true. */
  readonly priorInRatio?: boolean;
  /** [d] units of distance. */
  spread(): Float64Array;
  /** After each move. */
  tell(acceptance: number, n: number): void;
  /** Give arrays of its own back. */
  dispose?(): void;
}

/** The parts of a kernel that do not move. */
export type Tuning = Pick<MarkovKernel, 'tune' | 'tuning' | 'snapshot' | 'restore'>;

/** Chains of one block: few enough for the caches, enough for a dispatch to be worth it. */
export function blockRows({ dimension, chains = Infinity, block }: KernelContext): number {
  return Math.min(chains, block ?? Math.max(256, Math.min(16384, Math.floor(2 ** 18 / dimension))));
}

/** A proposer with Metropolis acceptance: accept iff log u < min(0, log ratio). */
export function makeKernel(
  choice: KernelChoice,
  context: KernelContext,
  proposer: Proposer,
  tuning: Tuning,
): MarkovKernel {
  const { backend, signal, dimension: d } = context;
  const rows = blockRows(context);
  const { name, needs } = choice;
  const gradient = needs === 'gradient';
  const arena = backend.arena();
  const candidates = makeCandidates(arena, rows, d, gradient);
  const normals = arena.f64(rows * d);
  const uniform = arena.f64(rows);
  const turn = makeTurn();
  return {
    name,
    needs,
    async move(states, target, address) {
      checkStates(name, states, gradient);
      const tally = { acceptance: 0, accepted: 0, jump: 0 };
      const draws = drawsOf(address);
      for (let lo = 0; lo < states.count; lo += rows) {
        const count = Math.min(rows, states.count - lo);
        const first = draws.first + lo;
        const at = [draws.k0, draws.k1, first, draws.step] as const;
        await backend.dispatch('normal', [normals, d, ...at, draws.proposal], count);
        await backend.dispatch('uniform', [uniform, 1, ...at, draws.acceptance], count);
        const extra = (row: number): number => laterUniform(draws, first + row, d);
        const block = { states, lo, count, target, address, candidates, normals, extra };
        await proposer.propose(block);
        settle(block, proposer, uniform, tally);
        if (turn.due()) await turn.pause(signal);
      }
      const outcome = outcomeOf(tally, states.count);
      proposer.tell(outcome.acceptance, states.count);
      return outcome;
    },
    get spread() {
      return proposer.spread();
    },
    tune: tuning.tune,
    tuning: tuning.tuning,
    snapshot: () => ({ kernel: name, dimension: d, ...tuning.snapshot() }),
    restore(saved) {
      if (saved.kernel !== name || saved.dimension !== d)
        throw otherKernel(`it is of ${saved.kernel} in ${saved.dimension} dimensions`);
      tuning.restore(saved);
    },
    dispose() {
      proposer.dispose?.();
      arena.release();
    },
  };
}

interface Tally {
  acceptance: number;
  accepted: number;
  jump: number;
}

/** Accept or reject each candidate of a block. */
function settle(block: Block, proposer: Proposer, uniform: Float64Array, tally: Tally): void {
  const { states, lo, count, candidates } = block;
  const d = states.x.length / states.count;
  const spread = proposer.spread();
  for (let i = 0; i < count; i++) {
    const ratio = logRatio(block, proposer, i);
    // NaN: a chain outside the target that is offered no way in.
    if (Number.isNaN(ratio) || ratio === -Infinity) continue;
    const bound = Math.min(0, ratio);
    tally.acceptance += exp(bound);
    if (!(log(uniform[i]!) < bound)) continue;
    tally.accepted++;
    tally.jump += squaredJump(candidates.x, i, states.x, lo + i, spread);
    copyRow(candidates.x, i, states.x, lo + i, d);
    states.logPrior[lo + i] = candidates.logPrior[i]!;
    states.logLikelihood[lo + i] = candidates.logLikelihood[i]!;
    if (candidates.priorGradient !== undefined)
      copyRow(candidates.priorGradient, i, states.priorGradient!, lo + i, d);
    if (candidates.likelihoodGradient !== undefined)
      copyRow(candidates.likelihoodGradient, i, states.likelihoodGradient!, lo + i, d);
  }
}

/** log of the Metropolis-Hastings ratio of row i; NaN when neither end is in the target. */
function logRatio(block: Block, proposer: Proposer, i: number): number {
  const { states, lo, target, candidates } = block;
  if (candidates.logPrior[i] === -Infinity) return -Infinity;
  const after = target.factor(candidates.logLikelihood[i]!);
  if (after === -Infinity) return -Infinity;
  const gain = after - target.factor(states.logLikelihood[lo + i]!);
  const prior = proposer.priorInRatio === false ? 0 : candidates.logPrior[i]! - states.logPrior[lo + i]!;
  return prior + gain + proposer.correction(block, i);
}

/** Squared distance of row i of `a` and row j of `b`, each coordinate in units of its spread. */
export function squaredJump(
  a: Float64Array,
  i: number,
  b: Float64Array,
  j: number,
  spread: Float64Array,
): number {
  const d = spread.length;
  let sum = 0;
  for (let c = 0; c < d; c++) {
    const jump = (a[i * d + c]! - b[j * d + c]!) / spread[c]!;
    sum += jump * jump;
  }
  return sum;
}

function outcomeOf({ acceptance, accepted, jump }: Tally, n: number): MoveOutcome {
  return { acceptance: acceptance / n, accepted, squaredJump: jump / n };
}

interface Draws {
  readonly k0: number;
  readonly k1: number;
  readonly first: number;
  readonly step: number;
  readonly proposal: number;
  readonly acceptance: number;
}

/** Moves of one step that have draws of their own. */
const MOVES = 2 ** 24;

function drawsOf({ rng, step, move, first = 0 }: ChainAddress): Draws {
  if (!(move < MOVES)) {
    throw new OptionError({
      where: 'move',
      option: 'move',
      value: move,
      found: `the number of the move is ${move}`,
      expected: `a number below ${MOVES}`,
    });
  }
  const [k0, k1] = rng.key;
  const proposal = channel(PURPOSE.proposal, move);
  return { k0, k1, first, step, proposal, acceptance: channel(PURPOSE.acceptance, move) };
}

const words = new Uint32Array(4);

/** Uniform number m of a particle's stream of proposals. */
function laterUniform({ k0, k1, step, proposal }: Draws, particle: number, m: number): number {
  philoxBlock(particle, step, m >>> 1, proposal, k0, k1, words);
  return (m & 1) === 0 ? uniform64(words[0]!, words[1]!) : uniform64(words[2]!, words[3]!);
}

function checkStates(name: string, states: ChainStates, gradient: boolean): void {
  const has = states.priorGradient !== undefined && states.likelihoodGradient !== undefined;
  if (has || !gradient) return;
  throw new OptionError({
    where: name,
    option: 'states',
    value: states,
    found: 'the states hold no gradients',
    expected: '`priorGradient` and `likelihoodGradient` [n, d], filled',
  });
}
