export { areaY, dot, line, type Markish, type PlotOptions, plot, ruleY, text } from '@observablehq/plot';
export { parseHTML } from 'linkedom';
