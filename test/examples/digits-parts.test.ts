import { inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { frechet, frechetOfChance, momentsOf, REAL } from '../../examples/digits/frechet.ts';
import { pictureGrid } from '../../examples/digits/grid.ts';
import { png } from '../../examples/digits/png.ts';

const features = Float64Array.from({ length: 200 * 64 }, (_, i) => Math.sin(i * i) + (i % 64) / 64);

describe('the Frechet distance', () => {
  test('is 0 to the own moments, and |shift|^2 + (s - 1)^2 tr C to those of the features shifted and s times as wide', () => {
    const { mean, covariance } = momentsOf(features);
    expect(frechet(features, { mean, covariance })).toBeCloseTo(0, 8);
    const law = { mean: mean.map((m) => m + 0.5), covariance: covariance.clone().mul(9) };
    expect(frechet(features, law)).toBeCloseTo(64 * 0.25 + 4 * covariance.trace(), 8);
  });

  test('of draws of the very law falls like 1 / n', () => {
    const [few, many] = [frechetOfChance(100, 4), frechetOfChance(400, 4)];
    expect(few / many).toBeGreaterThan(3);
    expect(few / many).toBeLessThan(5);
  });

  test('moments with equal weights are those without, and rows of weight 0 are not there', () => {
    const half = features.subarray(0, 100 * 64);
    const weight = Float64Array.from({ length: 200 }, (_, i) => (i < 100 ? 0.01 : 0));
    const [found, expected] = [momentsOf(features, weight), momentsOf(half)];
    found.mean.forEach((m, c) => void expect(m).toBeCloseTo(expected.mean[c]!, 12));
    expect(found.covariance.clone().sub(expected.covariance).norm()).toBeLessThan(1e-12);
    expect(REAL.mean).toHaveLength(64);
  });
});

test('a grid has ink black on white, its pictures in reading order with white between them', () => {
  const points = new Float64Array(3 * 784).fill(-1);
  points[784] = 1;
  points[2 * 784 + 29] = 0;
  const { width, height, grey } = pictureGrid(points, 2);
  expect([width, height]).toEqual([58, 58]);
  expect(grey[30]).toBe(0);
  expect(grey[31 * width + 1]).toBe(128);
  expect(grey.filter((shade) => shade < 255)).toHaveLength(2);
});

test.each([16, 256] as const)('a PNG of %i shades holds the picture', (shades) => {
  const picture = { width: 3, height: 2, grey: Uint8Array.of(0, 17, 255, 34, 136, 51) };
  const bytes = Buffer.from(png(picture, shades));
  expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20), bytes[24]]).toEqual([3, 2, shades === 16 ? 4 : 8]);
  const rows = [...inflateSync(bytes.subarray(41, 41 + bytes.readUInt32BE(33)))];
  expect(rows).toEqual(shades === 16 ? [0, 0x01, 0xf0, 0, 0x28, 0x30] : [0, 0, 17, 255, 0, 34, 136, 51]);
  // The checksum of the end, which has no bytes.
  expect(bytes.subarray(-4).toString('hex')).toBe('ae426082');
});
