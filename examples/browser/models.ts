import { gumbel, type Law, normal, triangular, truncated, uniform } from 'ensample';

/** The shape of an input's law; the range on the page cuts or spans it. */
export type Shape =
  | { readonly kind: 'uniform' }
  | { readonly kind: 'triangular'; readonly mode: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly sd: number }
  | { readonly kind: 'gumbel'; readonly location: number; readonly scale: number };

/** An input as the page offers it. Ends are written as a person would: '-pi'. */
export interface PageInput {
  readonly name: string;
  readonly about: string;
  readonly from: string;
  readonly to: string;
  readonly shape: Shape;
}

/** A model of the list. */
export interface PageModel {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly formula: string;
  readonly inputs: readonly PageInput[];
}

/** Names of the inputs of a formula of one's own. */
export const OWN_NAMES = ['x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'x7', 'x8'] as const;
/** The id of that model. */
export const OWN = 'own';

const plain = (name: string, from: string, to: string): PageInput => ({
  name,
  about: '',
  from,
  to,
  shape: { kind: 'uniform' },
});
const peaked = (name: string, about: string, from: number, mode: number, to: number): PageInput => ({
  name,
  about,
  from: String(from),
  to: String(to),
  shape: { kind: 'triangular', mode },
});

/** (|4 x - 2| + a) / (1 + a) for each input; a large a is an input without effect (Saltelli & Sobol' 1995). */
const G_FORMULA = [0, 1, 4.5, 9, 99, 99, 99, 99]
  .map((a, i) => (a === 0 ? `abs(4*x${i + 1} - 2)` : `(abs(4*x${i + 1} - 2) + ${a})/${1 + a}`))
  .join(' * ');

export const MODELS: readonly PageModel[] = [
  {
    id: 'ishigami',
    title: 'Ishigami',
    about: 'x3 matters only together with x1.',
    formula: 'sin(x1) + 7*sin(x2)^2 + 0.1*x3^4*sin(x1)',
    inputs: ['x1', 'x2', 'x3'].map((name) => plain(name, '-pi', 'pi')),
  },
  {
    id: 'g',
    title: 'G function',
    about: 'Eight inputs, each less important than the one before.',
    formula: G_FORMULA,
    inputs: OWN_NAMES.map((name) => plain(name, '0', '1')),
  },
  {
    id: 'flood',
    title: 'Flood',
    about: 'Height of a river above its dyke, m.',
    formula: 'Zv + (Q/(B*Ks*sqrt((Zm - Zv)/L)))^0.6 - Hd - Cb',
    inputs: [
      {
        name: 'Q',
        about: 'flow, m³/s',
        from: '500',
        to: '3000',
        shape: { kind: 'gumbel', location: 1013, scale: 558 },
      },
      { name: 'Ks', about: 'friction', from: '15', to: '75', shape: { kind: 'normal', mean: 30, sd: 8 } },
      peaked('Zv', 'bed downstream, m', 49, 50, 51),
      peaked('Zm', 'bed upstream, m', 54, 55, 56),
      { name: 'Hd', about: 'dyke, m', from: '7', to: '9', shape: { kind: 'uniform' } },
      peaked('Cb', 'bank, m', 55, 55.5, 56),
      peaked('L', 'length, m', 4990, 5000, 5010),
      peaked('B', 'width, m', 295, 300, 305),
    ],
  },
  {
    id: OWN,
    title: 'My own formula',
    about: 'Inputs are x1 to x8, as many as you use.',
    formula: 'exp(x1)*x2 + sin(2*pi*x3)',
    inputs: OWN_NAMES.map((name) => plain(name, '0', '1')),
  },
];

/** The law of an input on [low, high]. Throws OptionError when the range holds nothing of it. */
export function lawOf(shape: Shape, low: number, high: number): Law {
  switch (shape.kind) {
    case 'uniform':
      return uniform(low, high);
    case 'triangular':
      return triangular(low, peakOf(shape.mode, low, high), high);
    case 'normal':
      return truncated(normal(shape.mean, shape.sd), low, high);
    case 'gumbel':
      return truncated(gumbel(shape.location, shape.scale), low, high);
    default:
      return shape satisfies never;
  }
}

/** The same law as code. */
export function lawCode(shape: Shape, low: number, high: number): string {
  switch (shape.kind) {
    case 'uniform':
      return `uniform(${low}, ${high})`;
    case 'triangular':
      return `triangular(${low}, ${peakOf(shape.mode, low, high)}, ${high})`;
    case 'normal':
      return `truncated(normal(${shape.mean}, ${shape.sd}), ${low}, ${high})`;
    case 'gumbel':
      return `truncated(gumbel(${shape.location}, ${shape.scale}), ${low}, ${high})`;
    default:
      return shape satisfies never;
  }
}

/** The law in a few words, for the label of an input. */
export function lawWords(shape: Shape): string {
  switch (shape.kind) {
    case 'uniform':
      return 'uniform';
    case 'triangular':
      return `triangular, peak ${shape.mode}`;
    case 'normal':
      return `normal ${shape.mean} ± ${shape.sd}`;
    case 'gumbel':
      return `Gumbel ${shape.location}, ${shape.scale}`;
    default:
      return shape satisfies never;
  }
}

/** A peak outside the range moves to its nearer end. */
function peakOf(mode: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, mode));
}
