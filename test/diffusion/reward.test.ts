import { expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { type OpenReward, openReward } from '../../engine/diffusion/open-reward.ts';
import { linearReward, quadraticReward, type RewardLike } from '../../engine/diffusion/reward.ts';
import { OptionError, ValueError } from '../../engine/errors.ts';
import { pointwise } from '../../engine/model/model.ts';

const MATRIX = [
  [1.5, 0.4],
  [0.4, 0.7],
];
const POINTS = [0.3, -1.2, 2, 0.5, -4, 1];

function open(reward: RewardLike, dimension = 2): Promise<OpenReward> {
  const { signal } = new AbortController();
  return openReward({ where: 'test', reward, dimension, planned: 10, backend: jsBackend(), signal });
}

async function evaluated(
  reward: RewardLike,
): Promise<{ open: OpenReward; out: Float64Array; gradient: Float64Array }> {
  const opened = await open(reward);
  const [out, gradient] = [new Float64Array(3), new Float64Array(6)];
  await opened.evaluate(Float64Array.from(POINTS), 3, out, gradient);
  return { open: opened, out, gradient };
}

test('linearReward(): c . x and its gradient', async () => {
  const { open: opened, out, gradient } = await evaluated(linearReward([1, -0.8]));
  expect([...out]).toEqual([0.3 + 0.8 * 1.2, 2 - 0.8 * 0.5, -4 - 0.8]);
  expect([...gradient]).toEqual([1, -0.8, 1, -0.8, 1, -0.8]);
  expect(opened.differences).toBe(false);
  expect(opened.evaluations).toBe(3);
});

test("quadraticReward(): -(x - m)'A(x - m)/2, and differences give its gradient at 2 d + 1 evaluations a row", async () => {
  const center = [0.8, -0.3];
  const exact = await evaluated(quadraticReward(center, MATRIX));
  const direct = (x: number, y: number): number => {
    const [u, v] = [x - center[0]!, y - center[1]!];
    return -(1.5 * u * u + 0.8 * u * v + 0.7 * v * v) / 2;
  };
  const plain = await evaluated(pointwise((x) => direct(x[0]!, x[1]!)));
  expect(plain.open.differences).toBe(true);
  expect(plain.open.evaluations).toBe(3 * 5);
  for (let i = 0; i < 3; i++) expect(exact.out[i]).toBeCloseTo(plain.out[i]!, 12);
  for (let at = 0; at < 6; at++) expect(exact.gradient[at]).toBeCloseTo(plain.gradient[at]!, 8);
});

test('a reward may be -Infinity, where its gradient counts as 0; NaN names the point', async () => {
  const cut: RewardLike = {
    value(x, out) {
      for (let i = 0; i < out.length; i++) out[i] = x[2 * i]! < 0 ? -Infinity : x[2 * i + 1]!;
    },
    gradient(x, out, gradient) {
      for (let i = 0; i < out.length; i++) {
        out[i] = x[2 * i]! < 0 ? -Infinity : x[2 * i + 1]!;
        gradient.set(x[2 * i]! < 0 ? [Number.NaN, Number.NaN] : [0, 1], 2 * i);
      }
    },
  };
  const { out, gradient } = await evaluated(cut);
  expect([...out]).toEqual([-1.2, 0.5, -Infinity]);
  expect([...gradient]).toEqual([0, 1, 0, 1, 0, 0]);
  const failing = evaluated({ value: (_, own) => void own.fill(1).fill(Number.NaN, 1, 2) });
  await expect(failing).rejects.toBeInstanceOf(ValueError);
  await expect(failing).rejects.toMatchObject({ index: 1, point: Float64Array.of(2, 0.5) });
});

test('what is no reward is refused, and so are bad numbers', async () => {
  await expect(open(3 as unknown as RewardLike)).rejects.toBeInstanceOf(OptionError);
  await expect(open(undefined as unknown as RewardLike)).rejects.toBeInstanceOf(OptionError);
  expect(() => linearReward([])).toThrow(OptionError);
  expect(() => linearReward([1, Number.NaN])).toThrow(OptionError);
  expect(() => quadraticReward([0], MATRIX)).toThrow(OptionError);
  expect(() =>
    quadraticReward(
      [0, 0],
      [
        [1, 2],
        [3, 1],
      ],
    ),
  ).toThrow(OptionError);
  await expect(evaluated(linearReward([1, 2, 3]))).rejects.toBeInstanceOf(OptionError);
});
