/** Thrown by recorded rows when the next ones are not among them. */
export class OutOfRows extends Error {}
