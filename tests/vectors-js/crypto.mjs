// Sections 2, 4 (fingerprint) and 5.2 (padding, HPKE), and the RFC 6962 tree: from public libraries,
// none of which Relais itself uses.
import { webcrypto } from 'node:crypto';
import { blake2b } from '@noble/hashes/blake2.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { CipherSuite, HkdfSha256 } from '@hpke/core';
import { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519';
import { Chacha20Poly1305 } from '@hpke/chacha20poly1305';
import { base64, concat, equal, hex, refuse, refuseUnless, u8, unbase64, utf8 } from './bytes.mjs';

globalThis.crypto ??= webcrypto; // Node 18 has it, under another name

export const random = (n) => webcrypto.getRandomValues(new Uint8Array(n));
const labelled = (label, data) => concat(u8(label.length), utf8(label), data);

// H-n(label, data), and H-n[key](label, data) when there is a key
export const H = (bits, label, data, key) => blake2b(labelled(label, data), { dkLen: bits / 8, key });

export const signingKid = (pk) => H(128, 'relais/kid/sign', pk);
export const boxKid = (pk) => H(128, 'relais/kid/box', pk);
export const signingPk = (seed) => ed25519.getPublicKey(seed);
export const boxPk = (secret) => x25519.getPublicKey(secret);

export function sign(seed, context, digest) {
  if (digest.length !== 64) throw new RangeError('D is 64 bytes');
  return ed25519.sign(labelled(context, digest), seed);
}

// RFC 8032, not ZIP 215: S below the order, no encoding but the canonical one
export function verifyBytes(pk, message, sig) {
  try {
    return ed25519.verify(sig, message, pk, { zip215: false });
  } catch {
    return false; // a length or a point that is none
  }
}

export const verify = (pk, context, digest, sig) => verifyBytes(pk, labelled(context, digest), sig);
export const signBytes = (seed, message) => ed25519.sign(message, seed);

export const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'; // RFC 4648

export function fingerprint(...publicKeys) {
  const hash = H(256, 'relais/fingerprint', concat(...publicKeys));
  const first100 = BigInt(`0x${hex(hash)}`) >> 156n;
  let text = '';
  for (let i = 95n; i >= 0n; i -= 5n) text += BASE32[Number((first100 >> i) & 31n)];
  return { hash, groups: text.match(/.{4}/g) };
}

const BLOCK = 256;
const BLOCKS_UP_TO = 4096;

export function paddedLength(bodyLength) {
  const length = bodyLength + 1;
  if (length <= BLOCKS_UP_TO) return Math.ceil(length / BLOCK) * BLOCK;
  const e = Math.floor(Math.log2(length));
  const s = Math.floor(Math.log2(e)) + 1;
  const step = 2 ** (e - s);
  return Math.ceil(length / step) * step;
}

export function pad(body) {
  const out = new Uint8Array(paddedLength(body.length));
  out.set(body);
  out[body.length] = 0x80;
  return out;
}

export const BODY_MAX = 262144;

export function unpad(padded) {
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end--;
  refuseUnless(end >= 0 && padded[end] === 0x80, 'OPEN', 'no mark');
  refuseUnless(end >= 1 && end <= BODY_MAX, 'OPEN', 'body of no size allowed');
  refuseUnless(paddedLength(end) === padded.length, 'OPEN', 'padded to another length');
  return padded.slice(0, end);
}

export const aeadSeal = (k, n, aad, text) => xchacha20poly1305(k, n, aad).encrypt(text);

export function aeadOpen(k, n, aad, sealed) {
  try {
    return xchacha20poly1305(k, n, aad).decrypt(sealed);
  } catch {
    return refuse('OPEN', 'body');
  }
}

const hpke = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Chacha20Poly1305(),
});

const exact = (bytes) => Uint8Array.from(bytes).buffer;

// -> enc[32] and what is sealed; an ephemeral secret only where a vector gives one
export async function hpkeSeal(recipientPk, info, aad, text, ephemeralSecret) {
  const params = { recipientPublicKey: await hpke.kem.deserializePublicKey(exact(recipientPk)), info: exact(info) };
  if (ephemeralSecret) {
    params.ekm = {
      privateKey: await hpke.kem.deserializePrivateKey(exact(ephemeralSecret)),
      publicKey: await hpke.kem.deserializePublicKey(exact(boxPk(ephemeralSecret))),
    };
  }
  const { ct, enc } = await hpke.seal(params, exact(text), exact(aad));
  return { enc: new Uint8Array(enc), wrap: new Uint8Array(ct) };
}

export async function hpkeOpen(recipientSecret, info, aad, enc, wrap) {
  try {
    const recipientKey = await hpke.kem.deserializePrivateKey(exact(recipientSecret));
    return new Uint8Array(await hpke.open({ recipientKey, enc: exact(enc), info: exact(info) }, exact(wrap), exact(aad)));
  } catch {
    return refuse('OPEN', 'HPKE');
  }
}

export const dh = (secret, pk) => x25519.getSharedSecret(secret, pk);

// RFC 6962: leaves and nodes are told apart by their first byte
export const leafHash = (leaf) => sha256(concat(u8(0), leaf));
export const nodeHash = (left, right) => sha256(concat(u8(1), left, right));

export function treeRoot(leafHashes) {
  if (leafHashes.length === 0) return sha256(new Uint8Array(0));
  if (leafHashes.length === 1) return leafHashes[0];
  let split = 1;
  while (split * 2 < leafHashes.length) split *= 2;
  return nodeHash(treeRoot(leafHashes.slice(0, split)), treeRoot(leafHashes.slice(split)));
}

export function inclusionPath(leafHashes, index) {
  if (leafHashes.length === 1) return [];
  let split = 1;
  while (split * 2 < leafHashes.length) split *= 2;
  const [left, right] = [leafHashes.slice(0, split), leafHashes.slice(split)];
  return index < split
    ? [...inclusionPath(left, index), treeRoot(right)]
    : [...inclusionPath(right, index - split), treeRoot(left)];
}

// The root that this path leads to, by RFC 9162 2.1.3.2; refused when the path has another length than it must
export function rootOfPath(leaf, index, size, path) {
  refuseUnless(index < size, 'PROOF', 'index outside the tree');
  let fn = index, sn = size - 1n, hash = leaf;
  for (const p of path) {
    refuseUnless(sn !== 0n, 'PROOF', 'path too long');
    if ((fn & 1n) === 1n || fn === sn) {
      hash = nodeHash(p, hash);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      hash = nodeHash(hash, p);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  refuseUnless(sn === 0n, 'PROOF', 'path too short');
  return hash;
}

// C2SP checkpoint and signed note: the text signed, and its one signature line
export const checkpointText = (origin, size, root) => `${origin}\n${size}\n${base64(root)}\n`;

const ED25519_NOTE = 1;
const noteKeyId = (name, pk) => sha256(concat(utf8(`${name}\n`), u8(ED25519_NOTE), pk)).slice(0, 4);

export function note(text, name, pk, sig) {
  return `${text}\n\u2014 ${name} ${base64(concat(noteKeyId(name, pk), sig))}\n`;
}

// -> { text, sig } of a note with a signature line of this name and key; the signature itself is not yet verified
export function noteParse(signed, name, pk) {
  const split = signed.lastIndexOf('\n\n');
  refuseUnless(split >= 0, 'TEXT_FORM', 'a note has an empty line');
  const text = signed.slice(0, split + 1);
  const lines = signed.slice(split + 2).split('\n');
  refuseUnless(lines.pop() === '' && lines.length > 0, 'TEXT_FORM', 'signature lines');
  const mine = [];
  for (const line of lines) {
    const parts = /^\u2014 (\S+) (\S+)$/.exec(line);
    refuseUnless(parts, 'TEXT_FORM', 'signature line');
    const raw = unbase64(parts[2]);
    if (parts[1] === name && raw.length === 68 && equal(raw.subarray(0, 4), noteKeyId(name, pk))) mine.push(raw.slice(4));
  }
  refuseUnless(mine.length === 1, 'CHECKPOINT', 'not signed by this log');
  return { text, sig: mine[0] };
}
