import { type Backend, type Gpu, kernelMoveShader, mixtureKernel, mixtureScoreShader } from 'ensample/engine';
import { planeMixture } from './functions.ts';
import { ADDRESS, close, D, goal, onHost, type Task, uniforms, upload } from './gpu-task.ts';

const COMPONENTS = 40;

/** A mixture in the plane and n points, for the host and as a kernel. */
function mixture(host: Backend, n: number) {
  const arena = host.arena();
  const points = uniforms(D * n, 20);
  const parameters = planeMixture(COMPONENTS);
  const { means, whiten, logConstant, components } = parameters;
  return {
    points,
    components,
    kernel: mixtureKernel(parameters, true),
    x: onHost(arena, points),
    parameters: [onHost(arena, means), onHost(arena, whiten), onHost(arena, logConstant)] as const,
    logDensity: arena.f64(n),
    score: arena.f64(D * n),
  };
}

export function scoreTask(gpu: Gpu, host: Backend, n: number): Task {
  const { x, parameters, components, logDensity, score, points, kernel } = mixture(host, n);
  const cards = gpu.arena();
  const buffers = {
    x: upload(gpu, points),
    constants: upload(gpu, kernel.constants),
    logDensity: cards.f32(n),
    score: cards.f32(D * n),
  };
  const shader = mixtureScoreShader(D);
  const name = `score of ${components} normal laws, d = ${D}`;
  return {
    name,
    unit: 'particle',
    items: n,
    bytes: 4 * (D + D + 1),
    ...goal(gpu),
    host: () => host.dispatch('mixtureScore', [x, D, ...parameters, components, logDensity, score], n),
    card: () => {
      gpu.run(shader, buffers, {}, n);
      return gpu.done();
    },
    compare: async () => {
      close(`${name}, log density`, await gpu.read(buffers.logDensity), logDensity, 1);
      close(`${name}, score`, await gpu.read(buffers.score), score, 10);
    },
  };
}

/** Score, noise and update in one pass. */
export function langevinTask(gpu: Gpu, host: Backend, n: number): Task {
  const stepSize = 0.1;
  const { x, parameters, components, logDensity, score, points, kernel } = mixture(host, n);
  const next = host.arena().f64(D * n);
  const to = gpu.arena().f32(D * n);
  const constants = upload(gpu, kernel.constants);
  const buffers = { x: upload(gpu, points), constants, factor: constants, next: to };
  const shader = kernelMoveShader(kernel, D, 'unit');
  const scale = Math.sqrt(stepSize);
  const { k0, k1, first, step, channel } = ADDRESS;
  const address = [k0, k1, first, step, channel] as const;
  return {
    name: `Langevin step, ${components} normal laws, d = ${D}`,
    unit: 'particle',
    items: n,
    bytes: 8 * D,
    ...goal(gpu),
    host: () =>
      host.dispatch(
        'langevin',
        [x, next, stepSize, D, ...parameters, components, logDensity, score, ...address],
        n,
      ),
    card: () => {
      gpu.run(shader, buffers, { ...ADDRESS, keep: 1, drift: 0.5 * stepSize, scale }, n);
      return gpu.done();
    },
    compare: async () => close('Langevin step', await gpu.read(to), next, 1),
  };
}
