/** 256 MiB of files, unpacked. */
export const unpackedLimit = 256 * 2 ** 20;
/** Files and folders of one archive. */
export const entryLimit = 20_000;
