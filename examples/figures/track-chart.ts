import * as Plot from '@observablehq/plot';
import { caption, captionHeight, captionLines, LEFT, leftAxis, RIGHT } from './axes.ts';
import { type Drawing, type Figure, plotted } from './frame.ts';

/** A place, degrees east and north. */
export interface Place {
  readonly longitude: number;
  readonly latitude: number;
  readonly title?: string;
}

/** Where a moving thing is thought to be, with variances in degrees squared. */
export interface Guess extends Place {
  readonly longitudeVariance: number;
  readonly latitudeVariance: number;
}

export interface TrackChart {
  readonly caption: string;
  /** Where it was, step by step: dots, or rings where hidden. */
  readonly fixes: readonly Place[];
  /** Steps that were kept from the method. */
  readonly hidden: readonly boolean[];
  /** The path found, a line; ellipses of two standard deviations where hidden. */
  readonly path: readonly Guess[];
  /** The path of another picture beside this one, for both to have the same frame. */
  readonly frame?: readonly Guess[];
}

/** A track on a map whose degrees east and north are of one length in the middle of the picture. */
export function trackChart(chart: TrackChart): Figure {
  return (width) => drawn(chart, width);
}

function drawn(chart: TrackChart, width: number): Drawing {
  const { fixes, hidden, path, frame = [] } = chart;
  const [seen, withheld] = [fixes.filter((_, t) => !hidden[t]), fixes.filter((_, t) => hidden[t])];
  const guesses = path.filter((_, t) => hidden[t]);
  const places = [...fixes, ...path, ...[...guesses, ...frame.filter((_, t) => hidden[t])].flatMap(ellipse)];
  const [west, east] = around(places.map(({ longitude }) => longitude));
  const [south, north] = around(places.map(({ latitude }) => latitude));
  const lines = captionLines(chart.caption, width);
  const shrink = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const inner = width - LEFT - RIGHT;
  const height = Math.round((inner * (north - south)) / ((east - west) * shrink));
  const at = { x: 'longitude', y: 'latitude' };
  return plotted(
    {
      width,
      height: height + 28 + captionHeight(lines),
      marginLeft: LEFT,
      marginRight: RIGHT,
      marginTop: captionHeight(lines),
      marginBottom: 28,
      x: { domain: [west, east], axis: null },
      y: { domain: [south, north], axis: null },
      marks: [
        Plot.gridX({ ticks: 5, stroke: 'var(--grid)', strokeOpacity: 1 }),
        ...leftAxis(6, (degrees) => side(degrees, 'N', 'S')),
        Plot.axisX({
          ...{ ticks: 5, tickSize: 0, tickPadding: 6, fill: 'var(--muted)', label: null },
          tickFormat: (degrees: number) => side(degrees, 'E', 'W'),
        }),
        ...caption(lines),
        Plot.line(guesses.flatMap(ellipse), {
          ...at,
          z: 'z',
          fill: 'var(--first)',
          fillOpacity: 0.13,
          stroke: 'var(--first)',
          strokeOpacity: 0.5,
          strokeWidth: 1,
        }),
        Plot.line(path, { ...at, stroke: 'var(--first)', strokeWidth: 2 }),
        Plot.dot(seen, { ...at, r: 2.8, fill: 'var(--total)', ...titled(seen) }),
        Plot.dot(withheld, { ...at, r: 3, stroke: 'var(--total)', strokeWidth: 1.6, ...titled(withheld) }),
      ],
    },
    `${chart.caption}. ${seen.length} places were seen and ${withheld.length} withheld.`,
  );
}

/** '70° W' */
function side(degrees: number, positive: string, negative: string): string {
  return degrees === 0 ? '0\u00b0' : `${Math.abs(degrees)}\u00b0 ${degrees > 0 ? positive : negative}`;
}

function titled(places: readonly Place[]): { title?: string } {
  return places.some(({ title }) => title !== undefined) ? { title: 'title' } : {};
}

function around(values: readonly number[]): [number, number] {
  return [Math.floor(Math.min(...values)) - 0.5, Math.ceil(Math.max(...values)) + 0.5];
}

const CORNERS = 48;

/** The outline of two standard deviations about a guess. */
function ellipse(guess: Guess, z: number): (Place & { z: number })[] {
  const [across, along] = [2 * Math.sqrt(guess.longitudeVariance), 2 * Math.sqrt(guess.latitudeVariance)];
  return Array.from({ length: CORNERS + 1 }, (_, i) => {
    const angle = (2 * Math.PI * i) / CORNERS;
    return {
      z,
      longitude: guess.longitude + across * Math.cos(angle),
      latitude: guess.latitude + along * Math.sin(angle),
    };
  });
}
