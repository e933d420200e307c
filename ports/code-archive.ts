/** Code as a canonical tar: entries sorted, no owners, times or links; so the same files are the same digest. */
export interface CodeArchive {
  /** Unpacks an uploaded tar (gzip or plain) into an empty folder; `archive-unsafe`, `too-large` over the limits of code. */
  unpack(archivePath: string, folder: string): Promise<{ readonly files: number; readonly bytes: number }>;
  /** Writes the canonical archive of a folder. */
  pack(folder: string, archivePath: string): Promise<void>;
}
