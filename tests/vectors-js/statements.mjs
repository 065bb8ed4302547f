// Sections 7 and 8: the keys log and the chain of a circle, as a member's node checks them.
// A state is never changed: apply() gives the next one, or a Refusal.
import * as mp1 from './mp1.mjs';
import { H, boxKid, signingKid, verify } from './crypto.mjs';
import { concat, equal, hex, le16, refuseUnless } from './bytes.mjs';
import { FIELDS, bin, bool, id, key32, list, map, maybe, text, tuple, uint } from './shape.mjs';

const ROLE = { registrar: 1n, founder: 2n, node: 3n, countersigner: 4n, hub: 5n, author: 6n, counter: 7n, successor: 8n };
const NOBODY = new Uint8Array(16);
const EMERGENCY = 4n, EXERCISE = 2n;

const signature = tuple(uint(1, 8), id, id, bin(64));
const signedStatement = tuple(bin(1, 4096), list(1, 16, signature));

// 7.1 -> { stmt, sigs: [{ role, org, kid, sig }] }, ascending by (role, org)
export function readSigned(bytes, roles) {
  const [stmt, rows] = signedStatement(mp1.decode(bytes), FIELDS);
  const sigs = rows.map(([role, org, kid, sig]) => ({ role, org, kid, sig }));
  sigs.forEach((s, i) => {
    refuseUnless(roles.includes(s.role), 'FIELD_VALUE', `role ${s.role}`);
    refuseUnless(i === 0 || order(sigs[i - 1]) < order(s), 'KEY_ORDER', 'signatures');
    const ofNobody = s.role === ROLE.registrar || s.role === ROLE.hub;
    refuseUnless(equal(s.org, NOBODY) === ofNobody, 'FIELD_VALUE', 'org of a signature');
  });
  return { stmt, sigs };
}

const order = (s) => hex(concat(le16(s.role), s.org));

// Exactly these signatures, neither more nor fewer. wanted: [{ role, org?, pk }]
function checkSignatures(sigs, wanted, context, digest) {
  refuseUnless(sigs.length === wanted.length, 'FIELD_VALUE', `${sigs.length} signatures, not ${wanted.length}`);
  for (const w of wanted) {
    const s = sigs.find((x) => x.role === w.role && equal(x.org, w.org ?? NOBODY));
    refuseUnless(s, 'FIELD_MISSING', `signature of role ${w.role}`);
    refuseUnless(equal(s.kid, signingKid(w.pk)), 'KEY_UNKNOWN', 'kid of a signature');
    refuseUnless(verify(w.pk, context, digest, s.sig), 'FORGED');
  }
}

export const statementDigest = (stmt) => H(512, 'relais/keys1/stmt', stmt);
export const possessionDigest = (body) => H(512, 'relais/keys1/possession', body);

const common = { kind: [1, uint()], federation: [2, id], ts: [3, uint()] };
const LABEL = /^[a-z0-9.-]+$/;
const NATIONAL = /^(|1[0-9A-Z]{9}|3\d{14})$/;

const KEYS = {
  1: map({
    ...common,
    name: [4, text(1, 64, LABEL)], mode: [5, uint(1, 2)],
    hubTransport: [6, key32], hub: [7, key32], keysLog: [8, key32], auditLog: [9, key32], registrar: [10, key32],
    founders: [11, list(1, 16, tuple(id, key32))], delay: [12, uint()], operator: [13, id],
  }),
  2: map({ ...common, body: [4, bin(1, 4096)], possession: [5, bin(64)], effect: [6, uint()] }),
  13: map({ ...common, body: [4, bin(1, 4096)], possession: [5, bin(64)], effect: [6, uint()] }),
  3: map({ ...common, org: [4, id], node: [5, id], number: [6, uint(1)], pk: [7, key32], previous: [8, maybe(id)] }),
  4: map({ ...common, org: [4, id], reason: [5, uint()] }),
  5: map({ ...common, org: [4, id], reason: [5, uint()] }),
  6: map({ ...common, org: [4, id], node: [5, maybe(id)], reason: [6, uint(1, 3)] }),
  7: map({ ...common, org: [4, id], node: [5, id], signing: [6, key32], transport: [7, key32], prekey: [8, bin(1, 4096)] }),
  8: map({
    ...common, which: [4, uint(1, 4)], pk: [5, key32], possession: [6, maybe(bin(64))], effect: [7, uint()], epoch: [8, maybe(uint())],
  }),
  10: map({ ...common, seats: [4, list(1, 15, id)], quorum: [5, uint(1, 15)] }),
  12: map({ ...common, org: [4, id], node: [5, id], number: [6, uint(1)], pk: [7, key32] }),
  9: map({ ...common, org: [4, id], node: [5, id], from: [6, uint()], until: [7, uint()], substitute: [8, maybe(id)] }),
};

const enrolmentBody = map({
  org: [1, id], name: [2, text(1, 200)], kind: [3, uint(1, 7)], national: [4, text(0, 15, NATIONAL)],
  territory: [5, text(0, 100)], services: [6, list(0, 64, text(1, 32))], node: [7, id],
  signing: [8, key32], transport: [9, key32], prekey: [10, bin(1, 4096)], invitation: [11, id],
});

function readKeysStatement(stmt) {
  const raw = mp1.decode(stmt);
  refuseUnless(raw instanceof Map, 'TYPE', 'statement');
  const kind = raw.get(1);
  refuseUnless(kind !== undefined, 'FIELD_MISSING', 'kind');
  refuseUnless(kind !== 11n, 'UNSUPPORTED', 'reserved kind');
  refuseUnless(KEYS[kind], 'FIELD_VALUE', `kind ${kind}`);
  return KEYS[kind](raw, FIELDS);
}

// state: { genesis, nodes: [{ org, node, kind, name, signing, transport, prekeys, revoked }], suspended: [org hex], absences: { org hex: the newest } }
export function applyKeys(state, ss) {
  const { stmt, sigs } = readSigned(ss, [ROLE.registrar, ROLE.founder, ROLE.node, ROLE.countersigner, ROLE.hub, ROLE.successor]);
  const s = readKeysStatement(stmt);
  const signedBy = (...wanted) => checkSignatures(sigs, wanted, 'relais/keys1/statement', statementDigest(stmt));
  if (!state) {
    refuseUnless(s.kind === 1n, 'FIELD_VALUE', 'leaf 0 is the genesis');
    return genesis(s, signedBy);
  }
  refuseUnless(s.kind !== 1n, 'FIELD_VALUE', 'a second genesis');
  refuseUnless(equal(s.federation, state.genesis.federation), 'FIELD_VALUE', 'another federation');
  const next = {
    2: enrolment, 3: prekey, 4: suspend, 5: resume, 6: revoke, 7: nodeKey, 8: hubKey, 9: absence, 10: witnessSet, 12: witnessKey,
    13: enrolment,
  }[s.kind];
  return next(state, s, signedBy, sigs);
}

function genesis(s, signedBy) {
  refuseUnless(s.delay > 0n || s.mode === EXERCISE, 'FIELD_VALUE', 'no delay');
  refuseUnless(new Set(s.founders.map(([org]) => hex(org))).size === s.founders.length, 'FIELD_VALUE', 'a founder twice');
  signedBy({ role: ROLE.registrar, pk: s.registrar }, ...s.founders.map(([org, pk]) => ({ role: ROLE.founder, org, pk })));
  const hub = { 1: [s.hubTransport], 2: [s.hub], 3: [s.keysLog], 4: [s.auditLog] };
  return { genesis: s, nodes: [], suspended: [], absences: {}, witnesses: null, witnessKeys: [], hub, hubSince: 0n, epochFrom: 0n };
}

const TRANSPORT = 1n, SIGNING = 2n, AUDIT_LOG = 4n;
const YEAR = 366n * 86400000n;

// 7.8: which fields there are, whose key it may not be, and who has agreed
function hubKey(state, s, signedBy, sigs) {
  const named = (field, wanted) => {
    refuseUnless(!wanted || s[field] !== undefined, 'FIELD_MISSING', field);
    refuseUnless(wanted || s[field] === undefined, 'FIELD_VALUE', field);
  };
  named('possession', s.which !== TRANSPORT);
  named('epoch', s.which === AUDIT_LOG);
  if (s.possession) {
    const digest = possessionDigest(concat(s.federation, new Uint8Array([Number(s.which)]), s.pk));
    refuseUnless(verify(s.pk, 'relais/keys1/possession', digest, s.possession), 'POSSESSION');
  }
  const taken = [state.genesis.registrar, ...Object.values(state.hub).flat(),
    ...state.nodes.flatMap((n) => (s.which === TRANSPORT ? [n.transport, ...n.formerTransport, ...n.prekeys] : [n.signing, ...n.former]))];
  refuseUnless(!taken.some((pk) => equal(pk, s.pk)), 'EXISTS', 'key');
  refuseUnless(state.hub[s.which].length <= 32, 'QUOTA', 'former keys');
  refuseUnless(s.which !== AUDIT_LOG || s.epoch > state.epochFrom, 'FIELD_VALUE', 'epoch');
  const registrar = { role: ROLE.registrar, pk: state.genesis.registrar };
  if (sigs.some((x) => x.role === ROLE.hub)) {
    signedBy(registrar, { role: ROLE.hub, pk: state.hub[SIGNING].at(-1) });
    const right = s.which === TRANSPORT ? s.effect >= s.ts && s.effect - s.ts <= YEAR : s.effect === s.ts;
    refuseUnless(right, 'FIELD_VALUE', 'takes effect');
    refuseUnless(s.which === SIGNING || s.ts >= state.hubSince, 'NOT_YET', 'signing key');
  } else {
    signedBy(registrar, ...countersigners(state, NOBODY, sigs));
    refuseUnless(s.effect >= s.ts + state.genesis.delay * 1000n, 'FIELD_VALUE', 'takes effect too early');
  }
  return {
    ...state,
    hub: { ...state.hub, [s.which]: [...state.hub[s.which], s.pk] },
    hubSince: s.which === SIGNING ? s.effect : state.hubSince,
    epochFrom: s.which === AUDIT_LOG ? s.epoch : state.epochFrom,
  };
}

function enrolment(state, s, signedBy, sigs) {
  const b = enrolmentBody(mp1.decode(s.body), FIELDS);
  refuseUnless(verify(b.signing, 'relais/keys1/possession', possessionDigest(s.body), s.possession), 'POSSESSION');
  const first = firstPrekey(b, s.federation);
  for (const n of state.nodes) {
    refuseUnless(!equal(n.node, b.node), 'EXISTS', 'node id');
    unused(n, b, first.pk);
    refuseUnless(!equal(n.org, b.org) || (n.name === b.name && n.kind === b.kind), 'FIELD_VALUE', 'another name or kind');
  }
  const mine = state.nodes.filter((n) => equal(n.org, b.org));
  const reset = s.kind === 13n;
  refuseUnless(!reset || mine.length > 0, 'NOT_FOUND', 'organisation');
  const wanted = [{ role: ROLE.registrar, pk: state.genesis.registrar }];
  if (!reset && mine.length > 0) {
    const own = sigs.find((x) => x.role === ROLE.node && equal(x.org, b.org));
    refuseUnless(own, 'FIELD_MISSING', 'its own signature');
    const by = mine.find((n) => !n.revoked && equal(signingKid(n.signing), own.kid));
    refuseUnless(by, 'KEY_UNKNOWN', 'its own signature');
    wanted.push({ role: ROLE.node, org: b.org, pk: by.signing });
  }
  if (reset || b.kind === EMERGENCY) {
    refuseUnless(s.effect >= s.ts + state.genesis.delay * 1000n, 'FIELD_VALUE', 'takes effect too early');
    wanted.push(...countersigners(state, b.org, sigs));
  } else {
    refuseUnless(s.effect === s.ts, 'FIELD_VALUE', 'takes effect at ts');
  }
  signedBy(...wanted);
  const node = {
    org: b.org, node: b.node, kind: b.kind, name: b.name, signing: b.signing, transport: b.transport,
    prekeys: [first.pk], revoked: false, former: [], formerTransport: [],
  };
  const before = reset ? state.nodes.map((n) => (mine.includes(n) ? { ...n, revoked: true } : n)) : state.nodes;
  return { ...state, nodes: [...before, node] };
}

// No key of an earlier statement, of whichever node
function unused(n, keys, prekeyPk) {
  const boxes = [n.transport, ...n.formerTransport, ...n.prekeys];
  refuseUnless(![n.signing, ...n.former].some((k) => equal(k, keys.signing)), 'EXISTS', 'signing key');
  refuseUnless(!boxes.some((k) => equal(k, keys.transport) || equal(k, prekeyPk)), 'EXISTS', 'transport key or prekey');
}

// 7.9: signed by the key in force and by the next one; brings the next prekey
function nodeKey(state, s, signedBy) {
  const n = state.nodes.find((m) => equal(m.org, s.org) && equal(m.node, s.node));
  refuseUnless(n, 'NOT_FOUND', 'node');
  signedBy({ role: ROLE.node, org: n.org, pk: n.signing }, { role: ROLE.successor, org: n.org, pk: s.signing });
  refuseUnless(!n.revoked, 'REVOKED', 'node');
  refuseUnless(!state.suspended.includes(hex(s.org)), 'SUSPENDED', 'organisation');
  const p = prekeyOf(s.prekey, s, s.federation);
  refuseUnless(p.number === BigInt(n.prekeys.length + 1), 'CHAIN', 'number of a prekey');
  refuseUnless(p.previous && equal(p.previous, boxKid(n.prekeys.at(-1))), 'CHAIN', 'previous prekey');
  state.nodes.forEach((m) => unused(m, s, p.pk));
  refuseUnless(!equal(s.transport, p.pk), 'EXISTS', 'one key for two purposes');
  const next = {
    ...n, signing: s.signing, transport: s.transport, prekeys: [...n.prekeys, p.pk],
    former: [...n.former, n.signing], formerTransport: [...n.formerTransport, n.transport],
  };
  return { ...state, nodes: state.nodes.map((m) => (m === n ? next : m)) };
}

// A prekey inside another statement, signed by the signing key that this one brings
function prekeyOf(ss, b, federation) {
  const { stmt, sigs } = readSigned(ss, [ROLE.node]);
  const p = readKeysStatement(stmt);
  refuseUnless(p.kind === 3n, 'FIELD_VALUE', 'a prekey');
  refuseUnless(equal(p.federation, federation) && equal(p.org, b.org) && equal(p.node, b.node), 'FIELD_VALUE', 'prekey of another');
  checkSignatures(sigs, [{ role: ROLE.node, org: b.org, pk: b.signing }], 'relais/keys1/statement', statementDigest(stmt));
  return p;
}

function firstPrekey(b, federation) {
  const p = prekeyOf(b.prekey, b, federation);
  refuseUnless(p.number === 1n && !p.previous, 'FIELD_VALUE', 'prekey 1');
  return p;
}

function countersigners(state, enrolled, sigs) {
  const wanted = sigs.filter((x) => x.role === ROLE.countersigner).map((x) => {
    const n = state.nodes.find((m) => equal(m.org, x.org) && equal(signingKid(m.signing), x.kid) && !m.revoked);
    refuseUnless(n, 'KEY_UNKNOWN', 'countersigner');
    refuseUnless(!equal(n.org, state.genesis.operator) && !equal(n.org, enrolled), 'COUNTERSIGN', 'not independent');
    return { role: ROLE.countersigner, org: n.org, pk: n.signing, kind: n.kind };
  });
  refuseUnless(wanted.length === 2 && wanted[0].kind !== wanted[1].kind, 'COUNTERSIGN', 'two of two kinds');
  return wanted;
}

function prekey(state, s, signedBy) {
  const n = state.nodes.find((m) => equal(m.org, s.org) && equal(m.node, s.node));
  refuseUnless(n, 'KEY_UNKNOWN', 'node');
  refuseUnless(!n.revoked, 'KEY_REVOKED', 'node');
  refuseUnless(s.number === BigInt(n.prekeys.length + 1), 'FIELD_VALUE', 'number of a prekey');
  refuseUnless(s.previous && equal(s.previous, boxKid(n.prekeys.at(-1))), 'FIELD_VALUE', 'previous prekey');
  signedBy({ role: ROLE.node, org: n.org, pk: n.signing });
  const nodes = state.nodes.map((m) => (m === n ? { ...m, prekeys: [...m.prekeys, s.pk] } : m));
  return { ...state, nodes };
}

const DAY = 86400000n;

// 7.7: form, who says it, which days, to whom to turn, and that it is the newest
function absence(state, s, signedBy) {
  const back = s.from === 0n && s.until === 0n;
  const n = state.nodes.find((m) => equal(m.org, s.org) && equal(m.node, s.node));
  refuseUnless(n, 'NOT_FOUND', 'node');
  signedBy({ role: ROLE.node, org: n.org, pk: n.signing });
  refuseUnless(!back || !s.substitute, 'FIELD_VALUE', 'taken back, and a substitute');
  refuseUnless(back || (s.until > s.from && s.from % DAY === 0n && s.until % DAY === 0n), 'FIELD_VALUE', 'whole days');
  refuseUnless(!n.revoked, 'REVOKED', 'node');
  refuseUnless(!state.suspended.includes(hex(s.org)), 'SUSPENDED', 'organisation');
  refuseUnless(back || s.until > s.ts, 'FIELD_VALUE', 'over');
  refuseUnless(back || s.until - s.ts <= 366n * DAY, 'RANGE', 'too far ahead');
  if (s.substitute) {
    refuseUnless(!equal(s.substitute, s.org), 'FIELD_VALUE', 'one\'s own substitute');
    refuseUnless(state.nodes.some((m) => equal(m.org, s.substitute)), 'NOT_FOUND', 'substitute');
  }
  const last = state.absences[hex(s.org)];
  refuseUnless(last === undefined || s.ts !== last.ts, 'EXISTS', 'said already');
  refuseUnless(last === undefined || s.ts > last.ts, 'CHAIN', 'older than the last');
  return { ...state, absences: { ...state.absences, [hex(s.org)]: s } };
}

const FULL_SET = 5;

// 7.6: one voice for each organisation, none for the operator's, more than half of them a quorum
function witnessSet(state, s, signedBy) {
  signedBy({ role: ROLE.registrar, pk: state.genesis.registrar });
  refuseUnless(s.seats.length >= FULL_SET || state.genesis.mode === EXERCISE, 'FIELD_VALUE', 'too few witnesses');
  const most = BigInt(s.seats.length);
  refuseUnless(s.quorum <= most && 2n * s.quorum > most, 'FIELD_VALUE', 'quorum');
  const orgs = [];
  for (const seat of s.seats) {
    const n = state.nodes.find((m) => equal(m.node, seat));
    refuseUnless(n, 'NOT_FOUND', 'node');
    refuseUnless(!n.revoked, 'REVOKED', 'node');
    refuseUnless(!equal(n.org, state.genesis.operator) && !orgs.includes(hex(n.org)), 'FIELD_VALUE', 'organisation of a witness');
    orgs.push(hex(n.org));
  }
  return { ...state, witnesses: s };
}

// A key of its own: none of genesis, of a node, of another witness, nor one that was retired
function witnessKey(state, s, signedBy) {
  const n = state.nodes.find((m) => equal(m.org, s.org) && equal(m.node, s.node));
  refuseUnless(n, 'NOT_FOUND', 'node');
  signedBy({ role: ROLE.node, org: n.org, pk: n.signing });
  refuseUnless(!n.revoked, 'REVOKED', 'node');
  refuseUnless(!state.suspended.includes(hex(s.org)), 'SUSPENDED', 'organisation');
  const before = state.witnessKeys.filter((k) => equal(k.node, s.node));
  refuseUnless(s.number === BigInt(before.length + 1), 'CHAIN', 'number of a witness key');
  const g = state.genesis;
  const taken = [...Object.values(state.hub).flat(), g.registrar, ...g.founders.map(([, pk]) => pk),
    ...state.nodes.map((m) => m.signing), ...state.witnessKeys.map((k) => k.pk)];
  refuseUnless(!taken.some((pk) => equal(pk, s.pk)), 'EXISTS', 'key');
  return { ...state, witnessKeys: [...state.witnessKeys, { node: s.node, number: s.number, pk: s.pk }] };
}

const known = (state, org) => refuseUnless(state.nodes.some((n) => equal(n.org, org)), 'NOT_FOUND', 'organisation');

function suspend(state, s, signedBy) {
  known(state, s.org);
  signedBy({ role: ROLE.hub, pk: state.hub[SIGNING].at(-1) });
  refuseUnless(s.ts >= state.hubSince, 'NOT_YET', 'signing key');
  return { ...state, suspended: [...state.suspended, hex(s.org)] };
}

function resume(state, s, signedBy) {
  refuseUnless(state.suspended.includes(hex(s.org)), 'STATE', 'not suspended');
  signedBy({ role: ROLE.hub, pk: state.hub[SIGNING].at(-1) });
  refuseUnless(s.ts >= state.hubSince, 'NOT_YET', 'signing key');
  return { ...state, suspended: state.suspended.filter((org) => org !== hex(s.org)) };
}

function revoke(state, s, signedBy) {
  const hit = (n) => equal(n.org, s.org) && (!s.node || equal(n.node, s.node));
  refuseUnless(state.nodes.some(hit), 'NOT_FOUND', 'node');
  signedBy({ role: ROLE.registrar, pk: state.genesis.registrar });
  return { ...state, nodes: state.nodes.map((n) => (hit(n) ? { ...n, revoked: true } : n)) };
}

// ---- circles -----------------------------------------------------------------------------------

const MASK_CATEGORY = uint(0, 3), MASK_CLASS = uint(0, 31);
const DATE = uint(); // a time, as everywhere outside payloads
const RIGHT_INVITE = 1n, RIGHT_CONSENT = 2n;

const row = map({ org: [1, id], team: [2, uint()], categories: [3, MASK_CATEGORY], classes: [4, MASK_CLASS], rights: [5, uint(0, 3)] });
const base = { kind: [1, uint()], author: [4, id], actor: [5, id], ts: [6, uint()], n: [7, uint()] };
const chained = { ...base, circle: [2, id], prev: [3, key32] };
const WAY = uint(1, 4);
const orgs = (least) => list(least, 16, id);

const CHAIN = {
  1: map({ ...base, nonce: [8, id], row: [9, row] }),
  2: map({ ...chained, row: [9, row], offer: [10, bin(1, 4096)] }),
  3: map(chained),
  4: map({ ...chained, org: [11, id] }),
  5: map({ ...chained, offer: [10, bin(1, 4096)] }),
  6: map({ ...chained, classes: [12, uint(1, 31)], orgs: [13, orgs(1)], date: [15, DATE], way: [16, WAY], evidence: [17, maybe(key32)] }),
  7: map({
    ...chained, classes: [12, uint(1, 31)], orgs: [13, orgs(1)], date: [15, DATE], way: [16, WAY], evidence: [17, maybe(key32)],
    by: [18, uint(1, 2)], supersedes: [19, maybe(uint())], opinion: [20, bool],
  }),
  8: map({ ...chained, of: [21, uint()], date: [15, DATE] }),
  9: map({ ...chained, classes: [12, uint(1, 31)], orgs: [13, orgs(0)], date: [15, DATE], emergency: [22, bool] }),
  10: map({ ...chained, of: [21, uint()], date: [15, DATE], way: [16, WAY] }),
  14: map({ ...chained, date: [15, DATE], reason: [23, uint(1, 3)] }),
};

export const linkHash = (stmt) => H(256, 'relais/chain1/link', stmt);
export const circleHandle = (stmt) => H(256, 'relais/chain1/create', stmt).slice(0, 16);
export const chainDigest = (stmt) => H(512, 'relais/chain1/stmt', stmt);
export const offerDigest = (offer) => H(512, 'relais/chain1/offer', offer);

const offerMap = map({
  kind: [1, uint(2, 5)], circle: [2, id], by: [3, id], to: [4, id], row: [5, maybe(row)], expires: [6, uint()], nonce: [7, id],
  at: [8, uint(0, 4096)],
});

// `[offer, org, skid, sig]` decoded -> { bytes, org, skid, sig, offer }
export function signedOffer(value, codes) {
  const [bytes, org, skid, sig] = tuple(bin(1, 4096), id, id, bin(64))(value, codes);
  const offer = offerMap(mp1.decode(bytes), codes);
  refuseUnless(offer.kind === 2n || offer.kind === 5n, codes.value, 'kind of an offer');
  refuseUnless((offer.row !== undefined) === (offer.kind === 2n), codes.value, 'row of an offer');
  return { bytes, org, skid, sig, offer };
}

export function checkOffer(bytes, nodes) {
  const o = signedOffer(mp1.decode(bytes), FIELDS);
  refuseUnless(equal(o.org, o.offer.by), 'FIELD_VALUE', 'offer signed for another');
  refuseUnless(verify(memberKey(nodes, o.org, o.skid), 'relais/chain1/offer', offerDigest(o.bytes), o.sig), 'FORGED');
  return o;
}

function memberKey(nodes, org, kid) {
  // who replays a chain takes what was signed with the keys of then
  const keys = nodes.filter((m) => equal(m.org, org)).flatMap((m) => [m.signing, ...m.former]);
  const pk = keys.find((k) => equal(signingKid(k), kid));
  refuseUnless(pk, 'KEY_UNKNOWN');
  return pk;
}

// state: { handle, head, n, members: {org hex: row}, left: {org hex: n of the last leaving}, used: [nonce hex],
//          responsible, referent, closed, consents, withdrawn, oppositions, lifted }
export function applyChain(state, ss, nodes) {
  const { stmt, sigs } = readSigned(ss, [ROLE.author, ROLE.counter]);
  const raw = mp1.decode(stmt);
  refuseUnless(raw instanceof Map, 'TYPE', 'statement');
  const kind = raw.get(1);
  refuseUnless(kind !== 11n && kind !== 12n && kind !== 13n, 'UNSUPPORTED', 'reserved kind');
  refuseUnless(kind !== undefined && CHAIN[kind], 'FIELD_VALUE', `kind ${kind}`);
  const s = CHAIN[kind](raw, FIELDS);
  const mine = sigs.filter((x) => x.role === ROLE.author);
  refuseUnless(mine.length === 1 && equal(mine[0].org, s.author), 'FIELD_VALUE', 'signature of the author');
  for (const x of sigs) {
    refuseUnless(verify(memberKey(nodes, x.org, x.kid), 'relais/chain1/statement', chainDigest(stmt), x.sig), 'FORGED');
  }
  const head = linkHash(stmt);
  if (!state) {
    refuseUnless(s.kind === 1n && s.n === 0n, 'CHAIN', 'begins with create');
    return { ...create(s), handle: circleHandle(stmt), head, n: 0n };
  }
  refuseUnless(s.kind !== 1n, 'CHAIN', 'a second create');
  refuseUnless(equal(s.circle, state.handle), 'CHAIN', 'another circle');
  refuseUnless(s.n === state.n + 1n && equal(s.prev, state.head), 'STALE_HEAD');
  refuseUnless(!state.closed, 'CIRCLE_CLOSED');
  const who = hex(s.author);
  if (s.kind !== 2n) {
    refuseUnless(state.members[who], state.left[who] === undefined ? 'NOT_IN_CIRCLE' : 'FORMER_MEMBER');
  }
  return { ...state, ...RULES[s.kind](state, s, who, nodes), head, n: s.n };
}

function create(s) {
  const who = hex(s.author);
  refuseUnless(equal(s.row.org, s.author), 'FIELD_VALUE', 'row of the author');
  return {
    members: { [who]: s.row }, left: {}, used: [], responsible: who, referent: who, closed: false,
    consents: {}, withdrawn: [], oppositions: {}, lifted: [],
  };
}

function without(state, org, n) {
  const members = { ...state.members };
  delete members[org];
  return { members, left: { ...state.left, [org]: n }, referent: state.referent === org ? undefined : state.referent };
}

const right = (state, who, mask) => (state.members[who].rights & mask) !== 0n;
const need = (condition) => refuseUnless(condition, 'RIGHT');
const sameRow = (a, b) => equal(a.org, b.org) && ['team', 'categories', 'classes', 'rights'].every((f) => a[f] === b[f]);

// 8.3, "Offers", in its order; mayMake(offer, hex of its maker) says whether he may make this one
function offerOf(state, s, kind, nodes, mayMake) {
  const { offer } = checkOffer(s.offer, nodes);
  const nonce = hex(offer.nonce), left = state.left[hex(s.author)];
  need(offer.kind === kind && equal(offer.circle, state.handle) && equal(offer.to, s.author));
  refuseUnless(!state.used.includes(nonce), 'EXISTS', 'a used offer');
  refuseUnless(s.ts <= offer.expires, 'EXPIRED', 'offer');
  mayMake(offer, hex(offer.by));
  refuseUnless(left === undefined || offer.at >= left, 'FORMER_MEMBER', 'an offer from before he left');
  refuseUnless(offer.at <= state.n, 'STALE_HEAD', 'an offer from beyond the head');
  return { used: [...state.used, nonce] };
}

function mayInvite(state, s, offer, by) {
  const own = state.members[by];
  need(own && right(state, by, RIGHT_INVITE));
  need(sameRow(offer.row, s.row) && equal(s.row.org, s.author));
  if (by === state.referent || by === state.responsible) return;
  need((offer.row.rights & ~own.rights) === 0n);
  need(offer.row.team === 0n || offer.row.team === own.team);
}

const covers = (c, d) => (c.classes & d.classes) !== 0n && c.orgs.some((o) => d.orgs.some((p) => equal(o, p)));

const RULES = {
  2(state, s, who, nodes) {
    refuseUnless(!state.members[who], 'EXISTS', 'a member already');
    const { used } = offerOf(state, s, 2n, nodes, (offer, by) => mayInvite(state, s, offer, by));
    return { members: { ...state.members, [who]: s.row }, used };
  },
  3(state, s, who) {
    need(who !== state.responsible);
    return without(state, who, s.n);
  },
  4(state, s, who) {
    const gone = hex(s.org);
    need(who === state.referent || who === state.responsible);
    need(gone !== state.responsible);
    refuseUnless(state.members[gone], state.left[gone] === undefined ? 'NOT_IN_CIRCLE' : 'FORMER_MEMBER');
    return without(state, gone, s.n);
  },
  5(state, s, who, nodes) {
    const { used } = offerOf(state, s, 5n, nodes, (offer, by) => {
      need(by === (state.referent ?? state.responsible));
      refuseUnless(who !== state.referent, 'EXISTS', 'référent already');
    });
    return { referent: who, used };
  },
  6: () => ({}),
  7(state, s, who) {
    need(who === state.responsible || right(state, who, RIGHT_CONSENT));
    const taken = state.withdrawn.filter((w) => covers(state.consents[w.of], s));
    if (taken.length > 0) {
      const latest = taken.at(-1);
      refuseUnless(s.supersedes === latest.n, 'WIDENING', 'does not name the withdrawal');
      refuseUnless(who === state.responsible || taken.every((w) => who === hex(state.consents[w.of].author)), 'WIDENING', 'who may widen');
    }
    refuseUnless(taken.length > 0 || s.supersedes === undefined, 'WIDENING', 'nothing to supersede');
    return { consents: { ...state.consents, [s.n]: s } };
  },
  8(state, s) {
    const live = Object.keys(state.consents).filter((n) => !state.withdrawn.some((w) => `${w.of}` === n));
    const of = s.of === 0n ? live : live.filter((n) => n === `${s.of}`);
    refuseUnless(s.of === 0n || of.length === 1, 'FIELD_VALUE', 'no such consent');
    return { withdrawn: [...state.withdrawn, ...of.map((n) => ({ of: n, n: s.n }))] };
  },
  9: (state, s) => ({ oppositions: { ...state.oppositions, [s.n]: s } }),
  10(state, s, who) {
    const o = state.oppositions[s.of];
    refuseUnless(o && !state.lifted.includes(s.of), 'FIELD_VALUE', 'no such opposition');
    need(who === state.responsible || who === hex(o.author));
    return { lifted: [...state.lifted, s.of] };
  },
  14(state, s, who) {
    need(who === state.responsible);
    return { closed: true };
  },
};
