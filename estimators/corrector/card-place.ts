import type { Backend } from '../../engine/backend/backend.ts';
import type { Gpu } from '../../engine/backend/gpu/types.ts';
import { cardNotes } from '../../engine/backend/provenance.ts';
import { show, spaced } from '../../engine/check.ts';
import { OptionError } from '../../engine/errors.ts';
import type { Place } from '../../engine/model/place.ts';
import { formOf } from './card-tilt.ts';
import { type CorrectorPlan, WHERE } from './plan.ts';
import type { RewardTilt, Tilt } from './types.ts';

/** Where a corrector runs. */
export interface CorrectorPlace {
  readonly place: Place;
  readonly gpu: Gpu | undefined;
}

/** What of a plan a card cannot do. */
interface Refusal {
  readonly option: string;
  readonly value: unknown;
  readonly found: string;
  readonly expected: string;
}

/**
 * The card for 'webgpu'; for 'auto' where there is one and the run is long enough; else the host, as for a target with a
 * `gpuKernel` for a reward, of which the card evaluates that.
 * @throws OptionError for a run that cannot be on the card which was asked for.
 */
export async function placeCorrector(plan: CorrectorPlan, backend: Backend): Promise<CorrectorPlace> {
  const { experts, particles, runs, terms, tilts } = plan;
  const asked = backend.name === 'webgpu';
  const why = unfit(plan);
  if (why !== undefined && tilts.some(byKernel)) return HERE;
  if (asked && why !== undefined) throw refused(why);
  const card = await backend.card(particles * runs * experts.length * (terms.length - 1));
  const { gpu } = card;
  const refusal = why ?? (gpu === undefined ? undefined : tooLarge(plan, gpu));
  if (refusal === undefined) return { place: { card: gpu, notes: cardNotes(card) }, gpu };
  if (asked) throw refused(refusal);
  if (gpu === undefined) return HERE;
  return { place: { card: undefined, notes: [`Ran on the processor: ${refusal.found}.`] }, gpu: undefined };
}

const HERE: CorrectorPlace = { place: { card: undefined, notes: [] }, gpu: undefined };

function byKernel(tilt: Tilt | RewardTilt): boolean {
  return 'reward' in tilt && 'kind' in tilt.reward && tilt.reward.kind === 'gpu-kernel';
}

function refused({ expected, ...why }: Refusal): OptionError {
  return new OptionError({
    where: WHERE,
    ...why,
    expected: `${expected} for backend 'webgpu'`,
    fix: "Change it, or use backend: 'auto', which runs it on the processor.",
  });
}

function unfit(plan: CorrectorPlan): Refusal | undefined {
  const { experts, tilts } = plan;
  const target = { option: 'target', value: experts };
  const strange = experts.findIndex(({ mixture, kernels }) => mixture === undefined || kernels === undefined);
  if (strange >= 0) {
    const found = `expert ${strange} is made of JavaScript functions, which cannot run on the graphics card`;
    return { ...target, found, expected: 'experts by mixtureDenoiser or gaussianDenoiser' };
  }
  if (tilts.some((tilt) => formOf(tilt) === undefined)) {
    const found = 'a tilt is made of JavaScript functions, which cannot run on the graphics card';
    return { ...target, found, expected: 'rewards by linearReward or quadraticReward' };
  }
  return unfitSetting(plan);
}

function unfitSetting({ weights, control, rule, denoise, noise }: CorrectorPlan): Refusal | undefined {
  const setting = (option: string, value: unknown, expected: string): Refusal => ({
    ...{ option, value, expected },
    found: `option \`${option}\` is ${show(value)}, which is not done on the graphics card`,
  });
  if (weights === 'exact') return setting('weights', weights, "'left' or 'none'");
  if (control === 'transport') return setting('control', control, "'none', 'linear', 'affine' or 'analytic'");
  if (rule.kind === 'clocks') return setting('resample', { clocks: true }, '{ ess } or { every }');
  if (denoise) return setting('denoise', denoise, 'false');
  return noise === undefined ? undefined : setting('noise', noise, 'addressed draws');
}

/** The largest array a run needs. */
function tooLarge({ experts, particles, dimension: d, width }: CorrectorPlan, gpu: Gpu): Refusal | undefined {
  const bytes = 4 * particles * Math.max(experts.length * d, 2 * d, width);
  if (bytes <= gpu.limits.arrayBytes) return undefined;
  return {
    option: 'particles',
    value: particles,
    found: `${spaced(particles)} particles need an array of ${spaced(bytes)} bytes, and the graphics card has at most ${spaced(gpu.limits.arrayBytes)}`,
    expected: 'fewer particles, in more `runs`,',
  };
}
