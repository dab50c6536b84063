import type { Gpu } from '../../engine/backend/gpu/types.ts';
import { bindKernel, type GpuKernel } from '../../engine/index.ts';

/** Outputs of a kernel at points on the card, one point after the other. */
export async function onCard(
  gpu: Gpu,
  kernel: GpuKernel,
  points: readonly (readonly number[])[],
): Promise<Float32Array> {
  const arena = gpu.arena();
  const x = arena.f32(points.length * kernel.dims);
  const y = arena.f32(points.length * kernel.outputs);
  gpu.write(x, Float32Array.from(points.flat()));
  const bound = await bindKernel(gpu, kernel);
  try {
    bound.run(x, y, points.length);
    return await gpu.read(y);
  } finally {
    bound.release();
    arena.release();
  }
}

/** The same on the host in float64, at the points as float32 has them. */
export function onHost(kernel: GpuKernel, points: readonly (readonly number[])[]): number[] {
  return points.flatMap((point) => {
    const y = kernel.evaluate(Float64Array.from(point, Math.fround));
    return typeof y === 'number' ? [y] : Array.from(y);
  });
}

/** Largest |found - wanted| / max(1, |wanted|); infinite where only one of them is finite or infinities differ. */
export function worstDifference(found: ArrayLike<number>, wanted: readonly number[]): number {
  let worst = 0;
  wanted.forEach((value, i) => {
    const got = found[i]!;
    if (value === got) return;
    const both = Number.isFinite(value) && Number.isFinite(got);
    worst = Math.max(
      worst,
      both ? Math.abs(got - value) / Math.max(1, Math.abs(value)) : Number.POSITIVE_INFINITY,
    );
  });
  return worst;
}
