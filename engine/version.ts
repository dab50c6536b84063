/** The version of the package, as recorded in every result. */
export const VERSION = '0.1.0';
