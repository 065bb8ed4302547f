// Rows that say what a map or an array may hold; every structure of the page is one of these tables.
import { refuseUnless, utf8 } from './bytes.mjs';

// Codes: how a kind of structure names its faults. An envelope's header says which (section 13);
// a payload says SCHEMA for whatever its tables do not allow.
export const FIELDS = { type: 'TYPE', size: 'SIZE', value: 'FIELD_VALUE', missing: 'FIELD_MISSING' };
export const SCHEMA = { type: 'SCHEMA', size: 'SCHEMA', value: 'SCHEMA', missing: 'SCHEMA' };

const IGNORED_FROM = 64; // section 1, rule 3

export const uint = (least = 0n, most = (1n << 64n) - 1n) => (v, codes) => {
  refuseUnless(typeof v === 'bigint' && v >= 0n, codes.type, 'uint');
  refuseUnless(v >= BigInt(least) && v <= BigInt(most), codes.value, `${v}`);
  return v;
};

export const bin = (least, most = least) => (v, codes) => {
  refuseUnless(v instanceof Uint8Array, codes.type, 'bin');
  refuseUnless(v.length >= least && v.length <= most, codes.size, `bin of ${v.length}`);
  return v;
};

export const bool = (v, codes) => {
  refuseUnless(typeof v === 'boolean', codes.type, 'bool');
  return v;
};

// Text for people: sizes are bytes, form is NFC
export const text = (least, most = least, form = null) => (v, codes) => {
  refuseUnless(typeof v === 'string', codes.type, 'text');
  const size = utf8(v).length;
  refuseUnless(size >= least && size <= most, codes.size, `text of ${size}`);
  refuseUnless(v === v.normalize('NFC'), 'NFC');
  refuseUnless(!form || form.test(v), codes.value, v);
  return v;
};

export const list = (least, most, element) => (v, codes) => {
  refuseUnless(Array.isArray(v), codes.type, 'array');
  refuseUnless(v.length >= least && v.length <= most, codes.size, `array of ${v.length}`);
  return v.map((e) => element(e, codes));
};

export const tuple = (...elements) => (v, codes) => {
  refuseUnless(Array.isArray(v), codes.type, 'array');
  refuseUnless(v.length === elements.length, codes.size, `array of ${v.length}`);
  return v.map((e, i) => elements[i](e, codes));
};

export const exactly = (value) => uint(value, value);
export const maybe = (what) => Object.assign((v, codes) => what(v, codes), { optional: true });
export const id = bin(16);
export const key32 = bin(32);

// table: { name: [key, shape] } -> object by name (a field that is absent is undefined)
export const map = (table) => {
  const rows = Object.entries(table).map(([name, [key, shape]]) => ({ name, key, shape }));
  const keys = new Set(rows.map((r) => r.key));
  return (v, codes) => {
    refuseUnless(v instanceof Map, codes.type, 'map');
    for (const k of v.keys()) refuseUnless(k >= IGNORED_FROM || keys.has(k), 'FIELD_UNKNOWN', `key ${k}`);
    for (const r of rows) refuseUnless(r.shape.optional || v.has(r.key), codes.missing, r.name);
    const out = {};
    for (const r of rows) if (v.has(r.key)) out[r.name] = r.shape(v.get(r.key), codes);
    return out;
  };
};
