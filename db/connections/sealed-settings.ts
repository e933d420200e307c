import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { PerennialError } from '../../contracts/errors.ts';

const nonceBytes = 12;
const tagBytes = 16;

/**
 * Encrypts with AES-256-GCM under a key derived from the installation's secret (HKDF, SHA-256). `bound` is
 * authenticated but not encrypted: the text can be opened only with the same value.
 */
export function seal(secret: string, text: string, bound: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', keyOf(secret), nonce);
  cipher.setAAD(Buffer.from(bound));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return `v1.${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64')}`;
}

/** Decrypts a sealed text. Throws `invalid-setting` if the secret or `bound` differs or the text was altered. */
export function unseal(secret: string, sealed: string, bound: string): string {
  const bytes = Buffer.from(sealed.replace(/^v1\./, ''), 'base64');
  try {
    const decipher = createDecipheriv('aes-256-gcm', keyOf(secret), bytes.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(Buffer.from(bound));
    decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
    return decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8');
  } catch (caught) {
    throw new PerennialError(
      'invalid-setting',
      `${bound} cannot be decrypted: PERENNIAL_SECRET differs from the one that encrypted it, or the row was altered; set the connection again`,
      {},
      { cause: caught },
    );
  }
}

function keyOf(secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', 'perennial connections', 32));
}
