// The questions of each file, and how they are answered from sections 1 to 11.
// A case is { name, question, answer(given) -> { answers, claims } }: answers are compared with the
// vector, claims ([text, true or false]) hold without one. `spoil(given)` breaks the input, for the control.
import * as mp1 from './mp1.mjs';
import {
  H, boxKid, boxPk, checkpointText, fingerprint, inclusionPath, leafHash, note, pad, paddedLength, random,
  rootOfPath, sign, signBytes, signingKid, signingPk, treeRoot, unpad, verify,
} from './crypto.mjs';
import { concat, equal, hex, outcome, outcomeOf, unhex, utf8 } from './bytes.mjs';
import { receive, seal } from './envelope.mjs';
import { judgePayload } from './payload.mjs';
import {
  applyChain, applyKeys, chainDigest, checkOffer, linkHash, offerDigest, possessionDigest, readSigned, statementDigest,
} from './statements.mjs';
import {
  ackData, ackDigest, auditCommitment, auditLink, checkHub, checkMember, checkReport, encodeReceipt, readAudit,
  readReceipt, readReceiptFile, receiptFile, reportDigest,
} from './receipts.mjs';
import { Question } from './question.mjs';

const number = (v) => (v <= BigInt(Number.MAX_SAFE_INTEGER) && v >= -BigInt(Number.MAX_SAFE_INTEGER) ? Number(v) : `${v}`);

// `decoded`: maps are objects by key, bin is {"bin": hex}
function asJson(value) {
  if (typeof value === 'bigint') return number(value);
  if (value instanceof Uint8Array) return { bin: hex(value) };
  if (Array.isArray(value)) return value.map(asJson);
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [k, asJson(v)]));
  return value;
}

// What was read by name, with bare hex
function byName(value) {
  if (typeof value === 'bigint') return number(value);
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(byName);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, byName(v)]));
  return value;
}

const flip = (text, at = Math.floor(text.length / 4) * 2) =>
  text.slice(0, at) + (text[at] === '0' ? '1' : '0') + text.slice(at + 1);
const spoilHex = (field) => (given) => ({ ...given, [field]: flip(given[field]) });

// Every `every`-th byte, under each of two bit patterns: how many changes `accepted` lets through
const PATTERNS = [0x01, 0x80];
async function changesAccepted(bytes, every, first, accepted) {
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

const EVERY = 7;
const allRefused = ({ tried, through }) => [`${tried} single-byte changes are refused, ${through} were not`, tried > 0 && through === 0];

// ---- section 1 ---------------------------------------------------------------------------------

export function mp1Cases({ good, bad }) {
  const read = (given) => {
    const { value, refusal } = outcome(() => mp1.decode(unhex(given.hex)));
    return refusal ? { error: refusal.error } : { hex: hex(mp1.encode(value)) };
  };
  return [
    ...good.map((v) => ({
      name: `mp1 good: ${v.what}`,
      question: new Question({ hex: v.hex, what: v.what }, { hex: v.hex }),
      answer: (given) => ({ answers: read(given), claims: [] }),
      spoil: (given) => ({ ...given, hex: `${given.hex}00` }),
    })),
    ...bad.map((v) => ({
      name: `mp1 bad: ${v.what}`,
      question: Question.cut(v, ['error']),
      answer: (given) => ({ answers: read(given), claims: [] }),
      spoil: () => ({ hex: 'c0' }),
    })),
  ];
}

// ---- section 2, 4, 5.2 -------------------------------------------------------------------------

// Every label of the page, with its digest size and whether it is keyed: the vectors must have them all
const LABELS = `env1/hdr 512, env1/rcp 512, env1/commit 256 keyed, env1/body 512 keyed, env1/aad 512, env1/digest 512, env1/ct 512,
  chain1/stmt 512, chain1/offer 512, chain1/link 256, chain1/create 256, keys1/stmt 512, keys1/possession 512, report1/stmt 512,
  doc1/doc 512, invitation1/body 512, kid/sign 128, kid/box 128, fingerprint 256, audit1 256 keyed, audit1/link 256,
  ack1/body 512, join1 256 keyed, file1 256`.split(',').map((s) => `relais/${s.trim()}`);
const CONTEXTS = ['env1/sig', 'env1/batch', 'chain1/statement', 'chain1/offer', 'keys1/statement', 'keys1/possession', 'ack1',
  'report1', 'doc1', 'invitation1'].map((s) => `relais/${s}`);

const claimsOnly = (name, claims) => ({ name, question: new Question({}, {}), answer: () => ({ answers: {}, claims: claims() }) });

export function hashCases(file) {
  const have = new Set(file.labels.map((v) => `${v.label} ${v.bits}${v.key ? ' keyed' : ''}`));
  const contexts = new Set(file.signatures.map((v) => v.context));
  return [
    ...file.labels.map((v) => ({
      name: `hash: ${v.label}, ${v.data.length / 2} bytes`,
      question: Question.cut(v, ['hash']),
      answer: (g) => ({
        answers: { hash: hex(H(g.bits, g.label, unhex(g.data), g.key && unhex(g.key))) },
        claims: [],
      }),
      spoil: (g) => ({ ...g, data: g.data ? flip(g.data) : '00' }),
    })),
    ...file.key_ids.map((v, i) => ({
      name: `key id ${i}`,
      question: Question.cut(v, ['signing_pk', 'signing_kid', 'box_pk', 'box_kid']),
      answer: (g) => {
        const [spk, bpk] = [signingPk(unhex(g.signing_seed)), boxPk(unhex(g.box_secret))];
        return {
          answers: { signing_pk: hex(spk), signing_kid: hex(signingKid(spk)), box_pk: hex(bpk), box_kid: hex(boxKid(bpk)) },
          claims: [],
        };
      },
      spoil: (g) => ({ ...g, signing_seed: flip(g.signing_seed), box_secret: flip(g.box_secret) }),
    })),
    ...file.signatures.map((v) => ({
      name: `signature: ${v.context}`,
      question: Question.cut(v, ['pk', 'sig']),
      answer: (g) => {
        const [seed, digest] = [unhex(g.seed), unhex(g.digest)];
        const sig = sign(seed, g.context, digest);
        const pk = signingPk(seed);
        const elsewhere = CONTEXTS.filter((c) => c !== g.context).some((c) => verify(pk, c, digest, sig));
        return {
          answers: { pk: hex(pk), sig: hex(sig) },
          claims: [['verifies', verify(pk, g.context, digest, sig)], ['in no other context', !elsewhere]],
        };
      },
      spoil: spoilHex('digest'),
    })),
    {
      name: 'fingerprint',
      question: Question.cut(file.fingerprint, ['hash', 'groups']),
      answer: (g) => {
        const { hash, groups } = fingerprint(...['signing_pk', 'transport_pk', 'first_prekey_pk', 'hub_transport_pk', 'hub_pk',
          'keys_log_pk', 'audit_log_pk', 'registrar_pk'].map((k) => unhex(g[k])));
        return { answers: { hash: hex(hash), groups }, claims: [] };
      },
      spoil: spoilHex('hub_pk'),
    },
    ...file.padded_lengths.map((v) => ({
      name: `padded length of ${v.body}`,
      question: Question.cut(v, ['padded']),
      answer: (g) => {
        const padded = pad(new Uint8Array(g.body).fill(0x80));
        return { answers: { padded: paddedLength(g.body) }, claims: [['unpads to itself', unpad(padded).length === g.body]] };
      },
      spoil: (g) => ({ ...g, body: g.body > 200000 ? 1 : g.body * 2 + 256 }),
    })),
    claimsOnly('hash labels', () => LABELS.map((l) => [`${l} has vectors`, have.has(l)])),
    claimsOnly('signature contexts', () => CONTEXTS.map((c) => [`${c} has a vector`, contexts.has(c)])),
  ];
}

// ---- section 5 and 6 ---------------------------------------------------------------------------

function envelopeWorld(file) {
  const directory = file.directory.map((d) => ({ ...d, org: unhex(d.org), skid: unhex(d.skid), pk: unhex(d.pk) }));
  const receivers = Object.fromEntries(Object.entries(file.receivers).map(([name, r]) => [name, {
    org: unhex(r.org), prekeys: r.prekeys.map((p) => ({ kid: unhex(p.kid), secret: unhex(p.secret) })),
  }]));
  const bytesOf = (g) => concat(unhex(g.envelope), new Uint8Array(g.then_zeros ?? 0));
  const receiverOf = (g) => ({
    ...receivers[g.receiver], mode: g.mode, now: BigInt(g.now_ms), directory,
    seen: g.seen.map((s) => ({ mid: unhex(s.mid), from: unhex(s.from), digest: unhex(s.digest) })),
  });
  return { directory, bytesOf, receiverOf };
}

const SHORT = { wrapInfo: 'wrap_info', wrapAad: 'wrap_aad', bodyAad: 'body_aad', paddedLength: 'padded_length' };
const checkpointByName = ([size, root, sig]) => byName({ size, root, sig });

function named(r) {
  const out = Object.fromEntries(Object.entries(r).map(([k, v]) => [SHORT[k] ?? k, byName(v)]));
  out.header.dir = r.header.dir.map(checkpointByName);
  return out;
}

// Two faults at once, or a name that the page leaves open: here the step is binding, and this reading
// says so in its own words (proto/vectors/README.md, "Bad"). Anything else must have the vector's name.
export const OWN_NAMES = {
  'mp1 bad: key 256': 'FIELD_VALUE', // "a number outside its values"; Relais: RANGE
  'envelope bad: key-256': 'FIELD_VALUE',
  'envelope bad: nested-arrays': 'DEPTH', // strict comes before the limits of the parts
  'envelope bad: nested-in-version': 'DEPTH',
  'envelope bad: header-garbage': 'TRAILING', // ff is -1, a whole value: three bytes follow it
};

export function goodEnvelopeCases(file, { changes }) {
  const world = envelopeWorld(file);
  return file.vectors.map((v, nth) => ({
    name: `envelope good: ${v.name}`,
    question: Question.cut(v, ['expect']),
    spoil: (g) => ({ ...g, envelope: flip(g.envelope) }),
    answer: async (g) => {
      const at = world.receiverOf(g);
      const bytes = world.bytesOf(g);
      const { value: r, refusal, why } = await outcomeOf(() => receive(bytes, at));
      if (refusal) return { answers: { error: `step ${refusal.step} ${why}` }, claims: [['opens', false]] };
      const payload = outcome(() => judgePayload(r.body, r.header, at.directory));
      const claims = [
        ['the header is the only encoding of what it says', equal(mp1.encode(mp1.decode(r.hdr)), r.hdr)],
        [`steps 15 and 16 pass (${payload.why ?? ''})`, !payload.refusal],
        ['sealed again, the same bytes', equal(await sealedAgain(g, r), bytes)],
        await sealedFresh(g, r, at),
      ];
      if (changes) {
        claims.push(allRefused(await changesAccepted(bytes, EVERY, nth % EVERY, async (b) => !(await outcomeOf(() => receive(b, at))).refusal)));
      }
      return { answers: named(r), claims };
    },
  }));
}

const stanzasOf = (g, r) => g.seal.stanzas.map((s, i) => ({ pk: unhex(s.pk), kid: boxKid(unhex(s.pk)), org: r.header.to[i], given: s }));

function sealedAgain(g, r) {
  const stanzas = stanzasOf(g, r).map((s) => ({
    ...s, ephemeral: unhex(s.given.ephemeral_secret), wrapped: s.given.wrapped_mk && unhex(s.given.wrapped_mk),
  }));
  return seal({ hdr: r.hdr, body: r.body, mk: unhex(g.seal.mk), stanzas, seed: unhex(g.seal.signing_seed) });
}

async function sealedFresh(g, r, at) {
  const fresh = { hdr: r.hdr, body: r.body, mk: random(32), stanzas: stanzasOf(g, r), seed: unhex(g.seal.signing_seed) };
  const bytes = await seal(fresh);
  const opened = (await outcomeOf(() => receive(bytes, at))).value;
  const same = opened && equal(opened.body, r.body) && equal(opened.hdr, r.hdr) && !equal(opened.digest, r.digest);
  return ['sealed with fresh keys, it opens again', Boolean(same)];
}

// Also answers files with payloads that are refused: steps 15 and 16 follow when 1 to 14 pass.
export function badEnvelopeCases(file, what) {
  const world = envelopeWorld(file);
  return file.vectors.map((v) => ({
    name: `${what}: ${v.name}`,
    question: Question.cut(v, ['expect']),
    spoil: (g) => ({ ...g, envelope: 'c0', then_zeros: 0, spoilt: true }),
    answer: async (g) => {
      const at = world.receiverOf(g);
      const { refusal } = await outcomeOf(async () => {
        const r = await receive(world.bytesOf(g), at);
        judgePayload(r.body, r.header, at.directory);
      });
      return { answers: refusal ?? { step: 0, error: 'OK' }, claims: [['is refused', Boolean(refusal)]], step: refusal?.step };
    },
  }));
}

// ---- sections 7 and 8 --------------------------------------------------------------------------

export function statementCases(file) {
  const MAY_REPEAT = [4n, 5n, 6n]; // suspend, resume, revoke: the page does not forbid it
  const seeds = file.signing_keys.map((k) => ({ ...k, kid: unhex(k.kid) }));
  const nameOf = (kid) => seeds.find((k) => equal(k.kid, kid))?.name.replace(/ signing$/, '');
  const seedOf = (kid) => unhex(seeds.find((k) => equal(k.kid, kid)).seed);

  // The signatures of an SS, made again from the seeds: Ed25519 is deterministic
  const signedAgain = (ss, context, digest) =>
    readSigned(ss, [1n, 2n, 3n, 4n, 5n, 6n, 7n]).sigs.every((s) => equal(s.sig, sign(seedOf(s.kid), context, digest)));

  const keyCases = file.signing_keys.map((v) => ({
    name: `signing key of ${v.name}`,
    question: Question.cut(v, ['pk', 'kid']),
    spoil: spoilHex('seed'),
    answer: (g) => {
      const pk = signingPk(unhex(g.seed));
      return { answers: { pk: hex(pk), kid: hex(signingKid(pk)) }, claims: [] };
    },
  }));

  // Each statement is judged in the state that those before it made
  const keysStates = [undefined];
  const keysCases = file.keys_log.map((v, i) => ({
    name: `keys log ${i}: ${v.what}`,
    question: Question.cut(v, ['stmt', 'decoded', 'digest', 'decoded_body', 'possession_digest']),
    spoil: spoilHex('ss'),
    answer: async (g) => {
      const ss = unhex(g.ss);
      const { value: next, why } = outcome(() => applyKeys(keysStates[i], ss));
      if (!next) return { answers: {}, claims: [[`applies (${why})`, false]] };
      keysStates[i + 1] = next;
      const { stmt } = readSigned(ss, [1n, 2n, 3n, 4n, 5n]);
      const decoded = mp1.decode(stmt);
      const answers = { stmt: hex(stmt), decoded: asJson(decoded), digest: hex(statementDigest(stmt)) };
      if (decoded.get(1) === 2n) {
        answers.decoded_body = asJson(mp1.decode(decoded.get(4)));
        answers.possession_digest = hex(possessionDigest(decoded.get(4)));
      }
      const changed = await changesAccepted(ss, EVERY, i % EVERY, (b) => !outcome(() => applyKeys(keysStates[i], b)).refusal);
      return {
        answers,
        claims: [
          ['signed again, the same bytes', signedAgain(ss, 'relais/keys1/statement', statementDigest(stmt))],
          ...(MAY_REPEAT.includes(decoded.get(1)) ? [] : [['is not taken twice', Boolean(outcome(() => applyKeys(next, ss)).refusal)]]),
          allRefused(changed),
        ],
      };
    },
  }));

  const nodes = () => keysStates.at(-1)?.nodes ?? [];
  const chainStates = [undefined];
  const chainCases = file.circle.chain.map((v, i) => ({
    name: `circle ${i}: ${v.what}`,
    question: Question.cut(v, ['stmt', 'decoded', 'digest', 'n', 'author', 'link']),
    spoil: spoilHex('ss'),
    answer: async (g) => {
      const ss = unhex(g.ss);
      const { value: next, why } = outcome(() => applyChain(chainStates[i], ss, nodes()));
      if (!next) return { answers: {}, claims: [[`applies (${why})`, false]] };
      chainStates[i + 1] = next;
      const { stmt, sigs } = readSigned(ss, [6n, 7n]);
      const changed = await changesAccepted(ss, EVERY, i % EVERY, (b) => !outcome(() => applyChain(chainStates[i], b, nodes())).refusal);
      return {
        answers: {
          stmt: hex(stmt), decoded: asJson(mp1.decode(stmt)), digest: hex(chainDigest(stmt)), n: Number(next.n),
          author: nameOf(sigs[0].kid), link: hex(linkHash(stmt)),
        },
        claims: [
          ['signed again, the same bytes', signedAgain(ss, 'relais/chain1/statement', chainDigest(stmt))],
          ['is not taken twice', Boolean(outcome(() => applyChain(next, ss, nodes())).refusal)],
          allRefused(changed),
        ],
      };
    },
  }));

  const handleCase = {
    name: 'circle handle',
    question: new Question({}, { handle: file.circle.handle }),
    answer: () => ({ answers: { handle: chainStates[1] ? hex(chainStates[1].handle) : '' }, claims: [] }),
  };

  const offerCases = file.offers.map((v, i) => ({
    name: `offer: ${v.what}`,
    question: Question.cut(v, ['decoded', 'digest']),
    spoil: spoilHex('signed_offer'),
    answer: async (g) => {
      const bytes = unhex(g.signed_offer);
      const { value: o, why } = outcome(() => checkOffer(bytes, nodes()));
      if (!o) return { answers: {}, claims: [[`verifies (${why})`, false]] };
      const changed = await changesAccepted(bytes, EVERY, i % EVERY, (b) => !outcome(() => checkOffer(b, nodes())).refusal);
      return {
        answers: { decoded: asJson(mp1.decode(o.bytes)), digest: hex(offerDigest(o.bytes)) },
        claims: [
          ['signed again, the same bytes', equal(o.sig, sign(seedOf(o.skid), 'relais/chain1/offer', offerDigest(o.bytes)))],
          allRefused(changed),
        ],
      };
    },
  }));

  return [...keyCases, ...keysCases, ...chainCases, handleCase, ...offerCases];
}

// ---- sections 9 to 11 --------------------------------------------------------------------------

export function receiptCases(file) {
  const logPk = signingPk(unhex(file.log.seed));
  const trust = {
    origin: file.log.origin, logPk, federation: unhex(file.ack.federation),
    members: [{ org: unhex(file.ack.org), pk: unhex(file.ack.pk) }],
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
    question: Question.cut({ ...file.ack, items: file.ack.items.map(({ mid, digest }) => ({ mid, digest })), leaf_hashes: file.ack.items.map((x) => x.leaf_hash) },
      ['leaf_hashes', 'count', 'root', 'data', 'digest']),
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

  const reportCase = {
    name: 'report',
    question: Question.cut(file.report, ['stmt', 'decoded', 'digest']),
    spoil: spoilHex('ss'),
    answer: async (g) => {
      const ss = unhex(g.ss);
      const { value, why } = outcome(() => checkReport(ss, trust.members));
      if (!value) return { answers: {}, claims: [[`verifies (${why})`, false]] };
      const changed = await changesAccepted(ss, EVERY, 0, (b) => !outcome(() => checkReport(b, trust.members)).refusal);
      return {
        answers: { stmt: hex(value.stmt), decoded: asJson(mp1.decode(value.stmt)), digest: hex(reportDigest(value.stmt)) },
        claims: [allRefused(changed)],
      };
    },
  };

  return [
    {
      name: 'log key',
      question: new Question({}, { pk: file.log.pk }),
      answer: () => ({ answers: { pk: hex(logPk) }, claims: [] }),
    },
    ...leafCases, ...file.receipts.map(receiptCase), ...file.bad_receipts.map(badCase),
    ...(file.bad_member_signatures ?? []).map(badMemberCase), ackCase, reportCase,
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
