// Section 6.4: a large file as chunks, each sealed under its place, and the address of them all.
import { H, aeadOpen, aeadSeal } from './crypto.mjs';
import { concat, le32, le64, refuseUnless } from './bytes.mjs';
import { uint } from './shape.mjs';

const CHUNK = 262144n;
const TAG = 16n;
const PLAIN_MAX = 268435456n;
const CHUNKS_MAX = 1025n;
const EMPTY = new Uint8Array();

export const chunksOf = (sealed) => (sealed + CHUNK - 1n) / CHUNK;
export const sealedOf = (plain) => plain + ((plain + CHUNK - TAG - 1n) / (CHUNK - TAG)) * TAG;

// A size that the chunks of an attachment can have
export function sealedSize(v, codes) {
  uint()(v, codes);
  refuseUnless(v >= 1n && v <= PLAIN_MAX + CHUNKS_MAX * TAG, codes.value, `${v}`);
  const last = v % CHUNK;
  refuseUnless(last === 0n || last > TAG, codes.value, `${v}`);
  return v;
}

const nonce = (i, last) => concat(le32(i), new Uint8Array([last ? 1 : 0]), new Uint8Array(19));

export const sealChunk = (key, i, last, piece) => aeadSeal(key, nonce(i, last), EMPTY, piece);
export const openChunk = (key, i, last, chunk) => aeadOpen(key, nonce(i, last), EMPTY, chunk);
export const chunkHash = (i, chunk) => H(256, 'relais/att1/chunk', concat(le32(i), chunk));
export const address = (size, hashes) => H(256, 'relais/att1/address', concat(le64(size), ...hashes));
