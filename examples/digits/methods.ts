import type { Drawn, Setting } from './draw.ts';
import { byClass, free } from './free.ts';
import { both, COLDNESS, guided, PAIR, STRENGTH, tempered } from './guided.ts';
import type { Aim } from './judge.ts';
import { best, CANDIDATES, corrected, planned, pulled, steered } from './rewarded.ts';
import { wandering } from './wandering.ts';

/** A row of the page. */
export interface Method {
  /** For --only and file names. */
  readonly id: string;
  readonly name: string;
  readonly group: Group;
  readonly aim: Aim;
  draw(setting: Setting): Promise<Drawn>;
}

export type Group = 'free' | 'guided' | 'tempered' | 'product' | 'even';

/** Title of a part of the page, and what its pictures are. */
export const GROUPS: Readonly<Record<Group, readonly [title: string, about: string]>> = {
  free: [
    'As the network draws them',
    'Digits of no class in particular, digits by their class, and digits without class by a chain that wanders over pictures and noise levels, whose levels the classifier of noise draws.',
  ],
  guided: [
    `Guided to a class, w = ${STRENGTH}`,
    `The law q(x)^(1 - w) q(x given class)^w, digits from 0 to 9 in turn. Without correction the guided steps alone; with it, weights and resampling for what they miss. Weights of this law are so uneven that the pictures of a digit have one or two ancestors of ten, two to four where there are forty: a milder law is checked below.`,
  ],
  tempered: [
    `Tempered, q(x)^${COLDNESS}`,
    'The law of all digits, a little sharper. In 784 dimensions a power of a density is far from it: weights depend on all pixels at once, and few particles carry them.',
  ],
  product: [
    `Both ${PAIR[0]} and ${PAIR[1]}`,
    `The product of two class models over the one without class, q(x given ${PAIR[0]}) q(x given ${PAIR[1]}) / q(x): pictures that could be either.`,
  ],
  even: [
    'Even digits, as a reward',
    `The law q(x) p(even given x). Each method has the evaluations of ${CANDIDATES} chains for a picture; pictures are drawn by weight where there are weights. The classifier that steers is not the one that judges.`,
  ],
};

export const METHODS: readonly Method[] = [
  { id: 'free', name: 'no class', group: 'free', aim: 'any', draw: free },
  { id: 'class', name: 'by class', group: 'free', aim: 'asked', draw: byClass },
  { id: 'dlg', name: 'noise-level chain (DLG)', group: 'free', aim: 'any', draw: wandering },
  ...pairOf('guided', 'guided', 'asked', guided),
  ...pairOf('tempered', 'tempered', 'any', tempered),
  ...pairOf('product', 'product', 'pair', both),
  { id: 'even-fkc', name: 'correctors (FKC)', group: 'even', aim: 'even', draw: corrected },
  { id: 'even-fk', name: 'FK steering', group: 'even', aim: 'even', draw: steered },
  { id: 'even-tds', name: 'twisted (TDS)', group: 'even', aim: 'even', draw: pulled },
  { id: 'even-dts', name: 'tree (DTS, ipw)', group: 'even', aim: 'even', draw: planned },
  { id: 'even-best', name: `best of ${CANDIDATES}`, group: 'even', aim: 'even', draw: best },
];

function pairOf(
  id: string,
  group: Group,
  aim: Aim,
  draw: (setting: Setting, corrected: boolean) => Promise<Drawn>,
): Method[] {
  return [
    { id: `${id}-plain`, name: `${id}, not corrected`, group, aim, draw: (setting) => draw(setting, false) },
    { id, name: `${id}, corrected`, group, aim, draw: (setting) => draw(setting, true) },
  ];
}
