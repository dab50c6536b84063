/**
 * A series as output: which input matters when? A cup cools in a room; indices over time.
 *
 *   npx ensample sobol examples/cooling.ts --report cooling.html
 */
import { uniform } from 'ensample';

export const inputs = {
  start: uniform(80, 95), // temperature of the cup, C
  room: uniform(16, 24), // temperature of the room, C
  rate: uniform(0.02, 0.05), // cooling rate, 1/min
};

const minutes = Array.from({ length: 25 }, (_, i) => 5 * i);

export const outputs = minutes.map((t) => `t${t}`);
export const series = { name: 'temperature', unit: 'C', axis: 'time', axisUnit: 'min', at: minutes };

/** Temperature after 0, 5, ..., 120 minutes (Newton's law of cooling). */
export default function temperature({ start, room, rate }: Record<keyof typeof inputs, number>): number[] {
  return minutes.map((t) => room + (start - room) * Math.exp(-rate * t));
}
