// Section 14.1: a node's keys in printed parts. Arithmetic by logarithms, which Relais does not use.
import { H, BASE32 } from './crypto.mjs';
import { concat, equal, refuse, refuseUnless, u8 } from './bytes.mjs';

const EXP = new Uint8Array(255), LOG = new Uint8Array(256);
for (let i = 0, x = 1; i < 255; i++) {
  EXP[i] = x;
  LOG[x] = i;
  x ^= x << 1; // times 3, a generator
  if (x & 0x100) x ^= 0x11b;
}
const times = (a, b) => (a && b ? EXP[(LOG[a] + LOG[b]) % 255] : 0);
const over = (a, b) => (a ? EXP[(LOG[a] - LOG[b] + 255) % 255] : 0);

export const VALUE_BYTES = 104;
const [LINES, LINE_BYTES, CHARS, CHECK_CHARS, TAG_BYTES, MOST] = [8, 15, 24, 4, 4, 16];

// Horner, the highest power first
export function partOf(shared, random, threshold, x) {
  return shared.map((secret, at) => {
    let y = 0;
    for (let i = threshold - 1; i >= 1; i--) y = times(y, x) ^ random[(i - 1) * VALUE_BYTES + at];
    return times(y, x) ^ secret;
  });
}

export function join(parts) {
  return parts[0].value.map((_, at) => parts.reduce((sum, { number, value }) => sum ^ parts.reduce(
    (y, other) => (other.number === number ? y : times(y, over(other.number, other.number ^ number))), value[at]), 0));
}

export const checkOf = (set, threshold, secrets) =>
  H(128, 'relais/share1/check', concat(set, u8(threshold), ...secrets)).slice(0, 8);

function base32(bytes, chars) {
  const bits = [...bytes].map((b) => b.toString(2).padStart(8, '0')).join('');
  return [...Array(chars).keys()].map((i) => BASE32[parseInt(bits.slice(5 * i, 5 * i + 5), 2)]).join('');
}

const lineCheck = (number, bytes) => base32(H(128, 'relais/share1/line', concat(u8(number), bytes)), CHECK_CHARS);

function lineWrite(number, bytes) {
  return `${number}: ${base32(bytes, CHARS).match(/.{6}/g).join(' ')} ${lineCheck(number, bytes)}`;
}

function lineRead(number, text) {
  const typed = text.slice(2).toUpperCase().replace(/[\s-]/g, '').replaceAll('0', 'O').replaceAll('1', 'I').replaceAll('8', 'B');
  refuseUnless(/^[A-Z2-7]{28}$/.test(typed), 'TEXT_FORM', 'characters');
  const bits = [...typed.slice(0, CHARS)].map((c) => BASE32.indexOf(c).toString(2).padStart(5, '0')).join('');
  const bytes = new Uint8Array(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  refuseUnless(lineCheck(number, bytes) === typed.slice(CHARS), 'TEXT_FORM', 'check');
  return bytes;
}

export function sheetWrite({ set, threshold, count, number, value }) {
  const body = concat(u8(1), set, u8(threshold), u8(count), u8(number), value);
  const sheet = concat(body, H(128, 'relais/share1/sheet', body).slice(0, TAG_BYTES));
  return [...Array(LINES).keys()].map((i) => lineWrite(i + 1, sheet.slice(LINE_BYTES * i, LINE_BYTES * (i + 1))));
}

export function sheetRead(text) {
  const lines = new Map();
  for (const line of text.split('\n').map((l) => l.trim())) {
    const number = /^[1-8]:/.test(line) ? Number(line[0]) : 0;
    if (!number) continue;
    if (lines.has(number)) refuse('EXISTS', 'a line twice');
    lines.set(number, lineRead(number, line));
  }
  for (let i = 1; i <= LINES; i++) refuseUnless(lines.has(i), 'FIELD_MISSING', `line ${i}`);
  const sheet = concat(...[...Array(LINES).keys()].map((i) => lines.get(i + 1)));
  const body = sheet.slice(0, -TAG_BYTES);
  refuseUnless(sheet[0] === 1, 'VERSION');
  refuseUnless(equal(H(128, 'relais/share1/sheet', body).slice(0, TAG_BYTES), sheet.slice(-TAG_BYTES)), 'CONFLICT', 'tag');
  const [threshold, count, number] = body.slice(9, 12);
  refuseUnless(threshold >= 2 && threshold <= count && count <= MOST && number >= 1 && number <= count, 'FIELD_VALUE');
  return { set: body.slice(1, 9), threshold, count, number, value: body.slice(12) };
}
