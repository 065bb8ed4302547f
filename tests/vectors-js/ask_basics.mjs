// The questions of mp1.json and hashes.json: sections 1, 2, 4 and 5.2.
import * as mp1 from './mp1.mjs';
import {
  H, boxKid, boxPk, fingerprint, pad, paddedLength, sign, signingKid, signingPk, unpad, verify,
} from './crypto.mjs';
import { hex, outcome, unhex } from './bytes.mjs';
import { Question } from './question.mjs';
import { flip, spoilHex } from './ask.mjs';


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


// Every label of the page, with its digest size and whether it is keyed: the vectors must have them all
const LABELS = `env1/hdr 512, env1/rcp 512, env1/commit 256 keyed, env1/body 512 keyed, env1/aad 512, env1/digest 512, env1/ct 512,
  chain1/stmt 512, chain1/offer 512, chain1/link 256, chain1/create 256, keys1/stmt 512, keys1/possession 512, report1/stmt 512,
  doc1/doc 512, invitation1/body 512, kid/sign 128, kid/box 128, fingerprint 256, audit1 256 keyed, audit1/link 256,
  ack1/body 512, join1 256 keyed, file1 256, recall1/stmt 512,
  operator1/act 512, operator1/request 256, share1/check 128, share1/sheet 128, share1/line 128,
  att1/chunk 256, att1/address 256`.split(',').map((s) => `relais/${s.trim()}`);
const CONTEXTS = ['env1/sig', 'env1/batch', 'chain1/statement', 'chain1/offer', 'keys1/statement', 'keys1/possession', 'ack1',
  'report1', 'doc1', 'invitation1', 'recall1', 'operator1'].map((s) => `relais/${s}`);

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
      spoil: (g) => ({ ...g, body: g.body > 4096 ? 1 : g.body + 5000 }),
    })),
    claimsOnly('hash labels', () => LABELS.map((l) => [`${l} has vectors`, have.has(l)])),
    claimsOnly('signature contexts', () => CONTEXTS.map((c) => [`${c} has a vector`, contexts.has(c)])),
  ];
}
