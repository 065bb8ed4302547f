// Section 5: what a recipient does with an envelope, step by step, and how one is sealed.
import * as mp1 from './mp1.mjs';
import {
  H, aeadOpen, aeadSeal, hpkeOpen, hpkeSeal, pad, sign, signingKid, unpad, verify,
} from './crypto.mjs';
import { sealedSize } from './attachment.mjs';
import { Refusal, concat, equal, hex, le16, refuse, refuseUnless, u8, utf8 } from './bytes.mjs';
import { FIELDS, bin, exactly, id, key32, list, map, maybe, tuple, uint } from './shape.mjs';

const ENVELOPE_MAX = 300000;
const STANZA = 96;
const STANZAS_MAX = 64;
const AHEAD_MAX_MS = 10n * 60n * 1000n;
const LIFE_MAX_MS = 30n * 24n * 3600n * 1000n;
const SUITE = 1n;

const checkpoint = tuple(uint(), key32, bin(64));
const BATCH = 2n;
const BATCH_MIN = 2;
const BATCH_MAX = 1024;
const HASH = 32;
const PLACE = 4;
const SIG = 64;
const SIG_MAX = SIG + PLACE + 10 * HASH;

const header = map({
  suite: [1, exactly(SUITE)],
  mid: [2, id],
  type: [3, uint(1, 2)],
  from: [4, id],
  skid: [5, id],
  to: [6, list(1, STANZAS_MAX, id)],
  ts: [7, uint()],
  exp: [8, uint()],
  seq: [9, uint()],
  circle: [10, id],
  class: [11, uint(1, 31)],
  basis: [12, uint(1, 4)],
  purpose: [13, uint(1, 7)],
  consent: [14, maybe(uint())],
  status: [15, uint(1, 2)],
  sign: [16, uint(1, 2)],
  prio: [17, uint(0, 1)],
  re: [18, maybe(id)],
  deputy: [19, maybe(list(1, 32, tuple(uint(0, 63), uint(60, 30 * 24 * 3600))))],
  dir: [20, tuple(checkpoint, checkpoint)],
  att: [21, maybe(list(1, 16, tuple(key32, sealedSize)))],
  actor: [22, id],
  scat: [23, uint(1, 2)],
  rcat: [24, list(1, STANZAS_MAX, uint(1, 3))],
  notice: [25, maybe(uint())],
});

const outer = tuple(
  uint(),
  bin(1, 4096),
  (v, codes) => {
    bin(STANZA, STANZA * STANZAS_MAX)(v, codes);
    refuseUnless(v.length % STANZA === 0, codes.size, 'rcp is not whole stanzas');
    return v;
  },
  bin(32),
  bin(272, 270352),
  bin(SIG, SIG_MAX),
);

function readHeader(hdr, stanzas, sig) {
  const h = header(mp1.decode(hdr), FIELDS);
  const BASIS_CONSENT = 3n;
  const named = (h.att ?? []).map(([address]) => hex(address));
  refuseUnless(new Set(named).size === named.length, 'FIELD_VALUE', 'an attachment twice');
  refuseUnless(h.basis !== BASIS_CONSENT || h.consent !== undefined, 'FIELD_MISSING', 'consent');
  refuseUnless(h.basis === BASIS_CONSENT || h.consent === undefined, 'FIELD_VALUE', 'consent without basis 3');
  refuseUnless(new Set(h.to.map(hex)).size === h.to.length, 'FIELD_VALUE', 'a recipient twice');
  refuseUnless(h.to.length === stanzas && h.rcat.length === stanzas, 'FIELD_VALUE', 'lists are not aligned');
  checkDeputies(h);
  if (h.sign === BATCH) readPlace(sig);
  else refuseUnless(sig.length === SIG, 'SIZE', 'sig');
  return h;
}

// 5.5: the last of `to`, each for another of those before them, in their order
function checkDeputies({ deputy = [], to }) {
  const recipients = to.length - deputy.length;
  refuseUnless(deputy.length <= recipients, 'FIELD_VALUE', 'more deputies than recipients');
  deputy.forEach(([instead], i) => {
    refuseUnless(instead < recipients, 'FIELD_VALUE', 'in place of a deputy');
    refuseUnless(i === 0 || instead > deputy[i - 1][0], 'FIELD_VALUE', 'order of the deputies');
  });
}

// 5.3: place and path behind the 64 bytes of a batch
function readPlace(sig) {
  refuseUnless(sig.length >= SIG + PLACE, 'SIZE', 'no place');
  const [index, count] = [sig[64] + 256 * sig[65], sig[66] + 256 * sig[67]];
  refuseUnless(count >= BATCH_MIN && count <= BATCH_MAX && index < count, 'FIELD_VALUE', 'place');
  const rest = sig.subarray(SIG + PLACE);
  refuseUnless(rest.length === HASH * sides(index, count).length, 'SIZE', 'path');
  return { index, count, path: rest };
}

// From the leaf up, the side of each neighbour; RFC 6962 2.1.1: the tree splits at the largest power of two
function sides(index, count) {
  if (count === 1) return [];
  let k = 1;
  while (2 * k < count) k *= 2;
  return index < k ? [...sides(index, k), 'right'] : [...sides(index - k, count - k), 'left'];
}

const batchNode = (left, right) => H(256, 'relais/env1/node', concat(left, right));

function batchClaim({ index, count, path }, from, skid, digest) {
  const root = sides(index, count).reduce((at, side, i) => {
    const other = path.subarray(HASH * i, HASH * (i + 1));
    return side === 'right' ? batchNode(at, other) : batchNode(other, at);
  }, H(256, 'relais/env1/leaf', digest));
  return H(512, 'relais/env1/batchroot', concat(from, skid, le16(count), le16(0), root));
}

const headerHash = (hdr) => H(512, 'relais/env1/hdr', hdr);
const stanzasHash = (rcp) => H(512, 'relais/env1/rcp', rcp);
const wrapInfo = (hh) => concat(u8(16), utf8('relais/env1/wrap'), hh);
const wrapAad = (i, kid, org) => concat(le16(i), kid, org);
const commitment = (mk, hh) => H(256, 'relais/env1/commit', hh, mk);
const bodyAad = (hh, rh, com) => H(512, 'relais/env1/aad', concat(hh, rh, com));

function bodyKeys(mk, hh, com) {
  const kn = H(512, 'relais/env1/body', concat(hh, com), mk);
  return { k: kn.slice(0, 32), n: kn.slice(32, 56) };
}

const envelopeDigest = (ver, hh, rh, com, ct) =>
  H(512, 'relais/env1/digest', concat(u8(ver), hh, rh, com, H(512, 'relais/env1/ct', ct)));

// One step of 5.4: what it refuses is marked with its number.
async function step(number, work) {
  try {
    return await work();
  } catch (e) {
    if (e instanceof Refusal && !e.step) e.step = number;
    throw e;
  }
}

// Steps 1 to 14. `at` is the receiver: { org, prekeys: [{kid, secret}], mode, now, directory, seen }.
// -> everything on the way, or a Refusal with its step
export async function receive(bytes, at) {
  const r = {};
  await step(1, () => refuseUnless(bytes.length <= ENVELOPE_MAX, 'SIZE', `${bytes.length}`));
  await step(2, () => {
    [r.ver, r.hdr, r.rcp, r.com, r.ct, r.sig] = outer(mp1.decode(bytes), FIELDS);
  });
  await step(3, () => {
    refuseUnless(r.ver === 1n, 'VERSION', `${r.ver}`);
    const first = mp1.firstPair(r.hdr);
    refuseUnless(!first || first.key !== 1n || first.value === SUITE, 'SUITE', `${first?.value}`);
  });
  await step(4, () => {
    r.header = readHeader(r.hdr, r.rcp.length / STANZA, r.sig);
  });
  const h = r.header;
  await step(5, () => refuseUnless(h.status === BigInt(at.mode), 'MODE', `${h.status}`));
  const signer = await step(6, () => signerOf(h, at.directory));
  await step(7, () => {
    r.hh = headerHash(r.hdr);
    r.rh = stanzasHash(r.rcp);
    r.digest = envelopeDigest(r.ver, r.hh, r.rh, r.com, r.ct);
    const good = h.sign === BATCH
      ? verify(signer.pk, 'relais/env1/batch', batchClaim(readPlace(r.sig), h.from, h.skid, r.digest), r.sig.subarray(0, SIG))
      : verify(signer.pk, 'relais/env1/sig', r.digest, r.sig);
    refuseUnless(good, 'FORGED');
  });
  const prekey = await step(8, () => {
    r.index = h.to.findIndex((org) => equal(org, at.org));
    refuseUnless(r.index >= 0, 'ADDRESSEE', 'not in `to`');
    r.stanza = r.rcp.slice(STANZA * r.index, STANZA * (r.index + 1));
    const own = at.prekeys.find((p) => equal(p.kid, r.stanza.subarray(0, 16)));
    refuseUnless(own, 'ADDRESSEE', 'stanza to a key that is not held');
    return own;
  });
  await step(9, () => {
    refuseUnless(h.ts <= at.now + AHEAD_MAX_MS, 'SKEW');
    refuseUnless(at.now <= h.exp, 'EXPIRED');
    refuseUnless(h.ts < h.exp && h.exp <= h.ts + LIFE_MAX_MS, 'EXPIRY_LIMIT');
  });
  await step(10, () => {
    const before = at.seen.find((s) => equal(s.mid, h.mid) && equal(s.from, h.from));
    if (before) refuse(equal(before.digest, r.digest) ? 'DUPLICATE' : 'MID_REUSED');
  });
  await step(11, async () => {
    r.wrapInfo = wrapInfo(r.hh);
    r.wrapAad = wrapAad(r.index, prekey.kid, at.org);
    r.mk = await hpkeOpen(prekey.secret, r.wrapInfo, r.wrapAad, r.stanza.subarray(16, 48), r.stanza.subarray(48));
    refuseUnless(r.mk.length === 32, 'OPEN', 'mk');
  });
  await step(12, () => refuseUnless(equal(commitment(r.mk, r.hh), r.com), 'OPEN', 'commitment'));
  const padded = await step(13, () => {
    Object.assign(r, bodyKeys(r.mk, r.hh, r.com));
    r.bodyAad = bodyAad(r.hh, r.rh, r.com);
    return aeadOpen(r.k, r.n, r.bodyAad, r.ct);
  });
  await step(14, () => {
    r.paddedLength = padded.length;
    r.body = unpad(padded);
  });
  return r;
}

function signerOf({ from, skid }, directory) {
  const row = directory.find((d) => equal(d.org, from) && equal(d.skid, skid));
  refuseUnless(row && equal(signingKid(row.pk), skid), 'KEY_UNKNOWN');
  refuseUnless(row.state !== 'pending', 'KEY_UNKNOWN', 'not in effect');
  refuseUnless(row.state !== 'revoked', 'KEY_REVOKED');
  if (row.state !== 'active') throw new Error(`directory state ${row.state}`);
  return row;
}

export { step };

// The other way. `stanzas`: { pk, kid, org, ephemeral?, wrapped? }, in the order of `to`; `batch`: { index, count, path, from, skid }.
export async function seal({ hdr, body, mk, stanzas, seed, batch }) {
  const VER = 1n;
  const hh = headerHash(hdr);
  const wraps = [];
  for (const [i, s] of stanzas.entries()) {
    const { enc, wrap } = await hpkeSeal(s.pk, wrapInfo(hh), wrapAad(i, s.kid, s.org), s.wrapped ?? mk, s.ephemeral);
    wraps.push(concat(s.kid, enc, wrap));
  }
  const rcp = concat(...wraps);
  const rh = stanzasHash(rcp);
  const com = commitment(mk, hh);
  const { k, n } = bodyKeys(mk, hh, com);
  const ct = aeadSeal(k, n, bodyAad(hh, rh, com), pad(body));
  const digest = envelopeDigest(VER, hh, rh, com, ct);
  const sig = batch
    ? concat(sign(seed, 'relais/env1/batch', batchClaim(batch, batch.from, batch.skid, digest)), le16(batch.index), le16(batch.count), batch.path)
    : sign(seed, 'relais/env1/sig', digest);
  return mp1.encode([VER, hdr, rcp, com, ct, sig]);
}
