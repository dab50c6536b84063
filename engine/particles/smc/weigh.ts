import type { KernelCall } from '../../backend/backend.ts';
import { ValueError } from '../../errors.ts';
import { essOf, logMeanOf, type WeightSummary } from '../log-weight.ts';
import type { FieldSpecs } from '../particles.ts';
import type { ModelKernels } from './feynman-kac.ts';
import { inBlocks, type Loop, particleAt, type Run } from './run.ts';

/** One step of one run from its parents on: particles, potentials, weights, evidence. */
export async function moveAndWeigh<F extends FieldSpecs>(
  loop: Loop<F>,
  run: Run<F>,
  t: number,
): Promise<void> {
  const { model, view, state } = run;
  if (state.finished) {
    keep(loop, run);
    return;
  }
  if (view.normals.length > 0) await loop.noise(t, view, view.normals);
  if (run.kernels !== undefined) await inOneGo(loop, run, t, run.kernels);
  else {
    // Runs of few particles spend most of their time waiting for what is done already.
    const moving = inBlocks(loop, run, (lo, hi) =>
      t === 0 ? model.init(view, lo, hi) : model.mutate(t, view, lo, hi),
    );
    if (moving !== undefined) await moving;
    if (model.aim !== undefined) await model.aim(t, view);
    await weighMoved(loop, run, t);
  }
  loop.evaluations += view.count;
  if (run.summary.sum > 0) book(run, logMeanOf(run.summary, view.count) - run.base);
  else await collapse(loop, run, t);
  if (state.collapsedAt === undefined && model.calibrate !== undefined) await model.calibrate(t, view);
  state.finished ||= model.done?.(t, view) ?? false;
}

/** Particles, potentials and weights by kernels alone. */
async function inOneGo<F extends FieldSpecs>(
  loop: Loop<F>,
  run: Run<F>,
  t: number,
  kernels: ModelKernels<F>,
): Promise<void> {
  const { view, increment } = run;
  const lent = view.backend.arena();
  try {
    const moves = t === 0 ? kernels.init(view, lent) : kernels.mutate(t, view, lent);
    const potentials = kernels.logPotential(t, view, increment, lent);
    run.summary = await weigh(loop, run, t, [...countingUp(run), ...moves, ...potentials]);
  } finally {
    lent.release();
  }
}

/** Potentials and weights of particles that have moved. */
async function weighMoved<F extends FieldSpecs>(loop: Loop<F>, run: Run<F>, t: number): Promise<void> {
  const { model, view, state, increment, potentials } = run;
  if (potentials === undefined) {
    const pending = inBlocks(loop, run, (lo, hi) => model.logPotential(t, view, increment, lo, hi));
    if (pending !== undefined) await pending;
    if (loop.options.nan === 'dead') state.nans += bury(increment);
    run.summary = await weigh(loop, run, t);
    return;
  }
  const lent = view.backend.arena();
  try {
    run.summary = await weigh(loop, run, t, potentials(t, view, increment, lent));
  } finally {
    lent.release();
  }
}

/** What makes every particle its own parent in `ancestor`, where it is and that does not say so yet. */
function countingUp<F extends FieldSpecs>(run: Run<F>): readonly KernelCall[] {
  const { view, state, ancestor } = run;
  if (run.identity || state.resampled) return [];
  run.identity = true;
  return [{ kernel: 'countUp', args: [ancestor, view.index * view.count], over: 'rows' }];
}

/** Add the increment of a step to the evidence. */
function book<F extends FieldSpecs>(run: Run<F>, increment: number): void {
  const { state, summary, view } = run;
  state.increment = increment;
  state.logNormalizer += increment;
  state.ess = essOf(summary);
  run.base = logMeanOf(summary, view.count);
}

/** No particle is left alive: the end, or, with a floor, a fresh start of the weights. */
async function collapse<F extends FieldSpecs>(loop: Loop<F>, run: Run<F>, t: number): Promise<void> {
  const { state, logWeight, resampler } = run;
  const { floor } = loop.options;
  if (floor !== undefined) {
    logWeight.fill(0);
    run.summary = await resampler.weigh(logWeight);
    state.floored++;
    book(run, floor);
    return;
  }
  book(run, -Infinity);
  resampler.weight.fill(0);
  state.collapsedAt = t;
  state.finished = true;
}

/** A run that is over stays as it is while the others go on. */
function keep<F extends FieldSpecs>(loop: Loop<F>, run: Run<F>): void {
  run.state.resampled = false;
  run.state.increment = 0;
  for (const name of Object.keys(loop.particles.fields)) run.view.field(name).set(run.view.parent(name));
}

/** NaN increments become those of the dead; returns how many there were. */
export function bury(increment: Float64Array): number {
  let nans = 0;
  for (let i = 0; i < increment.length; i++) {
    if (!Number.isNaN(increment[i]!)) continue;
    increment[i] = -Infinity;
    nans++;
  }
  return nans;
}

/** Take in the increments, which the kernels `before` have yet to make. */
async function weigh<F extends FieldSpecs>(
  loop: Loop<F>,
  run: Run<F>,
  t: number,
  before?: readonly KernelCall[],
): Promise<WeightSummary> {
  try {
    const { fresh } = run;
    run.fresh = false;
    // The dead stay dead: their state may be anything, and so may its potential.
    const { beside } = loop.options;
    const after = beside && ((): readonly KernelCall[] => beside(run.view, run.resampler.weight));
    const along = after === undefined ? before && { before } : { ...(before && { before }), after };
    return await run.resampler.reweigh(run.logWeight, run.increment, fresh, along);
  } catch (error) {
    if (!(error instanceof ValueError) || error.index === undefined) throw error;
    const index = error.index;
    const which = loop.runs.length === 1 ? '' : ` of run ${run.view.index}`;
    throw new ValueError({
      where: loop.options.where,
      found: `the log potential is ${run.logWeight[index]} at step ${t}, particle ${index}${which}`,
      expected: 'a finite number, or -Infinity for a particle that is impossible',
      fix: 'The particle is in `error.point`.',
      index,
      point: particleAt(run, index),
      cause: error,
    });
  }
}
