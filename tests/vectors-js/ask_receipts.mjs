// The questions of receipts.json: sections 9 to 11.
import * as mp1 from './mp1.mjs';
import {
  checkpointText, inclusionPath, leafHash, note, rootOfPath, signBytes, signingPk, treeRoot, verify,
} from './crypto.mjs';
import { concat, equal, hex, outcome, unhex, utf8 } from './bytes.mjs';
import {
  ackData, ackDigest, auditCommitment, auditLink, checkHub, checkMember, checkReport, encodeReceipt, readAudit,
  readReceipt, readReceiptFile, recallDigest, receiptFile, reportDigest,
} from './receipts.mjs';
import { Question } from './question.mjs';
import { EVERY, allRefused, asJson, changesAccepted, spoilHex } from './ask.mjs';


export function receiptCases(file) {
  const logPk = signingPk(unhex(file.log.seed));
  const trust = {
    origin: file.log.origin, logPk, federation: unhex(file.ack.federation),
    members: [file.ack, file.recall].map((m) => ({ org: unhex(m.org), pk: unhex(m.pk) })),
  };
  const leafHashes = file.log.leaves.map((l) => leafHash(unhex(l.entry)));
  const logSign = (size, root) => signBytes(unhex(file.log.seed), utf8(checkpointText(trust.origin, size, root)));

  const leafCases = file.log.leaves.map((v, i) => ({
    name: `audit entry ${i}: ${v.what}`,
    question: Question.cut(v, ['type', 'decoded', 'leaf_hash', 'root_after', 'checkpoint_after']),
    spoil: spoilHex('entry'),
    answer: (g) => {
      const [entry, salt, detail] = [g.entry, g.salt, g.detail].map(unhex);
      const { value: audit, why } = outcome(() => readAudit(entry, salt, detail));
      if (!audit) return { answers: {}, claims: [[`checks (${why})`, false]] };
      const root = treeRoot(leafHashes.slice(0, i + 1));
      return {
        answers: {
          type: Number(audit.type), decoded: asJson(mp1.decode(detail)), leaf_hash: hex(leafHash(entry)), root_after: hex(root),
          checkpoint_after: note(checkpointText(trust.origin, i + 1, root), trust.origin, logPk, logSign(i + 1, root)),
        },
        claims: [
          ['made again, the same bytes', equal(mp1.encode([audit.type, audit.time, auditCommitment(salt, detail)]), entry)],
          ['links to the entry before it in its circle', linked(file.log.leaves.slice(0, i), audit)],
        ],
      };
    },
  }));

  const receiptCase = (v, i) => ({
    name: `receipt ${i}: ${v.what}`,
    question: Question.cut(v, ['type', 'index', 'size', 'file']),
    spoil: spoilHex('receipt'),
    answer: async (g) => {
      const bytes = unhex(g.receipt);
      const check = (r) => {
        const audit = checkHub(r, trust);
        checkMember(audit, trust);
        return audit;
      };
      const { value, why } = outcome(() => {
        const r = readReceipt(bytes);
        return { r, audit: check(r) };
      });
      if (!value) return { answers: {}, claims: [[`checks (${why})`, false]] };
      const { r, audit } = value;
      const text = receiptFile(r, trust);
      const own = inclusionPath(leafHashes.slice(0, Number(r.size)), Number(r.index));
      const fromFile = outcome(() => readReceiptFile(text, trust));
      const changed = await changesAccepted(bytes, EVERY, i % EVERY, (b) => !outcome(() => check(readReceipt(b))).refusal);
      return {
        answers: { type: Number(audit.type), index: Number(r.index), size: Number(r.size), file: text },
        claims: [
          ['the path is the one of the tree', equal(concat(...own), concat(...r.hashes))],
          ['made again, the same bytes', equal(encodeReceipt(r), bytes)],
          ['signed again, the same bytes', equal(logSign(r.size, r.root), r.sig)],
          ['its file says the same', Boolean(fromFile.value) && equal(encodeReceipt(fromFile.value), bytes)],
          allRefused(changed),
        ],
      };
    },
  });

  const badCase = (v) => ({
    name: `receipt bad: ${v.what}`,
    question: Question.cut(v, ['error']),
    answer: (g) => {
      const { refusal } = outcome(() => checkMember(checkHub(readReceipt(unhex(g.receipt)), trust), trust));
      return { answers: { error: refusal?.error ?? 'OK' }, claims: [] };
    },
  });

  // The hub's part holds; what it says the member signed, the member did not
  const badMemberCase = (v) => ({
    name: `receipt with a bad member signature: ${v.what}`,
    question: Question.cut(v, ['error']),
    answer: (g) => {
      const hub = outcome(() => checkHub(readReceipt(unhex(g.receipt)), trust));
      const { refusal } = hub.value ? outcome(() => checkMember(hub.value, trust)) : hub;
      return {
        answers: { error: refusal?.error ?? 'OK' },
        claims: [[`the hub's part checks (${hub.why ?? ''})`, Boolean(hub.value)], ['the member is not bound', Boolean(hub.value && refusal)]],
      };
    },
  });

  const ackCase = {
    name: 'acknowledgement',
    question: Question.cut({
      ...file.ack,
      items: file.ack.items.map(({ mid, digest }) => ({ mid, digest })),
      leaf_hashes: file.ack.items.map((x) => x.leaf_hash),
    }, ['leaf_hashes', 'count', 'root', 'data', 'digest']),
    spoil: spoilHex('hub_incarnation'),
    answer: (g) => {
      const leaves = g.items.map((x) => leafHash(concat(unhex(x.mid), unhex(x.digest))));
      const root = treeRoot(leaves);
      const data = ackData({
        federation: unhex(g.federation), hubIncarnation: unhex(g.hub_incarnation), org: unhex(g.org), node: unhex(g.node),
        after: g.after, upTo: g.up_to, count: leaves.length, root,
      });
      const digest = ackDigest(data);
      const sound = leaves.every((l, i) => equal(rootOfPath(l, BigInt(i), BigInt(leaves.length), inclusionPath(leaves, i)), root));
      return {
        answers: { leaf_hashes: leaves.map(hex), count: leaves.length, root: hex(root), data: hex(data), digest: hex(digest) },
        claims: [
          ['the signature verifies', verify(unhex(g.pk), 'relais/ack1', digest, unhex(g.sig))],
          ['every item is in the tree', sound],
        ],
      };
    },
  };

  const statementCase = (name, digestOf) => ({
    name,
    question: Question.cut(file[name], ['stmt', 'decoded', 'digest']),
    spoil: spoilHex('ss'),
    answer: async (g) => {
      const ss = unhex(g.ss);
      const { value, why } = outcome(() => checkReport(ss, trust.members));
      if (!value) return { answers: {}, claims: [[`verifies (${why})`, false]] };
      const changed = await changesAccepted(ss, EVERY, 0, (b) => !outcome(() => checkReport(b, trust.members)).refusal);
      return {
        answers: { stmt: hex(value.stmt), decoded: asJson(mp1.decode(value.stmt)), digest: hex(digestOf(value.stmt)) },
        claims: [allRefused(changed)],
      };
    },
  });

  return [
    {
      name: 'log key',
      question: new Question({}, { pk: file.log.pk }),
      answer: () => ({ answers: { pk: hex(logPk) }, claims: [] }),
    },
    ...leafCases, ...file.receipts.map(receiptCase), ...file.bad_receipts.map(badCase),
    ...(file.bad_member_signatures ?? []).map(badMemberCase), ackCase,
    statementCase('report', reportDigest), statementCase('recall', recallDigest),
  ];
}

// Section 9, keys 6 and 7: n counts the entries of a circle, the link is the hash of the one before
function linked(before, { detail }) {
  if (!detail.circle || detail.n === undefined) return detail.link === undefined && detail.n === undefined;
  const last = before.filter((l) => {
    const raw = mp1.decode(unhex(l.detail));
    return raw.get(5) && equal(raw.get(5), detail.circle) && raw.get(6) === detail.n - 1n;
  }).at(-1);
  if (detail.n === 1n) return !last && equal(detail.link, new Uint8Array(32));
  return Boolean(last) && equal(detail.link, auditLink(unhex(last.entry)));
}
