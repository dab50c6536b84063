import * as Plot from '../../generated/charts.mjs';
import { escapeText } from '../escape.ts';
import { coordinate } from './svg.ts';

/** The few parts of a DOM that writing XML needs; linkedom's types promise less than Plot's. */
interface Node {
  readonly nodeType: number;
  readonly localName?: string;
  readonly textContent: string | null;
  readonly attributes?: Iterable<{ readonly name: string; readonly value: string }>;
  readonly childNodes: Iterable<Node>;
}

const ELEMENT = 1;
const TEXT = 3;

/**
 * A chart by Observable Plot as SVG text that is also well-formed XML: Plot draws into a small DOM, and every
 * attribute and text is escaped here, as the DOM itself leaves '<' in attributes. Text is 12 px, colours are CSS
 * variables, the page's style sheet does the rest.
 */
export function plotted(width: number, height: number, summary: string, options: Plot.PlotOptions): string {
  const { document } = Plot.parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({
    document: document as unknown as Document, // as far as Plot uses it
    width,
    height,
    className: 'plot',
    style: { fontSize: '12px', maxWidth: `${width}px` },
    ...options,
  });
  return serialise(svg as unknown as Node, {
    xmlns: 'http://www.w3.org/2000/svg',
    role: 'img',
    'aria-label': summary,
  });
}

/** Attributes of Plot that the page sets itself, or that a picture read as one sentence does not need. */
const DROPPED: ReadonlySet<string> = new Set([
  'class',
  'aria-label',
  'aria-hidden',
  'font-family',
  'font-size',
  'width',
  'height',
]);

function serialise(node: Node, extra: Readonly<Record<string, string>> = {}): string {
  if (node.nodeType === TEXT) return escapeText(node.textContent ?? '');
  if (node.nodeType !== ELEMENT || node.localName === 'style') return '';
  const isRoot = node.localName === 'svg';
  const attributes = [...(node.attributes ?? [])]
    .filter(({ name }) => !(name in extra) && !(isRoot || node.localName === 'g' ? DROPPED.has(name) : false))
    .map(({ name, value }): [string, string] => [name, rounded(name, value)]);
  const text = [...attributes, ...Object.entries(extra)]
    .map(([name, value]) => ` ${name}="${escapeText(value)}"`)
    .join('');
  const inside = [...node.childNodes].map((child) => serialise(child)).join('');
  return inside === ''
    ? `<${node.localName}${text}/>`
    : `<${node.localName}${text}>${inside}</${node.localName}>`;
}

const GEOMETRY: ReadonlySet<string> = new Set([
  ...['d', 'transform', 'x', 'y', 'x1', 'x2', 'y1', 'y2', 'cx', 'cy', 'r', 'width', 'height'],
]);

function rounded(name: string, value: string): string {
  if (!GEOMETRY.has(name)) return value;
  return value.replace(/-?\d+\.\d{3,}(e-?\d+)?/g, (number) => coordinate(Number(number)));
}
