import { createHmac } from 'node:crypto';

/**
 * Derives an API key from the installation's secret, so that it need not be stored: 32 bytes in hexadecimal, one key
 * per purpose.
 */
export function derivedKey(secret: string, purpose: string): string {
  return `pk_${createHmac('sha256', secret).update(purpose).digest('hex')}`;
}
