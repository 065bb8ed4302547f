// The questions of the envelope and payload files: sections 5 and 6.
import * as mp1 from './mp1.mjs';
import { boxKid, random } from './crypto.mjs';
import { concat, equal, outcome, outcomeOf, unhex } from './bytes.mjs';
import { receive, seal } from './envelope.mjs';
import { judgePayload } from './payload.mjs';
import { Question } from './question.mjs';
import { EVERY, allRefused, byName, changesAccepted, flip } from './ask.mjs';

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

const batchOf = (g, r) => g.seal.batch && { ...g.seal.batch, path: unhex(g.seal.batch.path), from: r.header.from, skid: r.header.skid };

function sealedAgain(g, r) {
  const stanzas = stanzasOf(g, r).map((s) => ({
    ...s, ephemeral: unhex(s.given.ephemeral_secret), wrapped: s.given.wrapped_mk && unhex(s.given.wrapped_mk),
  }));
  return seal({ hdr: r.hdr, body: r.body, mk: unhex(g.seal.mk), stanzas, seed: unhex(g.seal.signing_seed), batch: batchOf(g, r) });
}

async function sealedFresh(g, r, at) {
  const fresh = { hdr: r.hdr, body: r.body, mk: random(32), stanzas: stanzasOf(g, r), seed: unhex(g.seal.signing_seed), batch: batchOf(g, r) };
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
    spoil: (g) => ({ ...g, then_zeros: g.then_zeros > 298890 ? 0 : 300000 }),
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
