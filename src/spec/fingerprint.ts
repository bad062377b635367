/** Exists for the compiler only: the declarations of schemas that hold a fingerprint name it. */
export declare const brand: unique symbol;

/** Fingerprint of a host key as OpenSSH prints it: `SHA256:` and 43 characters of base64 without padding. */
export type HostKeyFingerprint = string & { readonly [brand]: 'HostKeyFingerprint' };

const FORMAT = /^SHA256:[A-Za-z0-9+/]{43}$/;

/** Whether a text is a host key fingerprint. @see ssh-keygen(1), -l */
export function isHostKeyFingerprint(text: string): text is HostKeyFingerprint {
  return FORMAT.test(text);
}
