import { checkOneOf, show } from '../../../engine/check.ts';
import { toInputs } from '../../../engine/distribution/normal-space.ts';
import { type PointFailure, ValueError } from '../../../engine/errors.ts';
import { type Evaluator, openEvaluator } from '../../../engine/model/evaluator.ts';
import { scoreOf } from '../../../engine/model/event.ts';
import { modelFailure, NUMBER_INSTEAD, pointText } from '../../../engine/model/missing.ts';
import type { Context } from '../../../engine/sampler.ts';
import { normalQuantile } from '../../../engine/wasm/twins/normal.ts';
import type { Evaluated, Integrands } from './integrands.ts';
import { lawsAt } from './laws-at.ts';
import { checkExpectationCount, type ExpectationsPlan } from './plan.ts';
import { meansWanted, type Wanted } from './wanted.ts';

/*
 * The user's model and laws as functions on the working space.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | x | inputs | [n, d] |
 * | z, x = T_0(z) | points of the space of normals | [n, d] |
 *
 * In the space of inputs z = x. Where no law has mass the model is not run.
 */

/** What a saved run knows of its evaluator. */
export interface SavedProblem {
  readonly evaluations: number;
  readonly adapter: string | undefined;
  /** Names of the outputs; empty when the model had not told them. */
  readonly outputs: readonly string[];
}

/**
 * Open the user's problem. Means of outputs that nobody named cost one evaluation, at the medians, to learn of them.
 * @throws OptionError for a model that is none, or weights of another length than the outputs call for; ModelError when
 * the model fails at that one point.
 */
export async function openProblem(
  plan: ExpectationsPlan,
  ctx: Context,
  saved?: SavedProblem,
): Promise<Integrands> {
  const { where, model, space, points: planned } = plan;
  const { backend, signal } = ctx;
  const told = saved !== undefined && saved.outputs.length > 0 ? saved.outputs : plan.outputs;
  const known = told === undefined ? {} : { outputs: told };
  const evaluator = await openEvaluator(
    { where, model, names: space.names, ...known, planned, backend, signal },
    saved?.evaluations,
    saved?.adapter,
  );
  try {
    const wanted = plan.wanted ?? meansWanted(await learnOutputs(plan, evaluator, ctx), plan.laws.names);
    checkExpectationCount(plan, wanted.length);
    return integrandsOf(plan, wanted, evaluator, ctx);
  } catch (error) {
    evaluator.dispose();
    throw error;
  }
}

/** Names of the outputs, by asking the model at the medians where it has not told them. */
async function learnOutputs(
  plan: ExpectationsPlan,
  evaluator: Evaluator,
  { backend }: Context,
): Promise<readonly string[]> {
  if (evaluator.outputs.length > 0) return evaluator.outputs;
  const { where, space } = plan;
  const arena = backend.arena();
  try {
    const x = arena.f64(space.dimension).fill(0.5);
    space.transport(x, x, 1);
    const { failures } = await evaluator.evaluate(x, 1);
    if (failures.length > 0) throw modelFailure(where, space.names, failures, 1, 1, NUMBER_INSTEAD);
    return evaluator.outputs;
  } finally {
    arena.release();
  }
}

function integrandsOf(
  plan: ExpectationsPlan,
  wanted: readonly Wanted[],
  evaluator: Evaluator,
  { backend }: Context,
): Integrands {
  const { where, space, normals, laws } = plan;
  const { dimension } = space;
  const { family } = laws;
  const L = laws.names.length;
  const lawOf = Uint32Array.from(wanted, ({ law }) => law);
  const events = wanted.flatMap(({ of }, j) => (of.kind === 'event' ? [j] : []));
  const baseUsed = lawOf.includes(0);
  let fill: Fill | undefined;
  return {
    dimension,
    count: wanted.length,
    names: wanted.map(({ name }) => name),
    laws: L,
    lawOf,
    events,
    get outputs() {
      return evaluator.outputs;
    },
    place: evaluator.place,
    get evaluations() {
      return evaluator.evaluations;
    },
    transport(law, u, x) {
      if (!normals) laws.members[law]!.space.transport(u, x, u.length / dimension);
      else if (law > 0) family.toNormals(law, u, x);
      else for (let i = 0; i < u.length; i++) x[i] = normalQuantile(u[i]!);
    },
    async evaluate(z, n) {
      const inputs = new Float64Array(n * dimension);
      if (normals) toInputs(space, z, n, inputs);
      else inputs.set(z.subarray(0, n * dimension));
      const known = await lawsAt(backend, family, normals, baseUsed, { z, inputs, n, dimension });
      const rows = rowsWithMass(known.top);
      const arena = backend.arena();
      try {
        const { outputs, failures } = await modelAt(
          plan,
          evaluator,
          inputs,
          rows,
          arena.f64(rows.length * dimension),
        );
        if (rows.length > 0) fill ??= fillOf(where, space.names, wanted, evaluator.outputs, L);
        const phi = new Float64Array(n * wanted.length);
        const scores = new Float64Array(n * events.length);
        fill?.(
          { rows, inputs, outputs, law: known.law, first: evaluator.evaluations - rows.length },
          phi,
          scores.fill(-Infinity),
        );
        return { phi, scores, ...known, outputs, inputs, failures } satisfies Evaluated;
      } finally {
        arena.release();
      }
    },
    dispose: () => evaluator.dispose(),
  };
}

/** Rows at which some law has mass. */
function rowsWithMass(top: Float64Array): Uint32Array {
  return Uint32Array.from(top.keys()).filter((i) => top[i]! > -Infinity);
}

/** The model's outputs [n, k] at the given rows of the inputs [n, d], NaN at the others. */
async function modelAt(
  { where, space, missing }: ExpectationsPlan,
  evaluator: Evaluator,
  inputs: Float64Array,
  rows: Uint32Array,
  x: Float64Array,
): Promise<{ readonly outputs: Float64Array; readonly failures: readonly PointFailure[] }> {
  const { dimension: d, names } = space;
  const n = inputs.length / d;
  rows.forEach((row, i) => {
    for (let c = 0; c < d; c++) x[i * d + c] = inputs[row * d + c]!;
  });
  const before = evaluator.evaluations;
  const { y, failures } =
    rows.length === 0 ? { y: new Float64Array(0), failures: [] } : await evaluator.evaluate(x, rows.length);
  if (failures.length > 0 && missing === 'error')
    throw modelFailure(where, names, failures, failures.length, evaluator.evaluations, NUMBER_INSTEAD);
  const k = evaluator.outputs.length;
  const outputs = new Float64Array(n * k).fill(Number.NaN);
  rows.forEach((row, i) => {
    for (let c = 0; c < k; c++) outputs[row * k + c] = y[i * k + c]!;
  });
  for (const { index } of failures) {
    const row = rows[index - before]!;
    outputs.fill(missing as number, row * k, (row + 1) * k);
  }
  return { outputs, failures };
}

/** What is known of a batch of points before the functions are. */
interface Known {
  /** Rows at which the model was run. */
  readonly rows: Uint32Array;
  readonly inputs: Float64Array;
  readonly outputs: Float64Array;
  readonly law: Float64Array;
  /** Evaluations before the first of them. */
  readonly first: number;
}

type Fill = (known: Known, phi: Float64Array, scores: Float64Array) => void;

/** One function and the expectations that share it. */
interface Shared {
  readonly at: (outputs: Float64Array, inputs: Float64Array) => number;
  /** Whether `at` is a score, and phi whether it is above 0. */
  readonly event: boolean;
  readonly users: { readonly j: number; readonly law: number; readonly e: number }[];
}

/** Fills phi [n, J] and scores [n, E]: each distinct function once a point, 0 where its law has no mass. */
function fillOf(
  where: string,
  names: readonly string[],
  wanted: readonly Wanted[],
  outputs: readonly string[],
  L: number,
): Fill {
  const J = wanted.length;
  const d = names.length;
  const k = outputs.length;
  const groups = shareFunctions(where, wanted, outputs);
  const E = wanted.filter(({ of }) => of.kind === 'event').length;
  const [y, x] = [new Float64Array(k), new Float64Array(d)];
  return ({ rows, inputs, outputs: all, law: laws, first }, phi, scores) => {
    for (let r = 0; r < rows.length; r++) {
      const i = rows[r]!;
      for (let c = 0; c < k; c++) y[c] = all[i * k + c]!;
      for (let c = 0; c < d; c++) x[c] = inputs[i * d + c]!;
      for (const { at, event, users } of groups) {
        let value = Number.NaN;
        for (const { j, law, e } of users) {
          if (laws[i * L + law] === 0) continue;
          if (Number.isNaN(value)) value = at(y, x);
          if (!Number.isFinite(value)) throw notFinite(where, wanted[j]!.name, value, names, x, first + r);
          phi[i * J + j] = event ? (value > 0 ? 1 : 0) : value;
          if (event) scores[i * E + e] = value;
        }
      }
    }
  };
}

/** Expectations of one output, event or function under several laws ask for it once. */
function shareFunctions(
  where: string,
  wanted: readonly Wanted[],
  outputs: readonly string[],
): readonly Shared[] {
  const groups = new Map<unknown, Shared>();
  let events = 0;
  wanted.forEach(({ name, law, of }, j) => {
    const column = (output: string | undefined, option: string): number =>
      output === undefined
        ? 0
        : outputs.indexOf(checkOneOf(where, `expectations.${name}.${option}`, output, outputs));
    let [key, at]: [unknown, Shared['at']] = [undefined, () => Number.NaN];
    if (of.kind === 'function') [key, at] = [of.of, of.of];
    else if (of.kind === 'output') {
      const c = column(of.output, 'of');
      [key, at] = [c, (y) => y[c]!];
    } else {
      const c = column(of.event.output, 'event.output');
      const score = scoreOf(of.event);
      [key, at] = [`${c} ${of.event.above} ${of.event.below}`, (y) => score(y[c]!)];
    }
    const event = of.kind === 'event';
    const group: Shared = groups.get(key) ?? { at, event, users: [] };
    group.users.push({ j, law, e: event ? events++ : -1 });
    groups.set(key, group);
  });
  return [...groups.values()];
}

function notFinite(
  where: string,
  name: string,
  value: unknown,
  names: readonly string[],
  x: Float64Array,
  index: number,
): ValueError {
  const point = x.slice();
  return new ValueError({
    where,
    found: `expectation \`${name}\` is ${show(value)} at point ${index}, ${pointText(names, point)}`,
    expected: 'a finite number',
    fix: 'See error.point.',
    point,
    index,
  });
}
