import { expect, test } from 'vitest';
import { hostBackend } from '../../engine/backend/host.ts';
import { jsBackend } from '../../engine/backend/js.ts';
import { edmGrid, logSnrGrid } from '../../engine/diffusion/grids.ts';
import { rectifiedFlow, veLinear, vpLinear } from '../../engine/diffusion/schedules.ts';
import { ddim } from '../../engine/diffusion/solver/ddim.ts';
import { dpmSolverPlusPlus } from '../../engine/diffusion/solver/dpm-solver.ts';
import {
  type Integration,
  type IntegrationOptions,
  openIntegration,
} from '../../engine/diffusion/solver/driver.ts';
import { DETERMINISTIC_INTEGRATORS } from '../../engine/diffusion/solver/integrators.ts';
import type { Operation, Term } from '../../engine/diffusion/solver/program.ts';
import { uniPc } from '../../engine/diffusion/solver/uni-pc.ts';
import { OptionError, ShapeError } from '../../engine/errors.ts';
import { PURPOSE } from '../../engine/random/purpose.ts';
import { rngFromSeed } from '../../engine/random/rng.ts';
import reference from '../reference/integrators.json' with { type: 'json' };
import { mixtureStub, type ReferenceMixture } from '../support/diffusion.ts';

const SEED = 61;
const gmm = reference.problems[0]!.gmm as ReferenceMixture;
const vp = vpLinear();
const grid = logSnrGrid(vp, { steps: 8, start: 0.9, stop: 0.01 });
const START = [0.7, -0.3, -1.2, 0.4, 0.1, 1.5, -0.4, -1.1];
const solvers = Object.entries(DETERMINISTIC_INTEGRATORS);

function open(extra: Partial<IntegrationOptions> = {}, start = START): Integration {
  const run = openIntegration({
    where: 'test',
    integrator: ddim(),
    denoiser: mixtureStub(gmm, (extra.grids?.[0] ?? grid).schedule),
    grids: [grid],
    particles: start.length / 2,
    backend: jsBackend(),
    ...extra,
  });
  run.x().set(start);
  return run;
}

async function go(run: Integration, from = 0, to = run.steps): Promise<number[]> {
  const rng = rngFromSeed(SEED);
  for (let step = from; step < to; step++) await run.advance(step, rng);
  return Array.from(run.x());
}

function rows(x: readonly number[], which: readonly number[]): number[] {
  return which.flatMap((i) => [x[2 * i]!, x[2 * i + 1]!]);
}

test.each(solvers)('%s: resampling on the way is starting from the resampled points', async (_, make) => {
  const ancestor = [2, 0, 2, 3];
  const levels = [1, 3, 9, 30].map((largest) => edmGrid(veLinear(), { steps: 7, largest, toData: false }));
  for (const grids of [[grid], levels]) {
    const extra = { integrator: make(), grids };
    const group = grids.length === 1 ? undefined : new Uint32Array([3, 0, 1, 2]);
    const run = open({ ...extra, ...(group && { group }) });
    await go(run, 0, 4);
    await run.gather(Uint32Array.from(ancestor));
    const found = await go(run, 4);
    const gathered = group && Uint32Array.from(ancestor, (a) => group[a]!);
    const wanted = await go(open({ ...extra, ...(gathered && { group: gathered }) }, rows(START, ancestor)));
    expect(found).toEqual(wanted);
  }
});

test.each(solvers)(
  '%s: particles on several grids end where each would end alone, bit for bit',
  async (_, make) => {
    for (const toData of [true, false]) {
      const grids = [0.5, 2, 7].map((largest) => edmGrid(veLinear(), { steps: 6, largest, toData }));
      const group = new Uint32Array([1, 0, 2, 1]);
      const found = await go(open({ integrator: make(), grids, group }));
      const alone = await Promise.all(grids.map((each) => go(open({ integrator: make(), grids: [each] }))));
      group.forEach((g, i) => {
        expect(rows(found, [i])).toEqual(rows(alone[g]!, [i]));
      });
    }
  },
);

test.each(solvers)('%s: goes on from a snapshot as if never stopped', async (_, make) => {
  const run = open({ integrator: make() });
  await go(run, 0, 5);
  const saved = run.snapshot();
  const later = open({ integrator: make() }, [...START].reverse());
  later.restore(saved);
  expect(await go(later, 5)).toEqual(await go(run, 5));
});

test('advance(): nothing depends on the backend or on the other particles', async () => {
  const integrator = ddim({ eta: 1 });
  const wanted = await go(open({ integrator }));
  const host = await hostBackend({ threads: 1 });
  expect(await go(open({ integrator, backend: host }))).toEqual(wanted);
  expect((await go(open({ integrator }, [...START, 3, 3]))).slice(0, 8)).toEqual(wanted);
  // Bits do not depend on the backend, for one grid and for several.
  const levels = [1, 9].map((largest) => edmGrid(veLinear(), { steps: 7, largest }));
  for (const grids of [[grid], levels]) {
    const extra = {
      integrator: uniPc({ order: 3 }),
      grids,
      group: new Uint32Array(4).fill(grids.length - 1),
    };
    expect(await go(open({ ...extra, backend: host }))).toEqual(await go(open(extra)));
  }
  await host.dispose();
  const supplied = await go(open({ integrator, noise: (_step, _draw, out) => void out.fill(0) }));
  expect(supplied).not.toEqual(wanted);
});

test('bind(): the fields of somebody else hold all that a particle carries', async () => {
  const integrator = dpmSolverPlusPlus({ order: 3 });
  const run = open({ integrator });
  // Values come and go in three registers; the oldest is written before it is read.
  expect(Object.keys(run.fields)).toEqual(['x', 'value0', 'value1', 'value2']);
  let fields = Object.fromEntries(Object.keys(run.fields).map((name) => [name, new Float64Array(8)]));
  fields.x!.set(START);
  for (let step = 0; step < run.steps; step++) {
    fields = Object.fromEntries(Object.entries(fields).map(([name, array]) => [name, array.slice()]));
    run.bind(fields);
    await run.advance(step);
  }
  expect(Array.from(fields.x!)).toEqual(await go(open({ integrator })));
  expect(Object.keys(open({ integrator: ddim() }).fields)).toEqual(['x']);
  await expect(run.gather(new Uint32Array(4))).rejects.toThrow(/bound to the arrays of somebody else/);
  expect(() => run.bind({ x: new Float64Array(8) })).toThrow(/value0 is missing/);
});

test('advance(): each draw of a step has an address of its own', async () => {
  const draw = (register: number): Operation => ({
    ...{ kind: 'combine', into: 'state', register, values: [], noise: 0.5 },
    states: [{ register: 0, factor: 1 }],
  });
  const steps = [[], [draw(1), draw(0)], [{ ...draw(0), noise: 0, states: [{ register: 1, factor: 1 }] }]];
  const program = { grid, states: 2, values: 0, steps, evaluations: 0 };
  const run = open({ integrator: { ...ddim(), program: () => program } }, [0, 0, 0, 0]);
  // State 1 is written in one step and read in the next.
  expect(Object.keys(run.fields)).toEqual(['x', 'state1']);
  const rng = rngFromSeed(SEED);
  for (const [step, sub] of [
    [1, 1],
    [2, 0],
  ] as const) {
    if (step === 1) await run.advance(0, rng);
    await run.advance(step, rng);
    const wanted = [0, 1].flatMap((particle) => {
      const stream = rng.stream({ purpose: PURPOSE.diffusion, step: 1, particle, sub });
      return [0.5 * stream.normal(), 0.5 * stream.normal()];
    });
    expect(Array.from(run.x())).toEqual(wanted);
  }
});

test('fields: a register that one step leaves to the next is carried', () => {
  const combine = (into: 'state' | 'value', values: readonly Term[]): Operation => ({
    ...{ kind: 'combine', into, register: 0, values, noise: 0 },
    states: [{ register: 0, factor: 1 }],
  });
  const steps = [[combine('value', [])], [combine('state', [{ register: 0, factor: 1 }])]];
  const program = { grid, states: 1, values: 1, steps, evaluations: 0 };
  const run = open({ integrator: { ...ddim(), program: () => program } });
  expect(Object.keys(run.fields)).toEqual(['x', 'value0']);
});

test('fields: UniPC carries its newest values, not its work', () => {
  expect(Object.keys(open({ integrator: uniPc({ order: 2 }) }).fields)).toEqual([
    'x',
    'value0',
    'value1',
    'value2',
  ]);
  expect(Object.keys(open({ integrator: DETERMINISTIC_INTEGRATORS.heun!() }).fields)).toEqual(['x']);
});

test('openIntegration(): bad input is named before any work', async () => {
  const wrong =
    (extra: Partial<IntegrationOptions>): (() => Integration) =>
    () =>
      open(extra);
  expect(wrong({ particles: 0 })).toThrow(OptionError);
  expect(wrong({ grids: [] })).toThrow(/there is no grid/);
  expect(wrong({ grids: [grid], denoiser: mixtureStub(gmm, rectifiedFlow()) })).toThrow(/is of vp-linear/);
  const rising = { ...grid, points: [...grid.points].reverse() };
  expect(wrong({ grids: [rising] })).toThrow(
    /time 1 of .grids\[0\]. is .* after 0.01; expected strictly falling times/,
  );
  expect(wrong({ grids: [{ ...grid, points: grid.points.slice(0, 1) }] })).toThrow(/has 1 points/);
  expect(wrong({ group: new Uint32Array(3) })).toThrow(ShapeError);
  expect(wrong({ group: new Uint32Array([0, 0, 1, 0]) })).toThrow(
    /group\[2\] is 1; expected the index of a grid/,
  );
  const short = logSnrGrid(vp, { steps: 7 });
  expect(wrong({ grids: [grid, short] })).toThrow(/grids\[1\].*7 steps.*8 steps/);
  const [one, two] = [true, false].map((toData) => edmGrid(veLinear(), { steps: 7, toData }));
  expect(wrong({ grids: [one!, two!], integrator: DETERMINISTIC_INTEGRATORS.heun!() })).toThrow(
    /grids\[1\].*in step 6/,
  );
  const early: Operation = {
    ...{ kind: 'combine', into: 'state', register: 0, noise: 0 },
    states: [],
    values: [{ register: 0, factor: 1 }],
  };
  const program = { grid, states: 1, values: 1, steps: [[early]], evaluations: 0 };
  const reader = { ...ddim(), program: () => program };
  expect(wrong({ integrator: reader })).toThrow(/reads the register value0 before it has written it/);
  const noisy = open({ integrator: ddim({ eta: 1 }) });
  await expect(noisy.advance(0)).rejects.toThrow(/draws noise and there is no generator/);
  await expect(noisy.gather(new Uint32Array(3))).rejects.toThrow(ShapeError);
  expect(() => noisy.restore({})).toThrow(/x is missing/);
});
