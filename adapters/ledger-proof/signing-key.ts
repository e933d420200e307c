import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey, hkdfSync, sign, verify } from 'node:crypto';
import { sha256OfBytes } from '../../contracts/digest.ts';
import type { LedgerHead, LedgerKey, SignedHead } from '../../contracts/ledger/ledger-head.ts';
import { signedText } from '../../contracts/ledger/ledger-head.ts';

/** Bytes that precede the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const purpose = 'perennial ledger heads';

/**
 * Signs ledger heads with a key derived from the installation's secret, so that every process can sign and none stores
 * the key.
 */
export class SigningKey {
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  readonly published: LedgerKey;

  constructor(secret: string) {
    const seed = Buffer.from(hkdfSync('sha256', secret, '', purpose, 32));
    this.#private = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
    this.#public = createPublicKey(this.#private);
    const der = this.#public.export({ format: 'der', type: 'spki' });
    this.published = {
      algorithm: 'Ed25519',
      keyId: sha256OfBytes(der).slice(0, 16),
      publicKey: this.#public.export({ format: 'pem', type: 'spki' }),
    };
  }

  sign(head: LedgerHead): SignedHead {
    const signature = sign(null, Buffer.from(signedText(head)), this.#private).toString('base64');
    return { ...head, keyId: this.published.keyId, signature };
  }

  isGenuine(head: SignedHead): boolean {
    return verify(null, Buffer.from(signedText(head)), this.#public, Buffer.from(head.signature, 'base64'));
  }
}
