// The questions of witnesses.json: sections 10.4, 10.5, 11.
import * as mp1 from './mp1.mjs';
import { signBytes, signingPk, treeRoot } from './crypto.mjs';
import { equal, hex, outcome, unhex, utf8 } from './bytes.mjs';
import { checkConsistency, checkCosignature, checkOpening, cosignatureLine, cosignedText, readMessage } from './witnesses.mjs';
import { Question } from './question.mjs';
import { EVERY, allRefused, asJson, changesAccepted, spoilHex } from './ask.mjs';

const cosignatureOf = (g) => ({
  origin: g.origin, size: BigInt(g.size), root: unhex(g.root), time: BigInt(g.time), pk: unhex(g.pk), sig: unhex(g.sig),
});
const proofOf = (g) => ({
  from: BigInt(g.from), fromRoot: unhex(g.from_root), to: BigInt(g.to), toRoot: unhex(g.to_root), hashes: g.hashes.map(unhex),
});
const verdict = (work) => outcome(work).refusal?.error ?? 'OK';

export function witnessCases(file) {
  const leaves = file.leaf_hashes.map(unhex);

  const cosignatures = file.cosignatures.map((v) => ({
    name: `cosignature: ${v.what}`,
    question: Question.cut(v, ['pk', 'signed', 'sig', 'line', 'root']),
    spoil: spoilHex('seed'),
    answer: async (g) => {
      const seed = unhex(g.seed);
      const pk = signingPk(seed);
      const root = treeRoot(leaves.slice(0, g.size));
      const text = cosignedText(g.time, g.origin, g.size, root);
      const sig = signBytes(seed, utf8(text));
      const one = { origin: g.origin, size: BigInt(g.size), root, time: BigInt(g.time), pk, sig };
      const changed = await changesAccepted(sig, EVERY, 0, (b) => !outcome(() => checkCosignature({ ...one, sig: b })).refusal);
      return {
        answers: { pk: hex(pk), signed: text, sig: hex(sig), line: cosignatureLine(g.name, pk, g.time, sig), root: hex(root) },
        claims: [['verifies', verdict(() => checkCosignature(one)) === 'OK'], allRefused(changed)],
      };
    },
  }));

  const judged = (name, list, work) => list.map((v) => ({
    name: `${name}: ${v.what}`,
    question: Question.cut(v, ['error']),
    answer: (g) => ({ answers: { error: verdict(() => work(g)) }, claims: [] }),
  }));

  const proofs = file.consistency.map((v) => ({
    name: `consistency ${v.what}`,
    question: Question.cut(v, ['from_root', 'to_root']),
    answer: (g) => {
      const [fromRoot, toRoot] = [g.from, g.to].map((n) => treeRoot(leaves.slice(0, n)));
      const proof = { from: BigInt(g.from), fromRoot, to: BigInt(g.to), toRoot, hashes: g.hashes.map(unhex) };
      return {
        answers: { from_root: hex(fromRoot), to_root: hex(toRoot) },
        claims: [['verifies', verdict(() => checkConsistency(proof)) === 'OK']],
      };
    },
  }));

  const messages = file.messages.map((v) => ({
    name: `message: ${v.what}`,
    question: Question.cut(v, ['decoded']),
    spoil: spoilHex('frame'),
    answer: (g) => {
      const frame = unhex(g.frame);
      const { value, why } = outcome(() => readMessage(frame));
      if (!value) return { answers: {}, claims: [[`reads (${why})`, false]] };
      return { answers: { decoded: asJson(value) }, claims: [['made again, the same bytes', equal(mp1.encode(value), frame)]] };
    },
  }));

  const openings = file.openings.map((v) => ({
    name: `epoch: ${v.what}`,
    question: Question.cut({ error: 'OK', ...v }, ['decoded', 'error']),
    answer: (g) => {
      const bytes = unhex(g.receipt);
      const trust = { origin: g.origin, logPk: unhex(file.audit_log) };
      return { answers: { error: verdict(() => checkOpening(bytes, trust)), decoded: asJson(mp1.decode(mp1.decode(bytes)[4])) }, claims: [] };
    },
  }));

  return [
    ...cosignatures, ...judged('bad cosignature', file.bad_cosignatures, (g) => checkCosignature(cosignatureOf(g))),
    ...proofs, ...judged('bad consistency', file.bad_consistency, (g) => checkConsistency(proofOf(g))),
    ...messages, ...file.bad_messages.map((v) => ({
      name: `bad message: ${v.what}`,
      question: Question.cut(v, ['error', 'decoded']),
      answer: (g) => ({ answers: { error: verdict(() => readMessage(unhex(g.frame))), decoded: asJson(mp1.decode(unhex(g.frame))) }, claims: [] }),
    })),
    ...openings,
  ];
}
