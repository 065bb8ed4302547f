// The questions of attachments.json: section 6.4, and the messages 23 to 28 of section 11.
import * as mp1 from './mp1.mjs';
import { address, chunkHash, chunksOf, openChunk, openFile, readMessage, receive, sealChunk, sealedOf, sealedSize } from './attachment.mjs';
import { concat, equal, hex, outcome, unhex } from './bytes.mjs';
import { FIELDS } from './shape.mjs';
import { Question } from './question.mjs';
import { EVERY, allRefused, asJson, changesAccepted, flip, spoilHex } from './ask.mjs';

const PIECE = 262128;
const refuses = (work) => outcome(work).refusal !== undefined;
const verdict = (work) => outcome(work).refusal?.error ?? 'OK';

// -> { pieces, chunks } of a file of the vectors
function sealed({ key, content, plain }) {
  const [k, some] = [unhex(key), unhex(content)];
  const all = new Uint8Array(plain);
  for (let at = 0; at < plain; at += some.length) all.set(some.subarray(0, Math.min(some.length, plain - at)), at);
  const pieces = [];
  for (let at = 0; at < plain; at += PIECE) pieces.push(all.subarray(at, at + PIECE));
  return { pieces, chunks: pieces.map((p, i) => sealChunk(k, i, i === pieces.length - 1, p)) };
}

const sizeCases = (file) => [
  ...file.sizes.map((v) => ({
    name: `attachment of ${v.plain} bytes`,
    question: Question.cut(v, ['size', 'chunks']),
    spoil: (g) => ({ ...g, plain: g.plain === 1 ? 2 : 1 }),
    answer: (g) => {
      const size = sealedSize(sealedOf(BigInt(g.plain)), FIELDS);
      return { answers: { size: Number(size), chunks: Number(chunksOf(size)) }, claims: [] };
    },
  })),
  ...file.bad_sizes.map((v) => ({
    name: `attachment of a size ${v.size} that none has`,
    question: new Question(v, { error: 'FIELD_VALUE' }),
    answer: (g) => ({ answers: { error: verdict(() => sealedSize(BigInt(g.size), FIELDS)) }, claims: [] }),
  })),
];

const fileCase = (v) => ({
  name: `attachment: ${v.what}`,
  question: Question.cut(v, ['chunks', 'size', 'address']),
  spoil: spoilHex('key'),
  answer: async (g) => {
    const key = unhex(g.key);
    const { pieces, chunks } = sealed(g);
    const hashes = chunks.map((c, i) => chunkHash(i, c));
    const size = chunks.reduce((n, c) => n + c.length, 0);
    const last = (i) => i === chunks.length - 1;
    const end = chunks[chunks.length - 1];
    const every = Math.max(EVERY, Math.floor(end.length / 20)); // a long one takes its time
    const changed = await changesAccepted(end, every, 0, (b) => !refuses(() => openChunk(key, chunks.length - 1, true, b)));
    return {
      answers: {
        chunks: chunks.map((c, i) => ({ bytes: c.length, tag: hex(c.slice(-16)), hash: hex(hashes[i]) })),
        size,
        address: hex(address(size, hashes)),
      },
      claims: [
        ['opens to its pieces', chunks.every((c, i) => equal(openChunk(key, i, last(i), c), pieces[i]))],
        ['at no other place', chunks.every((c, i) => refuses(() => openChunk(key, i + 1, last(i), c)))],
        ['nor as another end', chunks.every((c, i) => refuses(() => openChunk(key, i, !last(i), c)))],
        ['nor under another key', chunks.every((c, i) => refuses(() => openChunk(unhex(flip(g.key)), i, last(i), c)))],
        allRefused(changed),
      ],
    };
  },
});

const offeredCases = (file) => {
  const made = new Map();
  const chunkOf = (name, i) => {
    if (!made.has(name)) made.set(name, sealed(file.files.find((f) => f.what === name)).chunks);
    return made.get(name)[i];
  };
  const bytesOf = (o) => {
    const whole = concat(chunkOf(o.file, o.chunk), new Uint8Array(o.then_zeros ?? 0));
    if (o.flip !== undefined) whole[o.flip] ^= 1;
    return whole.slice(0, whole.length - (o.cut ?? 0));
  };
  return file.offered.map((v) => ({
    name: `attachment offered: ${v.what}`,
    question: Question.cut(v, ['next', 'whole', 'opens', 'error']),
    answer: (g) => {
      const kept = receive(
        { size: BigInt(g.size), address: unhex(g.address), hashes: g.hashes.map(unhex) },
        g.offers.map((o) => ({ i: o.as, chunk: bytesOf(o) })),
      );
      const { opens, refusal } = kept.refusal ? { opens: 0, refusal: kept.refusal } : openFile(unhex(g.key), kept);
      return { answers: { next: kept.chunks.length, whole: kept.whole, opens, error: refusal ?? 'OK' }, claims: [] };
    },
    spoil: (g) => ({ ...g, size: refuses(() => sealedSize(BigInt(g.size), FIELDS)) ? 1000 : 0 }),
  }));
};

const frameOf = (g) => concat(unhex(g.frame), new Uint8Array(g.then_zeros ?? 0));

const messageCases = (file) => [
  ...file.messages.map((v) => ({
    name: `message: ${v.what}`,
    question: Question.cut({ error: 'OK', ...v }, ['decoded', 'error']),
    spoil: (g) => ({ ...g, frame: flip(g.frame, 1) }),
    answer: (g) => {
      const frame = frameOf(g);
      const { value, refusal } = outcome(() => readMessage(frame, g.from));
      if (!value) return { answers: { error: refusal.error }, claims: [] };
      return {
        answers: { error: 'OK', ...(g.then_zeros ? {} : { decoded: asJson(value) }) },
        claims: [['made again, the same bytes', equal(mp1.encode(value), frame)]],
      };
    },
  })),
  ...file.bad_messages.map((v) => ({
    name: `bad message: ${v.what}`,
    question: Question.cut(v, ['error', 'decoded']),
    answer: (g) => ({
      answers: {
        error: verdict(() => readMessage(frameOf(g), g.from)),
        ...(g.then_zeros ? {} : { decoded: asJson(mp1.decode(frameOf(g))) }),
      },
      claims: [],
    }),
  })),
];

export const attachmentCases = (file) => [...sizeCases(file), ...file.files.map(fileCase), ...offeredCases(file), ...messageCases(file)];
