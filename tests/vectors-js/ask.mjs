// What the questions of every file share.
// A case is { name, question, answer(given) -> { answers, claims } }: answers are compared with the
// vector, claims ([text, true or false]) hold without one. `spoil(given)` breaks the input, for the control.
import { hex } from './bytes.mjs';

const number = (v) => (v <= BigInt(Number.MAX_SAFE_INTEGER) && v >= -BigInt(Number.MAX_SAFE_INTEGER) ? Number(v) : `${v}`);

// `decoded`: maps are objects by key, bin is {"bin": hex}
export function asJson(value) {
  if (typeof value === 'bigint') return number(value);
  if (value instanceof Uint8Array) return { bin: hex(value) };
  if (Array.isArray(value)) return value.map(asJson);
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [k, asJson(v)]));
  return value;
}

// What was read by name, with bare hex
export function byName(value) {
  if (typeof value === 'bigint') return number(value);
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(byName);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, byName(v)]));
  return value;
}

export const flip = (text, at = Math.floor(text.length / 4) * 2) =>
  text.slice(0, at) + (text[at] === '0' ? '1' : '0') + text.slice(at + 1);
export const spoilHex = (field) => (given) => ({ ...given, [field]: flip(given[field]) });

// Every `every`-th byte, under each of two bit patterns: how many changes `accepted` lets through
const PATTERNS = [0x01, 0x80];
export async function changesAccepted(bytes, every, first, accepted) {
  let tried = 0, through = 0;
  for (let at = first; at < bytes.length; at += every) {
    for (const pattern of PATTERNS) {
      const changed = bytes.slice();
      changed[at] ^= pattern;
      tried++;
      if (await accepted(changed)) through++;
    }
  }
  return { tried, through };
}

export const EVERY = 7;
export const allRefused = ({ tried, through }) => [`${tried} single-byte changes are refused, ${through} were not`, tried > 0 && through === 0];

// Two faults at once, or a name that the page leaves open: here the step is binding, and this reading
// says so in its own words (proto/vectors/README.md, "Bad"). Anything else must have the vector's name.
export const OWN_NAMES = {
  'mp1 bad: key 256': 'FIELD_VALUE', // "a number outside its values"; Relais: RANGE
  'envelope bad: key-256': 'FIELD_VALUE',
  'envelope bad: nested-arrays': 'DEPTH', // strict comes before the limits of the parts
  'envelope bad: nested-in-version': 'DEPTH',
  'envelope bad: header-garbage': 'TRAILING', // ff is -1, a whole value: three bytes follow it
};
