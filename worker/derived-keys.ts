import { createHmac } from 'node:crypto';

/** API keys that are derived from the installation's secret rather than stored: 32 bytes, hexadecimal, one a purpose. */
export function derivedKey(secret: string, purpose: string): string {
  return `pk_${createHmac('sha256', secret).update(purpose).digest('hex')}`;
}
