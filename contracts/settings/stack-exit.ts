/** The exit code of the stack's program when another stack holds its PERENNIAL_HOME. Every other failure is 1. */
export const homeIsHeld = 3;
