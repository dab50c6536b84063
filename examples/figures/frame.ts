import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';

/** A picture without its frame, to be put beside others on one page. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** One sentence that says what is seen, for those who do not see it. */
  readonly summary: string;
  /** What goes inside an <svg> of that size. */
  readonly markup: string;
}

/** Draws a picture of a width in px. */
export type Figure = (width: number) => Drawing;

/** The few parts of a DOM that writing XML needs; linkedom's types promise less than Plot's. */
interface Node {
  readonly nodeType: number;
  readonly localName?: string;
  readonly textContent: string | null;
  readonly attributes?: Iterable<{ readonly name: string; readonly value: string }>;
  readonly childNodes: Iterable<Node>;
}

/** A chart by Observable Plot. Text is 12 px and colours are the variables of `STYLE`. */
export function plotted(
  options: Plot.PlotOptions & { width: number; height: number },
  summary: string,
): Drawing {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({
    ...options,
    document: document as unknown as Document, // as far as Plot uses it
    className: 'plot',
  }) as unknown as Node;
  const markup = [...svg.childNodes].map(written).join('');
  return { width: options.width, height: options.height, summary, markup };
}

const ELEMENT = 1;
const TEXT = 3;
/** What Plot says of its marks for pages that have no sentence for the whole. */
const DROPPED: ReadonlySet<string> = new Set(['class', 'aria-label', 'aria-hidden', 'aria-description']);

/** A node as XML; lengths get at most one decimal, as more cannot be seen and makes files larger. */
function written(node: Node): string {
  if (node.nodeType === TEXT) return escaped(node.textContent ?? '');
  if (node.nodeType !== ELEMENT || node.localName === 'style') return '';
  const attributes = [...(node.attributes ?? [])]
    .filter(({ name }) => !DROPPED.has(name))
    .map(({ name, value }) => ` ${name}="${escaped(GEOMETRY.has(name) ? rounded(value) : value)}"`)
    .join('');
  const inside = [...node.childNodes].map(written).join('');
  return `<${node.localName}${attributes}>${inside}</${node.localName}>`;
}

const GEOMETRY: ReadonlySet<string> = new Set([
  ...['d', 'transform', 'x', 'y', 'x1', 'x2', 'y1', 'y2', 'cx', 'cy', 'r', 'width', 'height'],
]);

function rounded(value: string): string {
  return value.replace(/-?\d*\.\d{2,}(e-?\d+)?/g, (number) => String(Number(Number(number).toFixed(1))));
}

const ENTITY: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters XML cannot hold
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF\uD800-\uDFFF]/gu;

/** Text as it may stand in XML, in content and in quoted attributes alike. */
export function escaped(text: string): string {
  return text.replace(FORBIDDEN, '\uFFFD').replace(/[&<>"]/g, (character) => ENTITY[character]!);
}
