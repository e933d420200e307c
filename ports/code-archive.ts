/**
 * Packs code as a canonical tar: entries are sorted and carry no owners, times or links, so equal files give an equal
 * digest.
 */
export interface CodeArchive {
  /**
   * Unpacks an uploaded tar (gzip or plain) into an empty folder. Errors: `archive-unsafe`; `too-large` over the limits
   * for code.
   */
  unpack(archivePath: string, folder: string): Promise<{ readonly files: number; readonly bytes: number }>;
  /** Writes the canonical archive of a folder. */
  pack(folder: string, archivePath: string): Promise<void>;
}
