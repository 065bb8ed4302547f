// Sections 9 to 11: the audit log, receipts and their files, acknowledgements and reports.
import * as mp1 from './mp1.mjs';
import {
  H, checkpointText, leafHash, note, noteParse, rootOfPath, signingKid, verify, verifyBytes,
} from './crypto.mjs';
import { base64, concat, equal, hex, le32, le64, refuseUnless, unbase64, utf8 } from './bytes.mjs';
import { FIELDS, bin, id, key32, list, map, maybe, tuple, uint } from './shape.mjs';
import { readSigned } from './statements.mjs';

const AUDIT = 2n;
const DELIVERED = 2n;
const REPORTS = [3n, 5n, 6n, 7n];
const RECALLED = 9n;
const PATH_MAX = 64;

const entryShape = tuple(uint(), uint(), key32);
const pathOfHashes = list(0, PATH_MAX, key32);
const ackPath = tuple(id, bin(64), uint(), uint(), pathOfHashes);
const pathShape = (v, codes) => (v === null ? null : ackPath(v, codes));
const receiptShape = tuple(
  uint(1, 2), uint(), bin(1, 8192), key32, bin(0, 8192), uint(), pathOfHashes, key32, bin(64), pathShape,
);
const extraShape = tuple(uint(1, 1), bin(1, 8192), key32, bin(0, 8192), pathShape);

const detailShape = map(Object.fromEntries(Object.entries({
  mid: [1, id], digest: [2, bin(64)], from: [3, id], actor: [4, id], circle: [5, id], n: [6, uint(1)], link: [7, key32],
  to: [8, list(1, 64, id)], code: [9, uint()], root: [10, key32], upTo: [11, uint()], statement: [12, key32], chainN: [13, uint()],
  org: [14, id], node: [15, id], kid: [16, id], sig: [17, bin(64)], count: [18, uint()], act: [19, uint(1, 23)], about: [20, bin(0, 4096)],
  heard: [21, uint()], roles: [22, uint(1, 3)], instead: [23, id], due: [24, uint()],
  epoch: [26, uint()], common: [27, uint()], commonRoot: [28, key32], lost: [29, uint()],
  address: [30, key32], size: [31, uint()],
  operator: [34, id], operatorSig: [35, bin(64)], second: [36, id], secondSig: [37, bin(64)],
}).map(([name, [key, shape]]) => [name, [key, maybe(shape)]])));

const KEYS_OF = {
  18: [26, 27, 28, 29],
  20: [3, 8, 30, 31],
  1: [1, 2, 3, 4, 5, 6, 7, 8, 13], 2: [10, 11, 14, 15, 16, 17, 18, 20],
  3: [1, 2, 3, 5, 6, 7, 9, 14, 16, 17, 20], 8: [1, 2, 3, 5, 6, 7, 8],
  9: [1, 2, 3, 5, 6, 7, 8, 9, 14, 16, 17, 20], 10: [3, 4, 5, 6, 7, 12, 13],
  15: [1, 2, 3, 5, 6, 7, 8, 9, 13, 23, 24],
  11: [1, 3, 5, 9, 18, 20], 12: [1, 2, 3, 5, 6, 7, 8, 9], 13: [9, 14, 19, 20], 14: [14, 15, 19], 16: [8, 14, 15, 18, 21], 17: [5, 6, 7, 9, 14, 22],
  19: [9, 19, 20, 34, 35, 36, 37],
};
KEYS_OF[5] = KEYS_OF[6] = KEYS_OF[7] = KEYS_OF[3];

export const auditCommitment = (salt, detail) => H(256, 'relais/audit1', detail, salt);
export const auditLink = (entry) => H(256, 'relais/audit1/link', entry);

// An entry with its salt and detail -> { type, time, c, detail by name }
export function readAudit(entry, salt, detail) {
  const [type, time, c] = entryShape(mp1.decode(entry), FIELDS);
  refuseUnless(KEYS_OF[type], 'FIELD_VALUE', `type ${type}`);
  refuseUnless(equal(c, auditCommitment(salt, detail)), 'PROOF', 'c');
  const raw = mp1.decode(detail);
  const read = detailShape(raw, FIELDS);
  for (const k of raw.keys()) refuseUnless(k >= 64 || KEYS_OF[type].includes(k), 'FIELD_UNKNOWN', `${k} in type ${type}`);
  return { type, time, c, detail: read };
}

export function readReceipt(bytes) {
  const [log, index, entry, salt, detail, size, hashes, root, sig, path] = receiptShape(mp1.decode(bytes), FIELDS);
  return { log, index, entry, salt, detail, size, hashes, root, sig, path };
}

// What the hub answers for: c, inclusion, checkpoint. trust: { origin, logPk }
export function checkHub(r, trust) {
  refuseUnless(r.log === AUDIT, 'FIELD_VALUE', 'not of the audit log');
  const audit = readAudit(r.entry, r.salt, r.detail);
  refuseUnless(equal(rootOfPath(leafHash(r.entry), r.index, r.size, r.hashes), r.root), 'PROOF', 'inclusion');
  refuseUnless(verifyBytes(trust.logPk, utf8(checkpointText(trust.origin, r.size, r.root)), r.sig), 'CHECKPOINT');
  refuseUnless(audit.type === DELIVERED || !r.path, 'FIELD_VALUE', 'a path in another type');
  if (audit.type === DELIVERED) {
    refuseUnless(r.path, 'PROOF', 'no path');
    const [mid, digest, i, count, hashes] = r.path;
    refuseUnless(count === audit.detail.count, 'PROOF', 'count of the acknowledgement');
    refuseUnless(equal(rootOfPath(leafHash(concat(mid, digest)), i, count, hashes), audit.detail.root), 'PROOF', 'path');
  }
  return audit;
}

// What the member answers for. trust.members: [{ org, pk }]; trust.federation
export function checkMember({ type, detail: d }, trust) {
  if (type !== DELIVERED && type !== RECALLED && !REPORTS.includes(type)) return;
  for (const field of ['org', 'kid', 'sig', 'about']) refuseUnless(d[field] !== undefined, 'FIELD_MISSING', field);
  const member = trust.members.find((m) => equal(m.org, d.org) && equal(signingKid(m.pk), d.kid));
  refuseUnless(member, 'KEY_UNKNOWN');
  if (type === DELIVERED) return checkAck(d, member.pk, trust.federation);
  if (type === RECALLED) refuseUnless(equal(d.org, d.from), 'FORGED', 'not by its sender');
  return checkReportStatement(type, d, member.pk);
}

export function ackData({ federation, hubIncarnation, org, node, after, upTo, count, root }) {
  return concat(federation, hubIncarnation, org, node, le64(after), le64(upTo), le32(count), root);
}

export const ackDigest = (data) => H(512, 'relais/ack1/body', data);
export const reportDigest = (stmt) => H(512, 'relais/report1/stmt', stmt);

function checkAck(d, pk, federation) {
  for (const field of ['node', 'upTo', 'count', 'root']) refuseUnless(d[field] !== undefined, 'FIELD_MISSING', field);
  refuseUnless(d.about.length === 40, 'SIZE', 'about');
  const [named, hubIncarnation, after] = [d.about.slice(0, 16), d.about.slice(16, 32), d.about.slice(32)];
  refuseUnless(equal(named, federation), 'FORGED', 'another federation');
  const data = ackData({ ...d, federation, hubIncarnation, after: BigInt(`0x${hex(after)}`) });
  refuseUnless(verify(pk, 'relais/ack1', ackDigest(data), d.sig), 'FORGED');
}

const reportShape = map({
  outcome: [1, uint()], mid: [2, id], digest: [3, bin(64)], from: [4, id], by: [5, id], ts: [6, uint()], code: [7, uint()], actor: [8, id],
});

export const recallDigest = (stmt) => H(512, 'relais/recall1/stmt', stmt);

// What a report (outcomes 3, 5, 6, 7) or a recall (outcome 9) says, and how it is signed
const actOf = (outcome) => (outcome === RECALLED
  ? { context: 'relais/recall1', digest: recallDigest } : { context: 'relais/report1', digest: reportDigest });

export function readReport(stmt) {
  const s = reportShape(mp1.decode(stmt), FIELDS);
  refuseUnless(REPORTS.includes(s.outcome) || s.outcome === RECALLED, 'FIELD_VALUE', `outcome ${s.outcome}`);
  refuseUnless(s.outcome !== RECALLED || s.code <= 4n, 'FIELD_VALUE', `reason ${s.code}`);
  return s;
}

function checkReportStatement(type, d, pk) {
  const s = readReport(d.about);
  const { context, digest } = actOf(s.outcome);
  refuseUnless(verify(pk, context, digest(d.about), d.sig), 'FORGED');
  const same = s.outcome === type && equal(s.by, d.org)
    && d.mid && equal(s.mid, d.mid) && d.digest && equal(s.digest, d.digest) && d.from && equal(s.from, d.from)
    && (d.code === undefined || d.code === s.code);
  refuseUnless(same, 'FORGED', 'the statement is about something else');
}

// The SS of a REPORT or RECALL message, one signature of role 3
export function checkReport(ss, members) {
  const { stmt, sigs } = readSigned(ss, [3n]);
  const s = readReport(stmt);
  refuseUnless(sigs.length === 1 && equal(sigs[0].org, s.by), 'FIELD_VALUE', 'one signature');
  const member = members.find((m) => equal(m.org, s.by) && equal(signingKid(m.pk), sigs[0].kid));
  refuseUnless(member, 'KEY_UNKNOWN');
  const { context, digest } = actOf(s.outcome);
  refuseUnless(verify(member.pk, context, digest(stmt), sigs[0].sig), 'FORGED');
  if (s.outcome === RECALLED) refuseUnless(equal(s.by, s.from), 'FROM', 'not by its sender');
  return { stmt, report: s };
}

// C2SP tlog-proof, section 10.3
export function receiptFile(r, trust) {
  const extra = mp1.encode([1, r.entry, r.salt, r.detail, r.path]);
  const lines = ['c2sp.org/tlog-proof@v1', `extra ${base64(extra)}`, `index ${r.index}`, ...r.hashes.map(base64)];
  return `${lines.join('\n')}\n\n${note(checkpointText(trust.origin, r.size, r.root), trust.origin, trust.logPk, r.sig)}`;
}

const NUMBER = /^(0|[1-9]\d{0,19})$/;

export function readReceiptFile(file, trust) {
  const cut = file.indexOf('\n\n');
  refuseUnless(cut >= 0, 'TEXT_FORM', 'no checkpoint');
  const [magic, extraLine = '', indexLine = '', ...hashes] = file.slice(0, cut).split('\n');
  refuseUnless(magic === 'c2sp.org/tlog-proof@v1', 'TEXT_FORM', 'first line');
  refuseUnless(extraLine.startsWith('extra '), 'TEXT_FORM', 'extra');
  refuseUnless(indexLine.startsWith('index ') && NUMBER.test(indexLine.slice(6)), 'TEXT_FORM', 'index');
  const [, entry, salt, detail, path] = extraShape(mp1.decode(unbase64(extraLine.slice(6))), FIELDS);
  const { text, sig } = noteParse(file.slice(cut + 2), trust.origin, trust.logPk);
  const [origin, size, root, end, ...more] = text.split('\n');
  refuseUnless(origin === trust.origin && end === '' && more.length === 0, 'TEXT_FORM', 'checkpoint');
  refuseUnless(NUMBER.test(size), 'TEXT_FORM', 'size');
  return {
    log: AUDIT, index: BigInt(indexLine.slice(6)), entry, salt, detail, size: BigInt(size),
    hashes: hashes.map(unbase64), root: unbase64(root), sig, path,
  };
}

export const encodeReceipt = (r) =>
  mp1.encode([r.log, r.index, r.entry, r.salt, r.detail, r.size, r.hashes, r.root, r.sig, r.path]);
