// Section 6.4: a large file as chunks, each sealed under its place, and the address of them all.
// Section 11: the messages about it.
import { H, aeadOpen, aeadSeal } from './crypto.mjs';
import * as mp1 from './mp1.mjs';
import { concat, equal, le32, le64, outcome, refuseUnless } from './bytes.mjs';
import { FIELDS, bin, bool, key32, tuple, uint } from './shape.mjs';

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

// What is taken of chunks that come in this order, given size, list and address -> { size, chunks, whole, refusal }
export function receive({ size, address: named, hashes }, offers) {
  const kept = { size, chunks: [], whole: false };
  const { refusal } = outcome(() => {
    sealedSize(size, FIELDS);
    const count = Number(chunksOf(size));
    refuseUnless(hashes.length === count, 'SIZE', 'another number of hashes');
    refuseUnless(equal(address(size, hashes), named), 'ATTACHMENT_ADDRESS', 'address');
    for (const { i, chunk } of offers) {
      if (i !== kept.chunks.length || i >= count) continue;
      const bytes = i < count - 1 ? CHUNK : size - BigInt(i) * CHUNK;
      refuseUnless(BigInt(chunk.length) === bytes, 'ATTACHMENT_ADDRESS', 'length');
      refuseUnless(equal(chunkHash(i, chunk), hashes[i]), 'ATTACHMENT_ADDRESS', 'hash');
      kept.chunks.push(chunk);
      kept.whole = kept.chunks.length === count;
    }
  });
  return { ...kept, refusal: refusal?.error };
}

// -> { opens, refusal }: how many of its chunks open, from the first
export function openFile(key, { size, chunks }) {
  const count = Number(chunksOf(size));
  let opens = 0;
  const { refusal } = outcome(() => {
    for (const chunk of chunks) {
      openChunk(key, opens, opens === count - 1, chunk);
      opens++;
    }
  });
  return { opens, refusal: refusal?.error };
}

const HASHES_MAX = Number(CHUNKS_MAX) * 32;
const [type, req] = [uint(), uint()];
const size = uint(0, PLAIN_MAX + CHUNKS_MAX * TAG);
const place = uint(0, CHUNKS_MAX - 1n);
const hashes = bin(0, HASHES_MAX);
const chunk = bin(Number(TAG) + 1, Number(CHUNK));

// One hash for each chunk; no list fits a size that chunks cannot have
function listed(all, bytes) {
  const { refusal } = outcome(() => sealedSize(all, FIELDS));
  refuseUnless(!refusal && BigInt(bytes.length) === chunksOf(all) * 32n, 'SIZE', 'hashes of another size');
}

const openFits = ([, , , all, list]) => (all === 0n ? refuseUnless(list.length === 0, 'SIZE', 'hashes of nothing') : listed(all, list));
const stateFits = ([, , , all, , , list]) => (list.length === 0 ? undefined : listed(all, list));

const MESSAGES = new Map([
  [23n, { from: 'node', largest: 36000, shape: tuple(type, req, key32, size, hashes), fits: openFits }],
  [24n, { from: 'hub', largest: 36000, shape: tuple(type, req, key32, size, uint(0, CHUNKS_MAX), bool, hashes), fits: stateFits }],
  [25n, { from: 'node', largest: 263000, shape: tuple(type, req, key32, place, chunk) }],
  [26n, { from: 'node', largest: 128, shape: tuple(type, req, key32, place) }],
  [27n, { from: 'hub', largest: 263000, shape: tuple(type, req, key32, place, chunk) }],
  [28n, { from: 'node', largest: 128, shape: tuple(type, req, key32) }],
]);

export function readMessage(frame, from) {
  const raw = mp1.decode(frame);
  const row = Array.isArray(raw) && MESSAGES.get(raw[0]);
  refuseUnless(row, 'MESSAGE_UNKNOWN');
  refuseUnless(row.from === from, 'MESSAGE_STATE', `not of a ${from}`);
  refuseUnless(frame.length <= row.largest, 'SIZE', 'message');
  row.shape(raw, FIELDS);
  row.fits?.(raw);
  return raw;
}
