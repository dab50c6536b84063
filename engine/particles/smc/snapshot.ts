import { OptionError } from '../../errors.ts';
import type { SavedHistory } from '../history-state.ts';
import { ALL_DEAD } from '../log-weight.ts';
import type { FieldSpecs } from '../particles.ts';
import type { Loop } from './run.ts';
import type { SmcRunState } from './types.ts';

interface Header {
  readonly step: number;
  readonly evaluations: number;
  readonly runs: readonly { readonly state: SmcRunState; readonly base: number; readonly model: unknown }[];
  readonly history: unknown;
}

/** A loop between two steps as data. @throws OptionError when a step failed halfway. */
export function snapshotLoop<F extends FieldSpecs>(loop: Loop<F>): SavedHistory {
  const { step, evaluations, particles } = loop;
  if (loop.torn) throw halfway(loop.options.where, step + 1);
  const runs = loop.runs.map(({ state, base, model }) => ({
    state: { ...state },
    base,
    model: model.snapshot?.(),
  }));
  const { header: history, arrays } = loop.history.snapshot();
  const header: Header = { step, evaluations, runs, history };
  return { header, arrays: { ...particles.state(), ...arrays } };
}

/** Become the loop that was saved. Its bytes were checked by whoever stored them. */
export async function restoreLoop<F extends FieldSpecs>(loop: Loop<F>, saved: SavedHistory): Promise<void> {
  // Written by `snapshotLoop`.
  const header = saved.header as Header;
  loop.particles.restore(saved.arrays);
  loop.history.restore({ header: header.history, arrays: saved.arrays });
  loop.step = header.step;
  loop.evaluations = header.evaluations;
  for (const [index, run] of loop.runs.entries()) {
    const { state, base, model } = header.runs[index]!;
    Object.assign(run.state, state);
    run.base = base;
    run.identity = false;
    run.model.restore?.(model);
    run.summary = loop.step < 0 ? ALL_DEAD : await run.resampler.weigh(run.logWeight);
  }
}

function halfway(where: string, step: number): OptionError {
  return new OptionError({
    where,
    option: 'snapshot',
    value: step,
    found: `step ${step} failed halfway`,
    expected: 'a run between two steps',
    fix: 'Use an earlier snapshot.',
  });
}
