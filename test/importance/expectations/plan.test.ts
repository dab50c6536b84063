import { expect, test } from 'vitest';
import { gaussianCopula } from '../../../engine/distribution/gaussian-copula.ts';
import type { Law } from '../../../engine/distribution/law.ts';
import { logNormal } from '../../../engine/distribution/log-normal.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { poisson } from '../../../engine/distribution/poisson.ts';
import { uniform } from '../../../engine/distribution/uniform.ts';
import { OptionError } from '../../../engine/errors.ts';
import { named } from '../../../engine/model/model.ts';
import { checkExpectationCount, checkPlan } from '../../../estimators/importance/expectations/plan.ts';
import type { ExpectationsOptions } from '../../../estimators/importance/expectations/types.ts';

const model = named(({ a, b }) => [a! + b!, a! * b!]);
const inputs = { a: normal(0, 1), b: uniform(0, 1) };
const base = { model, inputs, outputs: ['sum', 'product'] } satisfies ExpectationsOptions;
const plan = (options: Partial<ExpectationsOptions> = {}) =>
  checkPlan('expectations', { ...base, ...options });

/** A law made elsewhere that cannot tell its density. */
const bare = {
  quantile: (p: number) => p,
  describe: () => 'bare',
  parameters: {},
  support: [0, 1],
} as unknown as Law;

test('checkPlan(): events get ten stages to climb, where a stage has ten points for each of d + 2', () => {
  const expectations = { rare: { event: { above: 9 } } };
  expect(plan({ expectations })).toMatchObject({ stages: 10, perStage: 819 });
  expect(plan({ expectations, points: 200 })).toMatchObject({ stages: 5, perStage: 20 });
  expect(plan({ expectations, stages: 3 })).toMatchObject({ stages: 3 });
});

test('checkPlan(): defaults are those that measured best, and preset: published those of the paper', () => {
  expect(plan()).toMatchObject({
    points: 16_384,
    stages: 5,
    perStage: 1638,
    proposal: 'normal',
    normals: true,
    floor: 0.05,
    defensive: 0.1,
    controls: 'own',
    design: 'sobol',
    replicates: 8,
    keep: 'best',
    weights: 'relative',
    published: false,
  });
  const published = plan({ preset: 'published', floor: 0.02, points: 20_000 });
  expect(published).toMatchObject({
    perStage: 2000,
    normals: false,
    defensive: 0,
    design: 'iid',
    replicates: 1,
    allocation: 'drawn',
    keep: 'newest',
    weights: 'equal',
    published: true,
  });
  // What is given beside the preset wins; what is given as undefined does not.
  expect(published.floor).toBe(0.02);
  expect(plan({ preset: 'published', design: undefined as never }).design).toBe('iid');
});

test('checkPlan(): the expectations are by default the means of all outputs under all laws', () => {
  const { wanted, laws } = plan({ laws: { wide: { inputs: { a: normal(0, 2) } } } });
  expect(wanted!.map(({ name, law }) => [name, law])).toEqual([
    ['sum', 0],
    ['product', 0],
    ['sum under wide', 1],
    ['product under wide', 1],
  ]);
  expect(laws.names).toEqual(['', 'wide']);
});

test('checkPlan(): a law of no expectation is left out, and costs nothing', () => {
  const laws = { wide: { inputs: { a: normal(0, 2) } }, shifted: { inputs: { a: normal(1, 1) } } };
  const found = plan({ laws, expectations: { m: { under: 'shifted' } } });
  expect(found.laws.names).toEqual(['', 'shifted']);
  expect(found.wanted![0]!.law).toBe(1);
});

test('checkPlan(): J = 1, more expectations than points of a stage, and as few points as the stages bear, are taken', () => {
  expect(plan({ expectations: { m: {} } }).wanted).toHaveLength(1);
  const many = Object.fromEntries(Array.from({ length: 150 }, (_, j) => [`m${j}`, { of: 'sum' }]));
  expect(plan({ points: 1000, expectations: many }).wanted).toHaveLength(150);
  expect(plan({ points: 40 })).toMatchObject({ perStage: 4, replicates: 8 });
  expect(plan({ points: 1019 }).perStage).toBe(101);
  expect(plan({ weights: [1, 2] }).weights).toEqual(Float64Array.of(1, 2));
});

const refused: Readonly<Record<string, [Partial<ExpectationsOptions>, RegExp]>> = {
  'a misspelt option': [{ replicate: 4 } as never, /no option `replicate`.*Did you mean replicates/],
  'no inputs': [{ inputs: {} }, /no entries/],
  'an input that is no law': [{ inputs: { a: 3 as never } }, /`a` is 3/],
  'outputs with one name twice': [{ outputs: ['y', 'y'] }, /each once/],
  'an unknown output': [
    { expectations: { m: { of: 'prodcut' } } },
    /expectations\.m\.of.*Did you mean product/,
  ],
  'an event about no output': [
    { expectations: { p: { event: { output: 'summ', above: 1 } } } },
    /expectations\.p\.event\.output.*Did you mean sum/,
  ],
  'an event without bounds': [
    { expectations: { p: { event: {} } } },
    /expectations\.p\.event.*above: number/,
  ],
  'an event with its bounds crossed': [{ expectations: { p: { event: { above: 2, below: 1 } } } }, /above 2/],
  'an event and a function at once': [
    { expectations: { p: { of: 'sum', event: { above: 1 } } } },
    /has `of` and `event`/,
  ],
  'an expectation of a number': [{ expectations: { p: { of: 3 as never } } }, /expectations\.p\.of` is 3/],
  'a misspelt word in an expectation': [
    { expectations: { p: { undr: 'x' } as never } },
    /Did you mean under/,
  ],
  'no expectations': [{ expectations: {} }, /has no entries/],
  'expectations as a list': [{ expectations: [] as never }, /an array of 0/],
  'a law that is not there': [{ expectations: { m: { under: 'wide' } } }, /no `laws`/],
  'a misspelt law': [
    { laws: { wide: { inputs: { a: normal(0, 2) } } }, expectations: { m: { under: 'wied' } } },
    /Did you mean wide/,
  ],
  'a law of an input that is not there': [
    { laws: { wide: { inputs: { c: normal(0, 2) } } } },
    /laws\.wide\.inputs.*one of a, b/,
  ],
  'a law that says nothing': [{ laws: { wide: {} } }, /law `wide` is the law of `inputs`/],
  'a misspelt word in a law': [{ laws: { wide: { input: {} } as never } }, /Did you mean inputs/],
  'a law with no density': [
    { laws: { bare: { inputs: { a: bare } } } },
    /laws\.bare\.inputs\.a.*without density/,
  ],
  'an input with no density where laws differ in it': [
    { inputs: { a: bare, b: uniform(0, 1) }, laws: { other: { inputs: { a: uniform(0, 1) } } } },
    /inputs\.a.*without density/,
  ],
  'an input with no density in the space of inputs': [
    { inputs: { a: bare, b: uniform(0, 1) }, space: 'inputs' },
    /inputs\.a.*without density/,
  ],
  'a law of values that inputs cannot have': [
    { laws: { wide: { inputs: { b: uniform(0, 2) } } } },
    /reaches 2.*Widen the law in `inputs`, or use space: 'inputs'/,
  ],
  'a discrete input in the space of inputs': [
    { inputs: { a: poisson(2), b: uniform(0, 1) }, space: 'inputs' },
    /inputs\.a.*discrete/,
  ],
  'a discrete input under the published preset': [
    { inputs: { a: poisson(2), b: uniform(0, 1) }, preset: 'published' },
    /discrete/,
  ],
  'a dependence of another size': [{ dependence: gaussianCopula([[1]]) }, /for 1 inputs/],
  'a dependence with no density beside another law': [
    {
      dependence: { dimension: 2, transport: () => {}, linked: () => true },
      laws: { wide: { inputs: { a: normal(0, 2) } } },
    },
    /no density/,
  ],
  'weights of another length': [{ weights: [1, 2, 3] }, /3 entries; expected 2/],
  'a weight of 0': [{ weights: [1, 0] }, /weights\[1\]` is 0/],
  'a weight below 0': [{ weights: [-1, 1] }, /weights\[0\]` is -1/],
  'a weight that is NaN': [{ weights: [Number.NaN, 1] }, /is NaN/],
  'weights by an unknown rule': [{ weights: 'relativ' as never }, /Did you mean relative/],
  'a functional without value': [{ functionals: { r: {} as never } }, /functionals\.r\.value/],
  'a functional whose gradient is a number': [
    { functionals: { r: { value: () => 1, gradient: 3 as never } } },
    /functionals\.r\.gradient` is 3/,
  ],
  'a functional with the name of an expectation': [{ functionals: { sum: { value: () => 1 } } }, /"sum"/],
  'a sample spent on functionals that are not there': [{ optimize: 'functionals' }, /there are none/],
  'points that are no count': [{ points: 10.5 }, /points/],
  'N smaller than five stages': [
    { points: 30 },
    /`points` is 30, which leaves 3 for each of 5.*at least 4.*points: 40, or stages: 3/,
  ],
  'no stages': [{ stages: 0 }, /stages/],
  'more stages than points': [{ points: 1000, stages: 200 }, /leaves 2 for each of 200/],
  'an unknown proposal': [{ proposal: 'norml' as never }, /Did you mean normal/],
  'an unknown space': [{ space: 'uniforms' as never }, /space/],
  'a floor of 1': [{ floor: 1 }, /floor/],
  'a floor below 0': [{ floor: -0.1 }, /floor/],
  'a defensive share of 1.5': [{ defensive: 1.5 }, /defensive/],
  'a floor and a defensive share that leave nothing': [
    { floor: 0.5, defensive: 0.5 },
    /leaves nothing to adapt/,
  ],
  'unknown controls': [{ controls: 'some' as never }, /controls/],
  'more controls than points of a stage': [
    {
      points: 1000,
      controls: 'all',
      expectations: Object.fromEntries(Array.from({ length: 98 }, (_, j) => [`m${j}`, {}])),
    },
    /99 coefficients.*100 points/,
  ],
  'an unknown design': [{ design: 'lattice' as never }, /design/],
  'no replicates': [{ replicates: 0 }, /replicates/],
  'more replicates than final points bear': [{ points: 1000, replicates: 251 }, /replicates: 8/],
  'an unknown allocation': [{ allocation: 'share' as never }, /Did you mean shares/],
  'an unknown keep': [{ keep: 'bst' as never }, /Did you mean best/],
  'an unknown preset': [{ preset: 'publshed' as never }, /Did you mean published/],
  'level: 1': [{ level: 1 }, /level/],
  'rows to drop': [{ missing: 'drop-row' as never }, /would leave out points that the weights count on/],
  'an unknown policy': [{ missing: 'ignore' as never }, /missing/],
  'more points than memory': [{ points: 1e12 }, /GiB/],
};

for (const [what, [options, message]] of Object.entries(refused)) {
  test(`checkPlan(): ${what} is refused before any work`, () => {
    expect(() => plan(options)).toThrow(OptionError);
    expect(() => plan(options)).toThrow(message);
  });
}

test('gaussianCopula(): a correlation that is not positive definite is refused', () => {
  expect(() =>
    gaussianCopula([
      [1, 0.9, -0.9],
      [0.9, 1, 0.9],
      [-0.9, 0.9, 1],
    ]),
  ).toThrow(/positive definite/);
});

test('checkExpectationCount(): weights are counted once the model has told its outputs', () => {
  const open = checkPlan('expectations', { model, inputs, weights: [1, 2] });
  expect(open.wanted).toBeUndefined();
  expect(() => checkExpectationCount(open, 2)).not.toThrow();
  expect(() => checkExpectationCount(open, 3)).toThrow(/2 entries; expected 3/);
});

test('fingerprint: changes with whatever changes the numbers, and not with the level', () => {
  const print = (options: Partial<ExpectationsOptions> = {}) => plan(options).fingerprint;
  const changes: readonly Partial<ExpectationsOptions>[] = [
    { points: 1000 },
    { stages: 4 },
    { weights: 'equal' },
    { weights: [1, 2] },
    { design: 'iid' },
    { replicates: 4 },
    { floor: 0.01 },
    { missing: 0 },
    { inputs: { a: normal(0, 2), b: uniform(0, 1) } },
    { laws: { wide: { inputs: { a: normal(0, 2) } } } },
    { laws: { wide: { inputs: { a: logNormal(0, 1) } } } },
    { expectations: { p: { event: { above: 1 } } } },
    { expectations: { p: { event: { above: 2 } } } },
    { functionals: { r: { value: () => 1 } } },
    { preset: 'published' },
  ];
  const prints = [print(), ...changes.map(print)];
  expect(new Set(prints).size).toBe(prints.length);
  expect(print({ level: 0.9 })).toBe(print());
});
