import {
  type BatchFn,
  type Denoiser,
  type OnnxDenoiser,
  type OnnxNetwork,
  onnxDenoiser,
  onnxNetwork,
  type Reward,
  type Tilt,
  veLinear,
} from 'ensample';

/*
 * The shipped networks as what the methods take; see MODEL_CARD.md for what goes in and out of the files.
 */

/** Numbers of a picture, of its features, and classes. */
export const PIXELS = 784;
export const FEATURES = 64;
export const CLASSES = 10;
/** The label of the denoiser that stands for no class. */
const NO_CLASS = 10;
/** Noise between which the classifier of noisy digits was trained, without its ends; a reward takes a picture for the lower. */
const [LEAST, MOST] = [0.05, 20];

export const schedule = veLinear();

/** How much each digit is wanted, [10] from 0 to 1. */
export type Goal = readonly number[];

export const EVEN: Goal = [1, 0, 1, 0, 1, 0, 1, 0, 1, 0];

/** What the judge says of n pictures. */
export interface Seen {
  /** [n, 10] log of the probability of each digit. */
  readonly logShare: Float64Array;
  /** [n, 64] */
  readonly features: Float64Array;
}

/** Rows that networks were asked for so far; of classifiers, those of rewards and of levels. */
export interface Counts {
  denoiser: number;
  classifier: number;
}

export interface Networks {
  readonly counts: Counts;
  /** Digits of a class, or of all of them. */
  denoiser(label?: number): Denoiser;
  /** log sum_c goal_c p(c given x), by the classifier of noisy digits, which is not the judge. */
  reward(goal: Goal): Reward;
  /** The same at the noise of the time, times `strength`: the reward faded in as the noise goes. */
  tilt(goal: Goal, strength?: number): Tilt;
  /** log p(level given x) for `denoisingMcmc`. */
  readonly levelLaw: BatchFn;
  /** The classifier of clean digits, which no method is steered by. */
  judge(points: Float64Array): Promise<Seen>;
  close(): void;
}

/** @throws BackendError when onnxruntime-node is not installed. */
export async function openNetworks(threads: number): Promise<Networks> {
  const model = (name: string): URL => new URL(`models/${name}.onnx`, import.meta.url);
  const open = (name: string): Promise<OnnxNetwork> => onnxNetwork({ model: model(name), threads });
  const drawn = await onnxDenoiser({
    ...{ model: model('denoiser'), threads, schedule, prediction: 'clean', time: 'time' },
    condition: { label: NO_CLASS },
  });
  const [digits, noisy, levels] = [await open('digits'), await open('noisy-digits'), await open('levels')];
  const counts = { denoiser: 0, classifier: 0 };
  const look = lookerOf(noisy, counts);
  const releases = [drawn.network, digits, noisy, levels].map((network) => network.hold());
  return {
    counts,
    denoiser: (label = NO_CLASS) => counted(drawn.conditioned({ label }), counts),
    reward: (goal) => rewardOf(look, goal),
    tilt: (goal, strength = 1) => tiltOf(look, goal, strength),
    async levelLaw(x, out) {
      counts.classifier += x.length / PIXELS;
      const found = await levels.run({ x: Float32Array.from(x) }, x.length / PIXELS);
      out.set(found.log_probability as Float32Array);
    },
    judge: (points) => seen(digits, points),
    close() {
      for (const release of releases) release();
    },
  };
}

function counted(denoiser: OnnxDenoiser, counts: Counts): Denoiser {
  return {
    ...denoiser,
    predict(x, time, out) {
      counts.denoiser += x.length / PIXELS;
      return denoiser.predict(x, time, out);
    },
  };
}

/** Value [n] and gradient [n, 784] of log sum_c goal_c p(c given x) at one noise level. */
type Look = (
  x: Float64Array,
  goal: Goal,
  noise: number,
) => Promise<{ readonly value: Float32Array; readonly gradient: Float32Array }>;

function lookerOf(network: OnnxNetwork, counts: Counts): Look {
  return async (x, goal, noise) => {
    const n = x.length / PIXELS;
    counts.classifier += n;
    const feeds = {
      x: Float32Array.from(x),
      sigma: new Float32Array(n).fill(noise),
      goal: Float32Array.from({ length: n * CLASSES }, (_, i) => goal[i % CLASSES]!),
    };
    const { value, gradient } = await network.run(feeds, n);
    return { value: value as Float32Array, gradient: gradient as Float32Array };
  };
}

function rewardOf(look: Look, goal: Goal): Reward {
  return {
    name: `digits ${goal.join(' ')}`,
    async value(x, out) {
      out.set((await look(x, goal, LEAST)).value);
    },
    async gradient(x, out, gradient) {
      const found = await look(x, goal, LEAST);
      out.set(found.value);
      gradient.set(found.gradient);
    },
  };
}

/** Noise between which a tilt is faded in, before anything can be told of the digit. */
const [FADE_FROM, FADE_TO] = [40, 10];
const FADE = 1 / Math.log(FADE_FROM / FADE_TO);
const fade = (time: number): number => Math.min(1, Math.max(0, FADE * Math.log(FADE_FROM / time)));

/** rho = strength fade(t) log h(x, t); its rate by differences of 2 % of the noise. */
function tiltOf(look: Look, goal: Goal, strength: number): Tilt {
  const level = (time: number): number => Math.min(MOST, Math.max(LEAST, time));
  const at = (x: Float64Array, time: number) => look(x, goal, level(time));
  const fill = (out: Float64Array, from: Float32Array, factor: number): void => {
    for (let i = 0; i < out.length; i++) out[i] = factor * from[i]!;
  };
  return {
    async value(x, time, out) {
      fill(out, (await at(x, time)).value, strength * fade(time));
    },
    async gradient(x, time, out) {
      fill(out, (await at(x, time)).gradient, strength * fade(time));
    },
    async rate(x, time, out) {
      const [later, sooner] = [0.98 * time, 1.02 * time];
      const [low, high] = [await at(x, later), await at(x, sooner)];
      const factor = strength / (sooner - later);
      const [before, after] = [fade(sooner), fade(later)];
      for (let i = 0; i < out.length; i++)
        out[i] = factor * (before * high.value[i]! - after * low.value[i]!);
    },
  };
}

async function seen(network: OnnxNetwork, points: Float64Array): Promise<Seen> {
  const n = points.length / PIXELS;
  const all = new Float32Array(n * CLASSES).fill(1);
  const { logits, features } = await network.run({ x: Float32Array.from(points), goal: all }, n);
  const logShare = Float64Array.from(logits as Float32Array);
  for (let i = 0; i < n; i++) {
    const own = logShare.subarray(CLASSES * i, CLASSES * (i + 1));
    const top = Math.max(...own);
    const total = top + Math.log(own.reduce((sum, v) => sum + Math.exp(v - top), 0));
    for (let c = 0; c < CLASSES; c++) own[c] = own[c]! - total;
  }
  return { logShare, features: Float64Array.from(features as Float32Array) };
}
