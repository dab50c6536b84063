import type { Backend } from '../../../engine/backend/backend.ts';
import type { Gpu } from '../../../engine/backend/gpu/types.ts';
import { cardNotes } from '../../../engine/backend/provenance.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { Place } from '../../../engine/model/place.ts';
import type { StateSpaceCard, StateSpaceModel } from '../state-space.ts';
import type { FilterSettings } from './filter-types.ts';

/** A model as the loop on the card takes it. */
export interface CardModel {
  readonly card: StateSpaceCard;
  /** Standard normals of one draw. */
  readonly noise: number;
}

/** An `OptionError` but for where. */
interface Refusal {
  readonly option: string;
  readonly value: unknown;
  readonly found: string;
  readonly expected: string;
  readonly fix: string;
}

/** Whether a filter can run on a card, and if not why. */
export type CardFitness =
  | { readonly kind: 'fit'; readonly model: CardModel; readonly byKernels: boolean }
  | { readonly kind: 'unfit'; readonly why: Refusal };

const ELSEWHERE = "or use backend: 'auto', which runs it on the processor";

/** What of a filter's options a card can do. */
export function cardFitness(model: StateSpaceModel, settings: FilterSettings): CardFitness {
  const { card, dimension, noise = dimension } = model;
  if (card === undefined) return { kind: 'unfit', why: functions(model) };
  const why = unfitSetting(settings);
  if (why !== undefined) return { kind: 'unfit', why };
  const byKernels = [card.initial, card.transition, card.logObservation].some(
    (by) => by.kind === 'gpu-kernel',
  );
  return { kind: 'fit', model: { card, noise }, byKernels };
}

function functions(model: StateSpaceModel): Refusal {
  return {
    option: 'model',
    value: model,
    found: 'the model is made of JavaScript functions, which cannot run on the graphics card',
    expected: "a model by kernelStateSpace, linearGaussian or stochasticVolatility for backend 'webgpu'",
    fix: `Write its functions as gpuKernels and join them by kernelStateSpace, ${ELSEWHERE}.`,
  };
}

function unfitSetting(settings: FilterSettings): Refusal | undefined {
  const { scheme = 'systematic', quasiRandom = false } = settings;
  if (scheme !== 'systematic' && scheme !== 'stratified')
    return {
      option: 'scheme',
      value: scheme,
      found: `option \`scheme\` is '${scheme}', whose ancestors are not found on the graphics card`,
      expected: "'systematic' or 'stratified' for backend 'webgpu'",
      fix: `Choose one of them, ${ELSEWHERE}.`,
    };
  for (const option of ['proposal', 'lookahead'] as const)
    if (settings[option] !== undefined)
      return {
        option,
        value: settings[option],
        found: `option \`${option}\` is made of JavaScript functions, which cannot run on the graphics card`,
        expected: "a bootstrap filter for backend 'webgpu'",
        fix: `Leave \`${option}\` out, ${ELSEWHERE}.`,
      };
  if (!quasiRandom) return undefined;
  return {
    option: 'quasiRandom',
    value: quasiRandom,
    found: 'option `quasiRandom` is true, and the order along the curve is not found on the graphics card',
    expected: "random draws for backend 'webgpu'",
    fix: `Leave \`quasiRandom\` out, ${ELSEWHERE}.`,
  };
}

/** What of a plan decides where it runs. */
interface Placeable {
  readonly where: string;
  readonly particles: number;
  readonly runs: number;
  readonly observations: { readonly length: number };
  readonly fitness?: CardFitness;
}

/** Where a filter runs. */
export interface FilterPlace {
  readonly place: Place;
  readonly onCard: { readonly gpu: Gpu; readonly model: CardModel } | undefined;
}

const HERE: FilterPlace = { place: { card: undefined, notes: [] }, onCard: undefined };

/**
 * The card for 'webgpu'; for 'auto' when the model is made of kernels and the run is long enough; else the host.
 * @throws OptionError for a filter that cannot run on the card which was asked for.
 */
export async function placeFilter(plan: Placeable, backend: Backend): Promise<FilterPlace> {
  const { fitness, where, particles, runs, observations } = plan;
  if (fitness === undefined) return HERE;
  const asked = backend.name === 'webgpu';
  if (fitness.kind === 'unfit') {
    if (asked) throw new OptionError({ where, ...fitness.why });
    return HERE;
  }
  // Builders have kernels of the core, in float64: only who asks for float32 gets it.
  if (!asked && !fitness.byKernels) return HERE;
  const card = await backend.card(particles * runs * observations.length);
  const place = { card: card.gpu, notes: cardNotes(card) };
  return { place, onCard: card.gpu === undefined ? undefined : { gpu: card.gpu, model: fitness.model } };
}
