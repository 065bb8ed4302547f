// MP1, section 1: MessagePack restricted to one encoding per value.
// Integers are BigInt, bin is Uint8Array, a map is a Map with Number keys in ascending order.
import { Refusal, concat, integer, refuse, refuseUnless, utf8 } from './bytes.mjs';

const DEPTH_MAX = 8;
const ITEMS_MAX = 4096;
const KEY_MAX = 255n;

const fatalUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
    this.items = 0;
  }

  take(n) {
    refuseUnless(n <= this.bytes.length - this.at, 'TRUNCATED', `${n} bytes at ${this.at}`);
    this.at += n;
    return this.bytes.subarray(this.at - n, this.at);
  }

  unsigned(n) {
    let value = 0n;
    for (const byte of this.take(n)) value = (value << 8n) | BigInt(byte);
    return value;
  }

  // A number behind a head of its own: refused when a shorter head would have done.
  shortest(n, least) {
    const value = this.unsigned(n);
    refuseUnless(value >= least, 'NOT_CANONICAL', `${value} in ${n} bytes`);
    return value;
  }

  // Negative only: what is 0 or more has its place in the unsigned family.
  negative(n, most) {
    const value = BigInt.asIntN(8 * n, this.unsigned(n));
    refuseUnless(value <= most, 'NOT_CANONICAL', `${value} in ${n} bytes`);
    return value;
  }

  text(length) {
    const raw = this.take(Number(length));
    let text;
    try {
      text = fatalUtf8.decode(raw);
    } catch {
      refuse('UTF8');
    }
    refuseUnless(!text.includes('\0'), 'UTF8', 'NUL');
    return text;
  }

  bin(length) {
    return this.take(Number(length)).slice();
  }

  array(count, depth) {
    refuseUnless(depth <= DEPTH_MAX, 'DEPTH');
    refuseUnless(count <= BigInt(this.bytes.length - this.at), 'TRUNCATED', `${count} elements`);
    const out = [];
    for (let i = 0n; i < count; i++) out.push(this.value(depth + 1));
    return out;
  }

  map(count, depth) {
    refuseUnless(depth <= DEPTH_MAX, 'DEPTH');
    refuseUnless(2n * count <= BigInt(this.bytes.length - this.at), 'TRUNCATED', `${count} pairs`);
    const out = new Map();
    let last = -1;
    for (let i = 0n; i < count; i++) {
      const key = this.key();
      refuseUnless(key !== last, 'DUPLICATE_KEY', `${key}`);
      refuseUnless(key > last, 'KEY_ORDER', `${key}`);
      out.set(key, this.value(depth + 1));
      last = key;
    }
    return out;
  }

  uint() {
    const head = this.bytes[this.at];
    refuseUnless(head === undefined || head <= 0x7f || (head >= 0xcc && head <= 0xcf), 'TYPE', 'not unsigned');
    return this.value(0);
  }

  key() {
    const key = this.uint();
    refuseUnless(key <= KEY_MAX, 'FIELD_VALUE', 'map key');
    return Number(key);
  }

  // depth: of the array or map that this value would be
  value(depth) {
    refuseUnless(++this.items <= ITEMS_MAX, 'ITEMS');
    const head = this.take(1)[0];
    if (head <= 0x7f) return BigInt(head);
    if (head <= 0x8f) return this.map(BigInt(head & 0x0f), depth);
    if (head <= 0x9f) return this.array(BigInt(head & 0x0f), depth);
    if (head <= 0xbf) return this.text(BigInt(head & 0x1f));
    if (head >= 0xe0) return BigInt(head) - 256n;
    switch (head) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: return this.bin(this.unsigned(1));
      case 0xc5: return this.bin(this.shortest(2, 0x100n));
      case 0xc6: return this.bin(this.shortest(4, 0x10000n));
      case 0xcc: return this.shortest(1, 0x80n);
      case 0xcd: return this.shortest(2, 0x100n);
      case 0xce: return this.shortest(4, 0x10000n);
      case 0xcf: return this.shortest(8, 0x100000000n);
      case 0xd0: return this.negative(1, -33n);
      case 0xd1: return this.negative(2, -129n);
      case 0xd2: return this.negative(4, -32769n);
      case 0xd3: return this.negative(8, -2147483649n);
      case 0xd9: return this.text(this.shortest(1, 32n));
      case 0xda: return this.text(this.shortest(2, 0x100n));
      case 0xdb: return this.text(this.shortest(4, 0x10000n));
      case 0xdc: return this.array(this.shortest(2, 16n), depth);
      case 0xdd: return this.array(this.shortest(4, 0x10000n), depth);
      case 0xde: return this.map(this.shortest(2, 16n), depth);
      case 0xdf: return this.map(this.shortest(4, 0x10000n), depth);
      default: return refuse('TYPE', `head ${head.toString(16)}`); // float, ext, and c1 which is nothing
    }
  }
}

// Exactly one value, or a Refusal.
export function decode(bytes) {
  const reader = new Reader(bytes);
  const value = reader.value(1);
  refuseUnless(reader.at === bytes.length, 'TRAILING', `${bytes.length - reader.at} bytes`);
  return value;
}

// The first pair of a map, if its key and its value are unsigned integers: all that step 3 of 5.4 may
// look at. undefined when the bytes do not begin so (step 4 will say what is wrong with them).
export function firstPair(bytes) {
  const reader = new Reader(bytes);
  try {
    const head = reader.take(1)[0];
    if (head === 0xde) reader.shortest(2, 16n);
    else if (head === 0xdf) reader.shortest(4, 0x10000n);
    else if (head < 0x81 || head > 0x8f) return undefined;
    return { key: reader.uint(), value: reader.uint() };
  } catch (e) {
    if (e instanceof Refusal) return undefined;
    throw e;
  }
}

function head(value, forms) {
  for (const [below, first, bytes] of forms) {
    if (value < below) return bytes ? concat(Uint8Array.of(first), integer(bytes, value, false)) : Uint8Array.of(first + Number(value));
  }
  throw new RangeError(`${value}`);
}

const SMALL = 0x100n, MIDDLE = 0x10000n, LARGE = 0x100000000n, HUGE = 1n << 64n;
const UNSIGNED = [[0x80n, 0, 0], [SMALL, 0xcc, 1], [MIDDLE, 0xcd, 2], [LARGE, 0xce, 4], [HUGE, 0xcf, 8]];
const TEXT = [[32n, 0xa0, 0], [SMALL, 0xd9, 1], [MIDDLE, 0xda, 2], [LARGE, 0xdb, 4]];
const BIN = [[SMALL, 0xc4, 1], [MIDDLE, 0xc5, 2], [LARGE, 0xc6, 4]];
const ARRAY = [[16n, 0x90, 0], [MIDDLE, 0xdc, 2], [LARGE, 0xdd, 4]];
const MAP = [[16n, 0x80, 0], [MIDDLE, 0xde, 2], [LARGE, 0xdf, 4]];

function negative(value) {
  if (value >= -32n) return Uint8Array.of(Number(value + 256n));
  for (const [first, bytes] of [[0xd0, 1], [0xd1, 2], [0xd2, 4], [0xd3, 8]]) {
    if (value >= -(1n << BigInt(8 * bytes - 1))) {
      return concat(Uint8Array.of(first), integer(bytes, BigInt.asUintN(8 * bytes, value), false));
    }
  }
  throw new RangeError(`${value}`);
}

export function encode(value) {
  if (value === null) return Uint8Array.of(0xc0);
  if (typeof value === 'boolean') return Uint8Array.of(value ? 0xc3 : 0xc2);
  if (typeof value === 'number') return encode(BigInt(value));
  if (typeof value === 'bigint') return value < 0n ? negative(value) : head(value, UNSIGNED);
  if (typeof value === 'string') return concat(head(BigInt(utf8(value).length), TEXT), utf8(value));
  if (value instanceof Uint8Array) return concat(head(BigInt(value.length), BIN), value);
  if (Array.isArray(value)) return concat(head(BigInt(value.length), ARRAY), ...value.map(encode));
  if (value instanceof Map) {
    const pairs = [...value].sort(([a], [b]) => a - b);
    return concat(head(BigInt(pairs.length), MAP), ...pairs.flatMap(([k, v]) => [encode(k), encode(v)]));
  }
  throw new TypeError(typeof value);
}
