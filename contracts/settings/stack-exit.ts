/**
 * Exit code of the stack's program if another stack holds its PERENNIAL_HOME. The exit code of every other failure is
 * 1.
 */
export const homeIsHeld = 3;
