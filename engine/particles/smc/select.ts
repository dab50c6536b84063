import { ValueError } from '../../errors.ts';
import { ess, logSumOf, type WeightSummary } from '../log-weight.ts';
import type { FieldSpecs } from '../particles.ts';
import { inBlocks, type Loop, type Run } from './run.ts';

/** Ancestors of all runs, and the particles gathered by them; false when every particle is its own parent. */
export async function chooseParents<F extends FieldSpecs>(loop: Loop<F>, t: number): Promise<boolean> {
  let moved = false;
  for (const run of loop.runs) moved = (await resampleRun(loop, run, t)) || moved;
  if (moved) await loop.particles.select();
  for (const run of loop.runs) if (run.state.resampled) restartWeights(run);
  loop.particles.advance();
  return moved;
}

async function resampleRun<F extends FieldSpecs>(loop: Loop<F>, run: Run<F>, t: number): Promise<boolean> {
  const { view, state, resampler, ancestor, drawn } = run;
  const { select, mayResample } = loop.options;
  const n = view.count;
  const offset = view.index * n;
  state.resampled = false;
  const open = !state.finished && (mayResample?.(t) ?? true);
  const weights = open ? await lookAhead(loop, run, t - 1) : undefined;
  if (weights === undefined || !loop.trigger(weights.summary, weights.logWeight)) {
    // Kernels of the model take it along; other runs may be about to gather.
    const later = run.kernels !== undefined && loop.runs.length === 1 && !state.finished;
    if (run.identity || later) return false;
    await view.backend.dispatch('countUp', [ancestor, offset], n);
    run.identity = true;
    return false;
  }
  run.identity = false;
  if (select === undefined) await resampler.draw({ key: view.rng.key, step: t }, drawn);
  else await select(t, view, ancestor, weights.logWeight);
  if (select === undefined && drawn.length < n)
    for (let i = 0; i < n; i += drawn.length) ancestor.set(drawn, i);
  if (offset > 0) for (let i = 0; i < n; i++) ancestor[i] = offset + ancestor[i]!;
  state.resampled = true;
  state.resamplings++;
  return true;
}

/** The weights to resample by: with log eta where the model looks ahead. */
async function lookAhead<F extends FieldSpecs>(
  loop: Loop<F>,
  run: Run<F>,
  t: number,
): Promise<{ readonly summary: WeightSummary; readonly logWeight: Float64Array }> {
  const { lookahead, model, logWeight, resampler } = run;
  if (lookahead === undefined) return { summary: run.summary, logWeight };
  const { logEta } = lookahead;
  await inBlocks(loop, run, (lo, hi) => model.logLookahead!(t, run.view, logEta, lo, hi));
  for (let i = 0; i < logEta.length; i++) {
    // The state of a dead particle may be anything, and so may the guess about it.
    const dead = logWeight[i] === -Infinity;
    if (!dead && !Number.isFinite(logEta[i]!)) throw badLookahead(loop.options.where, t, i, logEta[i]!);
    lookahead.logWeight[i] = dead ? -Infinity : logWeight[i]! + logEta[i]!;
  }
  const summary = await resampler.weigh(lookahead.logWeight);
  lookahead.logMean = logSumOf(summary) - logSumOf(run.summary);
  return { summary, logWeight: lookahead.logWeight };
}

/** Weights after a resampling: equal, but for giving back what the lookahead took. */
function restartWeights<F extends FieldSpecs>(run: Run<F>): void {
  const { lookahead, logWeight, ancestor, view, state } = run;
  run.base = 0;
  if (lookahead === undefined) {
    // What `aim` is shown must be there; else the next weighing sees to it in passing.
    if (run.model.aim === undefined) run.fresh = true;
    else logWeight.fill(0);
    state.ess = view.count;
    return;
  }
  const offset = view.index * view.count;
  const { logEta, logMean } = lookahead;
  for (let i = 0; i < logWeight.length; i++) logWeight[i] = logMean - logEta[ancestor[i]! - offset]!;
  if (run.model.aim !== undefined) state.ess = ess(logWeight);
}

function badLookahead(where: string, t: number, index: number, value: number): ValueError {
  return new ValueError({
    where,
    found: `logLookahead is ${value} at step ${t}, particle ${index}`,
    expected: 'a finite number wherever the particle is alive',
    fix: 'An ancestor that it rules out would be missing from the answer.',
    index,
  });
}
