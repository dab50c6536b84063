import { expect, test } from 'vitest';
import { discreteUniform } from '../../engine/distribution/discrete-uniform.ts';
import { inputSpace } from '../../engine/distribution/inputs.ts';
import { normal } from '../../engine/distribution/normal.ts';
import { pareto } from '../../engine/distribution/pareto.ts';
import { uniform } from '../../engine/distribution/uniform.ts';
import { roundedInputs, roundedOutputs } from '../../engine/model/single-precision.ts';

const card = { card: { adapter: 'some card' }, notes: [] };

test('inputs of which float32 has a coarse grid are told on a card, the worst by name, and not on the host', () => {
  const inputs = { near: uniform(0, 1), day: normal(1e8, 1), load: uniform(1e6, 1e6 + 1) };
  const space = inputSpace('test', inputs);
  const warning = roundedInputs(card, space);
  expect(warning).toMatchObject({ code: 'float32-rounding', value: 1e-8 });
  expect(warning?.message).toContain(
    'Input day (and 1 other) varies by only 1 about 100000000, where float32 on the GPU resolves 6.',
  );
  expect(warning!.message.length).toBeLessThanOrEqual(240);
  expect(roundedInputs({ card: undefined, notes: [] }, space)).toBeUndefined();
});

test('inputs that float32 resolves are not told: wide ones, exact integers, laws without a mean', () => {
  const inputs = {
    a: normal(1e4, 1),
    b: discreteUniform(1e6, 1e6 + 3),
    c: pareto(1, 0.5),
    d: normal(0, 1e-9),
  };
  expect(roundedInputs(card, inputSpace('test', inputs))).toBeUndefined();
});

test('outputs that float32 does not resolve are told, even those it has rounded to one number', () => {
  const outputs = [
    { name: 'p', mean: 3, variance: 1 },
    { name: 'q', mean: -1e8, variance: 0 },
  ];
  expect(roundedOutputs(card, outputs, 'take care')?.message).toBe(
    "Output q varies by only 0 about -100000000, where float32 on the GPU resolves 6: take care. Subtract a constant in the model, or use backend: 'wasm'.",
  );
  expect(roundedOutputs(card, outputs.slice(0, 1), 'take care')).toBeUndefined();
  expect(roundedOutputs({ card: undefined, notes: [] }, outputs, 'take care')).toBeUndefined();
});
