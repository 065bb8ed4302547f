// Bytes and refusals: what every other file here leans on. Knows nothing of Relais.

// A refusal carries the name of a row of section 13 (without ERR_) and, for envelopes, the step of 5.4.
export class Refusal extends Error {
  constructor(code, why = '') {
    super(why ? `${code}: ${why}` : code);
    this.code = code;
    this.step = 0;
  }
}

export function refuse(code, why) {
  throw new Refusal(code, why);
}

export function refuseUnless(condition, code, why) {
  if (!condition) throw new Refusal(code, why);
}

// Runs `work`; what it refuses comes back as { code, step }. Anything else is a bug here and goes on.
export function outcome(work) {
  try {
    return { value: work() };
  } catch (e) {
    if (!(e instanceof Refusal)) throw e;
    return { refusal: { error: e.code, step: e.step }, why: e.message };
  }
}

export async function outcomeOf(work) {
  try {
    return { value: await work() };
  } catch (e) {
    if (!(e instanceof Refusal)) throw e;
    return { refusal: { error: e.code, step: e.step }, why: e.message };
  }
}

export const utf8 = (text) => new TextEncoder().encode(text);
export const hex = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
export const base64 = (bytes) => Buffer.from(bytes).toString('base64');

export function unhex(text) {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Error(`not lower-case hex: ${text.slice(0, 40)}`);
  return new Uint8Array(Buffer.from(text, 'hex'));
}

// Standard alphabet, padded, and the only encoding of these bytes.
export function unbase64(text) {
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  refuseUnless(base64(bytes) === text, 'TEXT_FORM', 'base64');
  return bytes;
}

export function concat(...parts) {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}

export function equal(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function integer(bytes, value, littleEndian) {
  const out = new Uint8Array(bytes);
  let left = BigInt(value);
  for (let i = 0; i < bytes; i++, left >>= 8n) out[littleEndian ? i : bytes - 1 - i] = Number(left & 0xffn);
  if (left !== 0n) throw new RangeError(`${value} does not fit ${bytes} bytes`);
  return out;
}

export const u8 = (value) => integer(1, value, true);
export const le16 = (value) => integer(2, value, true);
export const le32 = (value) => integer(4, value, true);
export const le64 = (value) => integer(8, value, true);
export const be64 = (value) => integer(8, value, false);
