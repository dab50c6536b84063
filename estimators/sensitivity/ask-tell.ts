import type { Backend } from '../../engine/backend/backend.ts';
import { checkBackend } from '../../engine/backend/check-backend.ts';
import { defaultBackend } from '../../engine/backend/choose.ts';
import { onProcessor } from '../../engine/backend/provenance.ts';
import { type PointFailure, ShapeError } from '../../engine/errors.ts';
import { KEPT_FAILURES, modelFailure } from '../../engine/model/missing.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import { makeTurn } from '../../engine/turn.ts';
import { VERSION } from '../../engine/version.ts';
import { designTile } from './design.ts';
import { checkSobolOptions } from './option-names.ts';
import { type AnalysisPlan, type DesignPlan, planAnalysis, planDesign } from './plan.ts';
import { centreProgram, quantitiesOf } from './quantities.ts';
import { resultOf } from './result.ts';
import { checkMemory, openStore, type Store } from './store.ts';
import { applyMissing, scatter } from './tell.ts';
import type { AnalysisOptions, DesignOptions, SobolResult } from './types.ts';

/** A design to be evaluated elsewhere. */
export interface SobolDesign {
  /** Input values [rows, D], row-major. */
  readonly x: Float64Array;
  readonly rows: number;
  /** Names of the D columns. */
  readonly names: readonly string[];
  /** One line that says how the rows were made and in which order they stand. */
  readonly header: string;
}

export interface AskOptions {
  readonly seed: number;
  /** Default: the best this machine has. */
  readonly backend?: Backend;
}

/**
 * The rows a model must be evaluated at, for models that run elsewhere. Replicate after replicate; within a base point
 * A, AB^1 .. AB^D, BA^1 .. BA^D (second order), further sets, B, which is SALib's order.
 * @throws OptionError for bad options, or when the rows do not fit into memory.
 */
export async function sobolDesign(
  options: DesignOptions,
  { seed, backend }: AskOptions,
): Promise<SobolDesign> {
  checkSobolOptions('sobolDesign', options);
  checkBackend('sobolDesign', backend);
  const plan = planDesign('sobolDesign', options);
  const { layout, space, points } = plan;
  const d = space.dimension;
  const rows = points.total * layout.rows;
  checkMemory(plan.where, {
    outputs: d,
    rows: layout.rows,
    dimension: 0,
    replicates: 1,
    perReplicate: points.total,
  });
  const x = new Float64Array(rows * d);
  await eachTile(plan, seed, backend ?? (await defaultBackend()), async (tile, replicate, first, n) => {
    x.set(await tile.fill(replicate, first, n), (replicate * points.perReplicate + first) * layout.rows * d);
  });
  return { x, rows, names: [...space.names], header: headerOf(plan, seed) };
}

/**
 * Indices from the outputs `y` [rows] or [rows, k] of a design of `sobolDesign` with the same options and seed: the
 * same numbers as a run that calls the model itself. NaN and infinities are missing outputs.
 * @throws ShapeError when `y` has another length; OptionError for bad options; ModelError when an output is missing
 * and `missing` is 'error'.
 */
export async function sobolAnalyze(
  options: DesignOptions & AnalysisOptions,
  y: Float64Array,
  { seed, backend: chosen }: AskOptions,
): Promise<SobolResult> {
  checkSobolOptions('sobolAnalyze', options);
  checkBackend('sobolAnalyze', chosen);
  const design = planDesign('sobolAnalyze', options);
  const plan = planAnalysis(design, options);
  const outputs = options.outputs ?? ['y'];
  checkLength(design, y, outputs.length);
  const { layout, space, points } = design;
  const { replicates, perReplicate } = points;
  const shape = {
    outputs: outputs.length,
    rows: layout.rows,
    dimension: space.dimension,
    replicates,
    perReplicate,
  };
  checkMemory(design.where, shape);
  const backend = chosen ?? (await defaultBackend());
  const store = openStore(backend, shape);
  try {
    await eachTile(design, seed, backend, async (tile, replicate, first, n) => {
      store.x.set(await tile.base(replicate, first, n), (replicate * perReplicate + first) * space.dimension);
    });
    scatter(store, y, 0, points.total);
    const missing = await tellFailures(design, plan, y, outputs.length, seed, backend);
    const dropped = applyMissing(
      store,
      plan.missing,
      missing.map(({ index }) => index),
      0,
    );
    return await analyse(design, plan, store, outputs, missing, dropped, seed, backend);
  } finally {
    store.arena.release();
  }
}

type TileVisitor = (
  tile: ReturnType<typeof designTile>,
  replicate: number,
  first: number,
  n: number,
) => Promise<void>;

async function eachTile(plan: DesignPlan, seed: number, backend: Backend, visit: TileVisitor): Promise<void> {
  const { replicates, perReplicate } = plan.points;
  const tile = designTile(plan, perReplicate, rngFromSeed(seed), backend);
  const turn = makeTurn();
  try {
    for (let r = 0; r < replicates; r++) {
      for (let first = 0; first < perReplicate; first += tile.capacity) {
        await visit(tile, r, first, Math.min(tile.capacity, perReplicate - first));
        await turn.pause();
      }
    }
  } finally {
    tile.release();
  }
}

function headerOf(plan: DesignPlan, seed: number): string {
  const { points, design, layout, groups } = plan;
  const order = `${points.replicates} x ${points.perReplicate} base points, ${layout.rows} rows each`;
  return `ensample ${VERSION} sobol design: ${design}, ${order}, ${groups.names.length} groups, estimator ${plan.estimator}, seed ${seed}`;
}

function checkLength(design: DesignPlan, y: Float64Array, outputs: number): void {
  const { layout, points, groups, secondOrder } = design;
  const rows = points.total * layout.rows;
  if (y.length === rows * outputs) return;
  const d = groups.names.length;
  const formula =
    layout.rows === d + 2 ? 'N(D + 2)' : layout.rows === 2 * d + 2 ? 'N(2D + 2)' : `N x ${layout.rows}`;
  const times = outputs === 1 ? '' : ` rows of ${outputs} outputs = ${rows * outputs}`;
  const other = points.total * (layout.rows === d + 2 ? 2 * d + 2 : d + 2) * outputs;
  const hint = y.length === other ? ` That is the length for secondOrder: ${!secondOrder}.` : '';
  throw new ShapeError({
    where: design.where,
    found: `\`y\` has ${y.length} numbers`,
    expected: `${formula} = ${rows}${times}, N = ${points.total} points and D = ${d} ${d === design.space.dimension ? 'inputs' : 'groups'}`,
    fix: `Give the outputs of all rows of the design, in its order.${hint}`,
  });
}

/** Rows without a finite output, with their inputs for the first 1000. */
async function tellFailures(
  design: DesignPlan,
  plan: AnalysisPlan,
  y: Float64Array,
  outputs: number,
  seed: number,
  backend: Backend,
): Promise<readonly { readonly index: number; readonly input: Float64Array; readonly reason: string }[]> {
  const failures: { index: number; input: Float64Array; reason: string }[] = [];
  const rows = y.length / outputs;
  for (let row = 0; row < rows; row++) {
    for (let s = 0; s < outputs; s++) {
      const value = y[row * outputs + s]!;
      if (Number.isFinite(value)) continue;
      failures.push({ index: row, input: new Float64Array(0), reason: `returned ${value}` });
      break;
    }
  }
  if (failures.length === 0) return failures;
  const tile = designTile(design, design.points.perReplicate, rngFromSeed(seed), backend);
  const { rows: width } = design.layout;
  const d = design.space.dimension;
  try {
    for (const failure of failures.slice(0, KEPT_FAILURES)) {
      const point = Math.floor(failure.index / width);
      const replicate = Math.floor(point / design.points.perReplicate);
      const x = await tile.fill(replicate, point - replicate * design.points.perReplicate, 1);
      const at = (failure.index % width) * d;
      failure.input = x.slice(at, at + d);
    }
  } finally {
    tile.release();
  }
  const points = new Set(failures.map(({ index }) => Math.floor(index / width)));
  if (plan.missing === 'error' || (plan.missing === 'drop-row' && design.points.total - points.size < 2)) {
    const listed = failures.slice(0, KEPT_FAILURES);
    throw modelFailure(design.where, design.space.names, listed, failures.length, rows);
  }
  return failures;
}

function analyse(
  design: DesignPlan,
  plan: AnalysisPlan,
  store: Store,
  outputs: readonly string[],
  failures: readonly PointFailure[],
  dropped: number,
  seed: number,
  backend: Backend,
): Promise<SobolResult> {
  const { replicates, perReplicate, total } = design.points;
  const quantities = quantitiesOf(design.layout, design.estimator);
  const rows = total * design.layout.rows;
  const segments = Array.from({ length: replicates }, (_, r) => ({
    from: r * perReplicate,
    n: perReplicate,
  }));
  const provenance = { seed, version: VERSION, ...onProcessor(backend), notes: [] };
  return resultOf(
    {
      design,
      analysis: {
        backend,
        rng: rngFromSeed(seed),
        plan,
        quantities,
        short: quantitiesOf(design.layout, design.estimator, true),
        centreWords: centreProgram(design.layout),
        cache: new Map(),
      },
      store,
      ready: { segments, complete: replicates, dropped, independent: design.design !== 'sobol' },
      filled: segments.map(({ n }) => n),
      outputs,
      failures: failures.slice(0, KEPT_FAILURES),
      failed: failures.length,
      info: { ess: total - dropped, evaluations: rows, done: rows, total: rows },
      place: { card: undefined, notes: ['the model ran elsewhere'] },
      until: undefined,
    },
    { outcome: { kind: 'converged' }, provenance },
  );
}
