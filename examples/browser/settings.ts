import { MODELS, OWN, type PageModel } from './models.ts';

/** Everything a person can set, as typed. The page's address carries it after the #. */
export interface Settings {
  readonly model: string;
  readonly formula: string;
  /** By the names of the inputs; what is absent is as the model has it. */
  readonly ranges: Readonly<Record<string, readonly [from: string, to: string]>>;
  /** Half-width of the widest interval at which a run ends; '0' uses all points. */
  readonly target: string;
  readonly points: string;
  readonly seed: string;
  /** 'auto', or 'host' for the processor even where there is a graphics card. */
  readonly on: string;
}

export const TARGETS = ['0.01', '0.001', '0.0001', '0'] as const;
export const POINTS = ['16384', '65536', '262144', '1048576'] as const;
const PLACES = ['auto', 'host'] as const;

export const DEFAULTS: Settings = {
  model: 'ishigami',
  formula: modelOf(OWN).formula,
  ranges: {},
  target: '0.0001',
  points: '262144',
  seed: '7',
  on: 'auto',
};

/** The model of that id, the first one where there is none. */
export function modelOf(id: string): PageModel {
  return MODELS.find((model) => model.id === id) ?? MODELS[0]!;
}

/** Settings as the part of an address behind the #; what is as usual is left out. */
export function toHash(settings: Settings): string {
  const query = new URLSearchParams({ model: settings.model });
  if (settings.model === OWN) query.set('formula', settings.formula);
  for (const [name, [from, to]] of Object.entries(settings.ranges)) query.set(`in.${name}`, `${from},${to}`);
  for (const key of ['target', 'points', 'seed', 'on'] as const)
    if (settings[key] !== DEFAULTS[key]) query.set(key, settings[key]);
  return `#${query}`;
}

/** The settings in an address. Whatever is not understood is as usual. */
export function fromHash(hash: string): Settings {
  const query = new URLSearchParams(hash.replace(/^#/, ''));
  const among = <T extends string>(key: string, values: readonly T[], usual: string): string =>
    values.find((value) => value === query.get(key)) ?? usual;
  const model = modelOf(query.get('model') ?? DEFAULTS.model);
  const ranges: Record<string, readonly [string, string]> = {};
  for (const { name } of model.inputs) {
    const [from, to] = query.get(`in.${name}`)?.split(',') ?? [];
    if (from !== undefined && to !== undefined) ranges[name] = [from, to];
  }
  return {
    model: model.id,
    formula: query.get('formula') ?? DEFAULTS.formula,
    ranges,
    target: among('target', TARGETS, DEFAULTS.target),
    points: among('points', POINTS, DEFAULTS.points),
    seed: query.get('seed') ?? DEFAULTS.seed,
    on: among('on', PLACES, DEFAULTS.on),
  };
}
