// The questions of statements.json: sections 7 and 8.
import * as mp1 from './mp1.mjs';
import { sign, signingKid, signingPk } from './crypto.mjs';
import { equal, hex, outcome, unhex } from './bytes.mjs';
import {
  applyChain, applyKeys, chainDigest, checkOffer, linkHash, offerDigest, possessionDigest, readSigned, statementDigest,
} from './statements.mjs';
import { Question } from './question.mjs';
import { EVERY, allRefused, asJson, changesAccepted, spoilHex } from './ask.mjs';


export function statementCases(file) {
  const ROLES = [1n, 2n, 3n, 4n, 5n, 8n];
  const MAY_REPEAT = [4n, 5n, 6n, 10n]; // suspend, resume, revoke, witness set: the page does not forbid it
  const seeds = file.signing_keys.map((k) => ({ ...k, kid: unhex(k.kid) }));
  const nameOf = (kid) => seeds.find((k) => equal(k.kid, kid))?.name.replace(/ signing$/, '');
  const seedOf = (kid) => unhex(seeds.find((k) => equal(k.kid, kid)).seed);

  // The signatures of an SS, made again from the seeds: Ed25519 is deterministic
  const signedAgain = (ss, context, digest) =>
    readSigned(ss, [...ROLES, 6n, 7n]).sigs.every((s) => equal(s.sig, sign(seedOf(s.kid), context, digest)));

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
      const { stmt } = readSigned(ss, ROLES);
      const decoded = mp1.decode(stmt);
      const answers = { stmt: hex(stmt), decoded: asJson(decoded), digest: hex(statementDigest(stmt)) };
      if (decoded.get(1) === 2n || decoded.get(1) === 13n) {
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

  const keysJudgedCases = file.keys_judged.map((v) => ({
    name: `keys log, at its end: ${v.what}`,
    question: Question.cut(v, ['stmt', 'decoded', 'digest', 'error']),
    spoil: (g) => ({ ...g, ss: g.ss.slice(0, 60) + (g.ss[60] === '0' ? '1' : '0') + g.ss.slice(61) }), // in the statement
    answer: (g) => {
      const ss = unhex(g.ss);
      const { refusal } = outcome(() => applyKeys(keysStates.at(-1), ss));
      const { value } = outcome(() => ({ stmt: readSigned(ss, ROLES).stmt, decoded: mp1.decode(readSigned(ss, ROLES).stmt) }));
      if (!value) return { answers: {}, claims: [['can be read', false]] };
      const { stmt, decoded } = value;
      return {
        answers: {
          stmt: hex(stmt), decoded: asJson(decoded), digest: hex(statementDigest(stmt)), error: refusal?.error ?? 'OK',
        },
        claims: [],
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

  // Said beside the chain, on the head that n = after was
  const judgedCases = file.circle.judged.map((v) => ({
    name: `circle, after ${v.after}: ${v.what}`,
    question: Question.cut(v, ['error']),
    spoil: spoilHex('ss'),
    answer: (g) => {
      const { refusal } = outcome(() => applyChain(chainStates[g.after + 1], unhex(g.ss), nodes()));
      return { answers: { error: refusal?.error ?? 'OK' }, claims: [] };
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

  return [...keyCases, ...keysCases, ...keysJudgedCases, ...chainCases, ...judgedCases, handleCase, ...offerCases];
}
