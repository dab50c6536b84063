export { parse } from 'csv-parse/sync';
export { csvFormatRows } from 'd3-dsv';
