// Section 6 and steps 15 and 16 of 5.4: the document inside, and what its envelope said of it.
import * as mp1 from './mp1.mjs';
import { H, verify } from './crypto.mjs';
import { chunksOf, sealedOf } from './attachment.mjs';
import { Refusal, equal, refuse, refuseUnless } from './bytes.mjs';
import { SCHEMA, bin, bool, exactly, id, key32, list, map, maybe, text, tuple, uint } from './shape.mjs';
import { signedOffer } from './statements.mjs';

const DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const date = text(10, 10, DATE);
const IDENTITY = 1n, FICHE = 1n, INVITATION = 2n, QUAL = 4n;

const oneClass = (least) => (v, codes) => {
  uint(least, 16)(v, codes);
  refuseUnless((v & (v - 1n)) === 0n, codes.value, 'one class');
  return v;
};

const person = (v, codes) => {
  const p = map({
    local: [1, text(1, 64)],
    ins: [2, maybe(map({
      matricule: [1, maybe(text(15))],
      oid: [2, maybe(text(1, 64, /^[0-2](\.(0|[1-9]\d*))+$/))],
      status: [3, uint(1, 4)],
    }))],
    birthName: [3, text(1, 100)],
    firstNames: [4, maybe(list(1, 10, text(1, 100)))],
    birthDate: [5, maybe(date)],
    sex: [6, maybe(uint(1, 3))],
    birthPlace: [7, maybe(text(5))],
    usedName: [8, maybe(text(1, 100))],
    usedFirstName: [9, maybe(text(1, 100))],
    representation: [10, maybe(map({
      measure: [1, uint(0, 11)],
      scope: [2, uint(0, 7)],
      from: [3, date],
      until: [4, maybe(date)],
      representative: [5, text(1, 200)],
    }))],
  })(v, codes);
  const qualified = p.ins?.status === QUAL;
  if (p.ins) {
    refuseUnless((p.ins.matricule !== undefined) === qualified, codes.value, 'matricule');
    refuseUnless((p.ins.oid !== undefined) === qualified, codes.value, 'OID');
  }
  if (qualified) {
    for (const trait of ['firstNames', 'birthDate', 'sex', 'birthPlace']) {
      refuseUnless(p[trait] !== undefined, codes.missing, trait);
    }
  }
  return p;
};

const author = map({
  name: [1, text(1, 120)],
  profession: [2, text(1, 80)],
  category: [3, uint(1, 2)],
  rpps: [4, maybe(text(11))],
  organisation: [5, text(1, 200)],
});

const audienceRow = (v, codes) => {
  const a = map({
    org: [1, id],
    kind: [2, uint(1, 4)],
    label: [3, maybe(text(1, 120))],
    category: [4, uint(1, 3)],
  })(v, codes);
  refuseUnless((a.label !== undefined) === (a.kind !== 1n), codes.value, 'label');
  return a;
};

const attachmentMap = map({
  name: [1, text(1, 200, /^[^/\\\p{Cc}]+$/u)],
  media: [2, text(1, 100)],
  class: [3, oneClass(1)],
  content: [4, maybe(bin(1, 131072))],
  key: [5, maybe(key32)],
  address: [6, maybe(key32)],
  size: [7, maybe(uint(1, 268435456))],
  chunks: [8, maybe(uint(1, 1025))],
});

// In the document, or beside the envelope: exactly one of both
function attachment(v, codes) {
  const a = attachmentMap(v, codes);
  const beside = [a.key, a.address, a.size, a.chunks].filter((x) => x !== undefined).length;
  refuseUnless(a.content ? beside === 0 : beside === 4, 'SCHEMA', 'content, or where it is');
  refuseUnless(a.content || chunksOf(sealedOf(a.size)) === a.chunks, 'SCHEMA', 'chunks');
  return a;
}

const fiche = map({
  schema: [1, exactly(1)],
  person: [2, person],
  note: [3, uint(1, 5)],
  subject: [4, text(1, 200)],
  sections: [5, list(1, 32, map({ class: [1, oneClass(2)], text: [2, text(1, 65536)] }))],
  urgent: [6, bool],
  audience: [7, list(1, 64, audienceRow)],
  author: [8, author],
  written: [9, uint()],
  re: [10, maybe(id)],
  attachments: [11, maybe(list(1, 16, attachment))],
  restricted: [12, maybe(bool)],
  answerBy: [13, maybe(uint())],
});

const invitation = map({
  schema: [1, exactly(1)],
  person: [2, person],
  offer: [3, (v, codes) => signedOffer(mp1.decode(bin(1, 4096)(v, codes)), codes)],
  author: [4, author],
  message: [5, text(0, 2000)],
  written: [6, uint()],
});

const payload = tuple(exactly(1), bin(1, 262144), id, id, bin(64));

function mark(number, work) {
  try {
    return work();
  } catch (e) {
    if (e instanceof Refusal && !e.step) e.step = number;
    throw e;
  }
}

// -> the document by name, or a Refusal with step 15 or 16
export function judgePayload(body, header, directory) {
  const doc = mark(15, () => {
    const [, bytes, org, skid, sig] = payload(mp1.decode(body), SCHEMA);
    const read = header.type === FICHE ? fiche : invitation;
    const parsed = read(mp1.decode(bytes), SCHEMA);
    // A document sent by its author; nothing in these vectors is passed on
    refuseUnless(equal(org, header.from) && equal(skid, header.skid), 'FORGED', 'author is not the sender');
    const row = directory.find((d) => equal(d.org, org) && equal(d.skid, skid));
    refuseUnless(row && verify(row.pk, 'relais/doc1', H(512, 'relais/doc1/doc', bytes), sig), 'FORGED');
    return parsed;
  });
  mark(16, () => (header.type === INVITATION ? matchInvitation : matchFiche)(doc, header));
  return doc;
}

const sameOrNone = (a, b) => (a === undefined ? b === undefined : b !== undefined && equal(a, b));

function mislabelledUnless(same, what) {
  if (!same) refuse('MISLABELLED', what);
}

function matchFiche(doc, h) {
  const parts = [...doc.sections, ...(doc.attachments ?? [])];
  mislabelledUnless(parts.reduce((mask, p) => mask | p.class, IDENTITY) === h.class, 'class');
  mislabelledUnless(doc.urgent === (h.prio === 1n), 'urgent');
  mislabelledUnless(sameOrNone(doc.re, h.re), 're');
  mislabelledUnless(doc.author.category === h.scat, 'author category');
  const beside = (doc.attachments ?? []).filter((a) => a.address);
  mislabelledUnless(beside.length === (h.att ?? []).length, 'attachments');
  beside.forEach((a, n) => {
    mislabelledUnless(equal(a.address, h.att[n][0]) && sealedOf(a.size) === h.att[n][1], 'attachment');
  });
  mislabelledUnless(doc.audience.length === h.to.length, 'audience');
  doc.audience.forEach((a, i) => {
    mislabelledUnless(equal(a.org, h.to[i]), 'audience organisation');
    mislabelledUnless(a.category === h.rcat[i], 'audience category');
  });
}

function matchInvitation(doc, h) {
  mislabelledUnless(h.class === IDENTITY, 'class');
  mislabelledUnless(h.to.length === 1, 'one recipient');
  mislabelledUnless(doc.author.category === h.scat, 'author category');
}
