// The questions of shares.json: section 14.1.
import { VALUE_BYTES, checkOf, join, partOf, sheetRead, sheetWrite } from './shares.mjs';
import { concat, equal, hex, outcome, unhex } from './bytes.mjs';
import { Question } from './question.mjs';
import { flip } from './ask.mjs';

function goodCase(v) {
  return {
    name: `shares good: ${v.what}`,
    question: Question.cut(v, ['shares']),
    spoil: (g) => ({ ...g, random: flip(g.random) }),
    answer: (g) => {
      const [set, random, ...secrets] = [g.set, g.random, ...g.secrets].map(unhex);
      const shared = concat(...secrets, checkOf(set, g.threshold, secrets));
      const parts = [...Array(g.count).keys()].map((i) => ({
        set, threshold: g.threshold, count: g.count, number: i + 1, value: partOf(shared, random, g.threshold, i + 1),
      }));
      const read = parts.map((p) => sheetRead(sheetWrite(p).join('\n')));
      const gives = (some) => equal(join(some), shared);
      return {
        answers: { shares: parts.map((p) => ({ number: p.number, value: hex(p.value), lines: sheetWrite(p) })) },
        claims: [
          ['the first parts, read back, give the secrets', gives(read.slice(0, g.threshold))],
          ['the last ones too', gives(read.slice(-g.threshold))],
          ['one fewer does not', !gives(read.slice(1, g.threshold))],
          ['each part is of its length', parts.every((p) => p.value.length === VALUE_BYTES)],
        ],
      };
    },
  };
}

export const shareCases = ({ good, bad }) => [
  ...good.map(goodCase),
  ...bad.map((v) => ({
    name: `shares bad: ${v.what}`,
    question: Question.cut(v, ['error']),
    answer: (g) => ({ answers: outcome(() => sheetRead(g.lines.join('\n'))).refusal ?? {}, claims: [] }),
    spoil: (g) => ({ ...g, lines: g.lines.length < 8 ? ['1: A'] : [] }),
  })),
];
