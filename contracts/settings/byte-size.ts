const units = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;

/** Converts a size such as `2GiB` to bytes; returns a number of bytes unchanged. */
export function bytesOf(size: string | number): number {
  if (typeof size === 'number') return size;
  const unit = size.endsWith('KiB') ? 'KiB' : size.endsWith('MiB') ? 'MiB' : 'GiB';
  return Number.parseInt(size, 10) * units[unit];
}
