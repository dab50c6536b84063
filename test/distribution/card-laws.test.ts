import { expect, test } from 'vitest';
import { LAW_SIZE } from '../../engine/backend/wgsl/quantile.ts';
import { beta } from '../../engine/distribution/beta.ts';
import { cardLaws } from '../../engine/distribution/card-laws.ts';
import { normal } from '../../engine/distribution/normal.ts';
import { poisson } from '../../engine/distribution/poisson.ts';
import { truncated } from '../../engine/distribution/truncated.ts';
import { uniform } from '../../engine/distribution/uniform.ts';

test('cardLaws(): one row of finite float32 numbers a law', () => {
  const table = cardLaws([uniform(0, 1), truncated(normal(0, 1), -1, 2)]);
  expect(table).toHaveLength(2 * LAW_SIZE);
  expect(table!.every(Number.isFinite)).toBe(true);
});

test('cardLaws(): nothing when one of the laws has no form on a card', () => {
  for (const law of [
    beta(2, 3),
    poisson(4),
    normal(1e39, 1e38),
    normal(0, 1e-40),
    truncated(truncated(normal(0, 1), -3), -2),
    truncated(poisson(4), 1),
  ]) {
    expect(cardLaws([uniform(0, 1), law]), law.describe()).toBeUndefined();
  }
});

test('cardLaws(): nothing for a truncation that float32 probabilities cannot resolve', () => {
  expect(cardLaws([truncated(normal(0, 1), 1, 1.05)])).toBeUndefined();
  expect(cardLaws([truncated(normal(0, 1), 1, 1.5)])).toBeDefined();
  expect(cardLaws([truncated(normal(0, 1), 14)])).toBeUndefined();
  expect(cardLaws([truncated(normal(0, 1), 8)])).toBeDefined();
});

test('cardLaws(): a law made elsewhere is told by what it does, not by its name', () => {
  const ours = normal(0, 1);
  expect(cardLaws([{ ...ours, quantile: (p) => 2 * ours.quantile(p) }])).toBeUndefined();
  expect(cardLaws([{ ...ours, parameters: { mu: 0 } }])).toBeUndefined();
  expect(cardLaws([{ ...ours }])).toBeDefined();
});
