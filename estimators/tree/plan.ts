import {
  checkCount,
  checkFlag,
  checkList,
  checkNumber,
  checkOneOf,
  checkOptionNames,
  checkRecord,
  MOST_BYTES,
  show,
  spaced,
} from '../../engine/check.ts';
import { digest } from '../../engine/digest.ts';
import { OptionError } from '../../engine/errors.ts';
import { NODE_BYTES } from './arena.ts';
import {
  type OpenTreeChain,
  openTreeChain,
  type TreeChainOpening,
  type TreeChainSource,
} from './open-chain.ts';
import type { TreeChain, TreeGrowth, TreeMode, TreeOptions } from './types.ts';

export const WHERE = 'treeSampler';

/** Powers are not rounded alike everywhere, and at 32, 243, 1024, .. they are integers: 243^0.8 is 81 or a little more. */
export const SLACK = 1e-9;
/** Visits up to which the children they ask for are kept in a table. */
const SEEN = 1024;

/** Checked options with their defaults, and a chain that may have to be opened. */
export interface TreeScheme {
  readonly chain: TreeChain | TreeChainSource;
  readonly mode: TreeMode;
  readonly iterations: number;
  readonly evaluations: number | undefined;
  readonly trees: number;
  readonly rescore: boolean;
  /** lambda */
  readonly lambda: number;
  /** Children are weighted by how well they are known. */
  readonly precise: boolean;
  readonly widening: TreeGrowth;
  readonly births: { readonly root: TreeGrowth; readonly others: TreeGrowth };
  readonly explore: number;
  readonly exploration: number | undefined;
  /** Values of parents are the largest of their children, and edges count for nothing. */
  readonly highest: boolean;
  readonly maxNodes: number | undefined;
  /** Nodes that a tree can come to. */
  readonly mostNodes: number;
  readonly prune: number | undefined;
  /** B */
  readonly batch: number;
  /** By visits, up to some number: a node with fewer children is to have one more. */
  readonly wantedTable: Float64Array;
  /** By children, as far as it was asked: from how many visits on there is to be one more. */
  readonly visitsFor: number[];
  /** By level, D + 1 being the root: the level of its children. [D + 2] */
  readonly below: Uint16Array;
  /** Most nodes from the root to a leaf, the root among them. */
  readonly depth: number;
  readonly fingerprint: string;
  /** Digest of the chain and the number of trees alone: what a run that is weighed anew must share. */
  readonly shape: string;
}

/** The same with the chain in use, of one run. */
export interface TreePlan extends TreeScheme {
  readonly chain: TreeChain & OpenTreeChain;
  /** Children are listed or merged, so that they have weights. */
  readonly weighted: boolean;
}

/** @throws what the chain throws when it is opened. */
export async function openPlan(scheme: TreeScheme, opening: TreeChainOpening): Promise<TreePlan> {
  const chain = await openTreeChain(scheme.chain, opening);
  const weighted = chain.children !== undefined || chain.merge === true;
  return { ...scheme, chain, weighted };
}

const OPTIONS: Readonly<Record<keyof TreeOptions, true>> = {
  chain: true,
  mode: true,
  iterations: true,
  evaluations: true,
  trees: true,
  rescore: true,
  inverseTemperature: true,
  widening: true,
  births: true,
  explore: true,
  exploration: true,
  backup: true,
  batch: true,
  maxNodes: true,
  prune: true,
  module: true,
};
const MODES: readonly TreeMode[] = ['ipw', 'precision', 'paper', 'search', 'prior'];
const WIDENED: readonly TreeMode[] = ['precision', 'paper', 'search'];
/** The level of the root must fit in 16 bits. */
const MOST_STEPS = 65_534;

/** @throws OptionError for the first option that cannot be used. */
export function checkTree(options: TreeOptions): TreeScheme {
  checkOptionNames(WHERE, options, Object.keys(OPTIONS));
  const {
    chain,
    evaluations,
    trees = 1,
    batch = 1,
    inverseTemperature: lambda = 1,
    exploration,
    maxNodes,
    prune,
  } = options;
  checkChain(chain);
  checkModule(options.module);
  checkCount(WHERE, 'batch', batch, { min: 1, max: 2 ** 20 });
  if (evaluations !== undefined) checkEvaluations(chain, batch, evaluations);
  const { iterations = Math.ceil((evaluations ?? 1000) / batch) * batch } = options;
  const rescore = checkFlag(WHERE, 'rescore', options.rescore ?? false);
  checkCount(WHERE, 'trees', trees, { min: 1, max: 2 ** 20 });
  const mode = checkOneOf(WHERE, 'mode', options.mode ?? 'ipw', MODES);
  checkCount(WHERE, 'iterations', iterations, { min: 1, max: 2 ** 31 });
  checkNumber(WHERE, 'inverseTemperature', lambda, (x) => x >= 0 && x < Infinity, 'a finite number >= 0');
  checkOnlyOf(options, 'widening', mode, WIDENED);
  checkOnlyOf(options, 'births', mode, ['ipw']);
  for (const option of ['exploration', 'backup'] as const) checkOnlyOf(options, option, mode, ['search']);
  const highest = checkOneOf(WHERE, 'backup', options.backup ?? 'mean', ['mean', 'max'] as const) === 'max';
  checkOnlyOf(options, 'explore', mode, [...WIDENED, 'ipw']);
  if (mode === 'search')
    checkNumber(WHERE, 'inverseTemperature', lambda, (x) => x > 0, 'a number above 0 in a search');
  if (exploration !== undefined)
    checkNumber(WHERE, 'exploration', exploration, (x) => x >= 0 && x < Infinity, 'a finite number >= 0');
  const branches = checkBranches(chain);
  const depth = branches.length + 2;
  checkBatch(batch, mode, iterations);
  if (!('open' in chain)) checkDiscrete(chain, mode, batch);
  if (maxNodes !== undefined)
    checkCount(WHERE, 'maxNodes', maxNodes, { min: 1 + batch * (depth - 1), max: 2 ** 31 });
  if (prune !== undefined) checkPrune(options, mode, highest);
  const born = Math.min(iterations, evaluations ?? iterations) * (depth - 1) + 1;
  const mostNodes = Math.min(born, maxNodes ?? born);
  checkMemory(chain, depth, batch, mostNodes, trees);
  const widening = checkGrowth('widening', options.widening, mode === 'paper' ? 2 : 1, 0.8);
  const plan = {
    ...{
      chain,
      mode,
      iterations,
      evaluations,
      trees,
      rescore,
      lambda,
      exploration,
      maxNodes,
      mostNodes,
      prune,
      highest,
      batch,
    },
    precise: mode === 'ipw' || mode === 'precision',
    ...{ widening, wantedTable: wantedChildren(widening), visitsFor: [] },
    births: checkBirths(options.births),
    explore: checkExplore(options.explore, mode),
    ...{ depth, below: levelsBelow(chain.steps, branches) },
  };
  return { ...plan, ...fingerprintsOf(plan) };
}

const FUNCTIONS = ['init', 'step', 'reward'] as const;

function checkChain(given: TreeChain | TreeChainSource | undefined): void {
  // What a source opens is a chain when it says so.
  const chain = given as (TreeChain & Partial<TreeChainSource>) | undefined;
  checkRecord(WHERE, 'chain', chain, 'a chain { dimension, steps, init, step, reward }');
  checkCount(WHERE, 'chain.dimension', chain?.dimension, { min: 1 });
  checkCount(WHERE, 'chain.steps', chain?.steps, { min: 1, max: MOST_STEPS });
  const absent =
    typeof chain?.open === 'function'
      ? undefined
      : FUNCTIONS.find((name) => typeof chain?.[name] !== 'function');
  const { terminal } = chain ?? {};
  const missing =
    absent ?? (terminal === undefined || typeof terminal === 'function' ? undefined : 'terminal');
  if (missing === undefined) return;
  throw new OptionError({
    where: WHERE,
    option: 'chain',
    value: chain,
    found: `\`chain.${missing}\` is ${show(chain?.[missing])}`,
    expected: `a chain: dimension, steps and the functions ${FUNCTIONS.join(', ')}`,
  });
}

function checkModule(module: TreeOptions['module']): void {
  if (module === undefined || module?.kind === 'module') return;
  throw new OptionError({
    where: WHERE,
    option: 'module',
    value: module,
    found: `option \`module\` is ${show(module)}`,
    expected: 'moduleModel(url, name) of a module that exports () => treeSampler({ ... })',
  });
}

/** Levels of nodes but for the last one, falling. */
function checkBranches({ steps, branches }: TreeScheme['chain']): readonly number[] {
  if (branches === undefined) return Array.from({ length: steps }, (_, k) => steps - k);
  checkList(WHERE, 'chain.branches', branches, `levels in ${steps}..1, falling`);
  for (const [k, level] of branches.entries()) {
    checkCount(WHERE, `chain.branches[${k}]`, level, { min: 1, max: steps });
    if (k === 0 || level < branches[k - 1]!) continue;
    throw new OptionError({
      where: WHERE,
      option: `chain.branches[${k}]`,
      value: level,
      found: `level ${level} of \`chain.branches\` comes after ${branches[k - 1]}`,
      expected: 'levels that fall: noise first, as the chain runs',
      fix: `Try branches: [${[...new Set(branches)].sort((a, b) => b - a).join(', ')}].`,
    });
  }
  return branches.slice();
}

function levelsBelow(steps: number, branches: readonly number[]): Uint16Array {
  const below = new Uint16Array(steps + 2);
  for (const level of branches) below[level + 1] = level;
  for (let level = 2; level < below.length; level++) if (below[level] === 0) below[level] = below[level - 1]!;
  return below;
}

function checkOnlyOf(
  options: TreeOptions,
  option: keyof TreeOptions,
  mode: TreeMode,
  modes: readonly TreeMode[],
): void {
  const value = options[option];
  if (value === undefined || modes.includes(mode)) return;
  throw new OptionError({
    where: WHERE,
    option,
    value,
    found: `option \`${option}\` is given and \`mode\` is '${mode}'`,
    expected: `it with ${modes.map((name) => `'${name}'`).join(', ')} alone`,
  });
}

function checkGrowth(
  option: string,
  given: TreeGrowth | undefined,
  factor: number,
  exponent: number,
): TreeGrowth {
  if (given === undefined) return { factor, exponent };
  checkOptionNames(`${WHERE}: ${option}`, given, ['factor', 'exponent']);
  checkNumber(WHERE, `${option}.factor`, given.factor, (x) => x > 0 && x < Infinity, 'a number above 0');
  checkNumber(WHERE, `${option}.exponent`, given.exponent, (x) => x >= 0 && x <= 1, 'a number in [0, 1]');
  return { factor: given.factor, exponent: given.exponent };
}

function checkBirths(births: TreeOptions['births']): TreePlan['births'] {
  if (births !== undefined) checkOptionNames(`${WHERE}: births`, births, ['root', 'others']);
  return {
    root: checkGrowth('births.root', births?.root, 1, 0.8),
    others: checkGrowth('births.others', births?.others, 2, 0.3),
  };
}

function checkExplore(given: number | undefined, mode: TreeMode): number {
  const explore = given ?? (mode === 'ipw' ? 0.1 : 0);
  const least = mode === 'ipw' ? 'a number in (0, 1]: every child must be in reach' : 'a number in [0, 1]';
  const inside = (x: number): boolean => (mode === 'ipw' ? x > 0 : x >= 0) && x <= 1;
  return checkNumber(WHERE, 'explore', explore, inside, least);
}

/** @throws OptionError where there is nothing to prune, or nothing that says when. */
function checkPrune({ prune, maxNodes, chain }: TreeOptions, mode: TreeMode, highest: boolean): void {
  checkNumber(WHERE, 'prune', prune, (x) => x > 0 && x < 1, 'a share in (0, 1)');
  const weighted = !('open' in chain) && (chain.children !== undefined || chain.merge === true);
  const refuse = (found: string, expected: string): never => {
    throw new OptionError({ where: WHERE, option: 'prune', value: prune, found, expected });
  };
  if (maxNodes === undefined)
    refuse('option `prune` is given and `maxNodes` is not', 'a bound to stay within');
  if (mode === 'prior') refuse("option `prune` is given and `mode` is 'prior'", 'a mode whose trees branch');
  if (highest) refuse("option `prune` is given and `backup` is 'max'", 'values that are means');
  if (weighted)
    refuse('option `prune` is given with `children` or `merge`', 'a chain whose children are drawn');
}

function wantedChildren({ factor, exponent }: TreeGrowth): Float64Array {
  return Float64Array.from({ length: SEEN }, (_, visits) => factor * visits ** exponent - SLACK);
}

function checkBatch(batch: number, mode: TreeMode, iterations: number): void {
  if (mode !== 'ipw' || iterations % batch === 0) return;
  throw new OptionError({
    where: WHERE,
    option: 'iterations',
    value: iterations,
    found: `option \`iterations\` is ${spaced(iterations)} and \`batch\` is ${spaced(batch)}`,
    expected: "whole batches with mode: 'ipw'",
    fix: `Try iterations: ${Math.ceil(iterations / batch) * batch}.`,
  });
}

/** Enough for a run from start to end, of each walk in flight. */
function checkEvaluations({ steps }: TreeScheme['chain'], batch: number, evaluations: number): void {
  const walks = batch === 1 ? '' : `, and ${spaced(batch)} are in flight`;
  const fix = `A run of the chain takes ${steps} steps${walks}. Try evaluations: ${1000 * batch * steps}.`;
  checkCount(WHERE, 'evaluations', evaluations, { min: batch * steps, max: 2 ** 31, fix });
}

/** Of trees whose every iteration starts anew at the root, with columns that double. */
function checkMemory(
  { dimension }: TreeScheme['chain'],
  depth: number,
  batch: number,
  most: number,
  trees: number,
): void {
  const nodes = trees * 2 ** Math.ceil(Math.log2(most));
  const bytes = nodes * (NODE_BYTES + 8 * dimension) + trees * batch * depth * (12 + 8 * dimension);
  if (bytes <= MOST_BYTES) return;
  const gibibytes = spaced(Number((bytes / 2 ** 30).toPrecision(3)));
  const fits = 2 ** Math.floor(Math.log2(MOST_BYTES / trees / (NODE_BYTES + 8 * dimension)));
  throw new OptionError({
    where: WHERE,
    option: 'iterations',
    value: most,
    found: `the iterations can take ${gibibytes} GiB of nodes`,
    expected: `at most ${MOST_BYTES / 2 ** 30} GiB`,
    fix: `Try iterations: ${Math.max(1, Math.floor(fits / (depth - 1)) - 1)}, or maxNodes: ${fits}.`,
  });
}

/** The number of iterations is left out: a longer run may go on from a shorter one. */
function fingerprintsOf({
  chain,
  mode,
  trees,
  lambda,
  widening,
  births,
  explore,
  exploration,
  highest,
  batch,
  prune,
  maxNodes,
}: Omit<TreeScheme, 'fingerprint' | 'shape'>): Pick<TreeScheme, 'fingerprint' | 'shape'> {
  const { dimension, steps, branches = null } = chain;
  const [own, law] =
    'fingerprint' in chain
      ? [chain.fingerprint, chain.law]
      : [null, [chain.children !== undefined, chain.merge === true]];
  const shape = [WHERE, dimension, steps, branches, law, trees];
  // Where a tree is pruned depends on its bound.
  const pruning = prune === undefined ? [] : [prune, maxNodes];
  const values = [lambda, widening, births, explore, exploration ?? null, highest, batch];
  const options = [own, mode, ...values, ...pruning];
  return {
    fingerprint: digest(JSON.stringify([...shape, ...options])),
    shape: digest(JSON.stringify(shape)),
  };
}

/** @throws OptionError where children are listed or merged and cannot be. */
function checkDiscrete(
  { children, merge, terminal, branches }: TreeChain,
  mode: TreeMode,
  batch: number,
): void {
  if (children === undefined && merge !== true) return;
  const name = children === undefined ? 'merge' : 'children';
  const refuse = (found: string, expected: string): never => {
    throw new OptionError({ where: WHERE, option: `chain.${name}`, value: mode, found, expected });
  };
  if (mode !== 'paper' && mode !== 'search')
    refuse(
      `\`chain.${name}\` is given and \`mode\` is '${mode}'`,
      "it with 'paper' and 'search' alone: other modes need independent draws",
    );
  if (children === undefined) {
    if (batch > 1) refuse(`\`chain.merge\` is given and \`batch\` is ${batch}`, 'one walk at a time');
    return;
  }
  if (merge === true) refuse('`chain.children` and `chain.merge` are both given', 'one of them');
  if (terminal !== undefined || branches !== undefined)
    refuse('`chain.children` is given with `terminal` or `branches`', 'a chain whose every level has nodes');
}
