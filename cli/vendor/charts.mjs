export { areaY, dot, line, plot, ruleY, text } from '@observablehq/plot';
export { parseHTML } from 'linkedom';
