// A vector is cut in two before anything looks at it: what is given, and what is expected.
//
// The expected half is a private field. Only answeredBy() reads it, and only for an answer that is
// frozen already: no result can be made after the expectation was seen.

export function deepFreeze(value) {
  if (ArrayBuffer.isView(value)) throw new TypeError('answers are text, numbers, lists and objects');
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}

const plain = (value) => JSON.stringify(value, (_, v) =>
  (typeof v === 'object' && v !== null && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).sort()) : v));

export class Question {
  #expected;

  constructor(given, expected) {
    this.given = deepFreeze(given);
    this.#expected = deepFreeze(expected);
  }

  // names: fields of the vector that are expectations, the rest is given (those of `expect` one by one)
  static cut(vector, names) {
    const given = {}, expected = {};
    for (const [k, v] of Object.entries(vector)) (names.includes(k) ? expected : given)[k] = v;
    const { expect, ...rest } = expected;
    return new Question(given, { ...expect, ...rest });
  }

  // How many expectations there are: none is a fault of its own.
  get size() {
    return Object.keys(this.#expected).length;
  }

  // -> [{ field, ok, said }] one for each expectation
  answeredBy(answer) {
    if (!Object.isFrozen(answer)) throw new Error('an answer is frozen before it is compared');
    return Object.keys(this.#expected).map((field) => {
      const ok = plain(answer[field]) === plain(this.#expected[field]);
      return { field, ok, said: ok ? '' : `own ${plain(answer[field])}, vector ${plain(this.#expected[field])}` };
    });
  }

  // For the control: the same questions, each with one expectation made wrong.
  *corrupted() {
    for (const [field, value] of Object.entries(this.#expected)) {
      yield { field, question: new Question(this.given, { [field]: spoil(value) }) };
    }
  }
}

function spoil(value) {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  if (value === null) return 0;
  if (Array.isArray(value)) return value.length ? [spoil(value[0]), ...value.slice(1)] : [0];
  if (typeof value === 'object') {
    const [first] = Object.keys(value);
    return first === undefined ? { spoilt: 0 } : { ...value, [first]: spoil(value[first]) };
  }
  if (value === '') return '00';
  const at = Math.floor(value.length / 2);
  return value.slice(0, at) + (value[at] === '0' ? '1' : '0') + value.slice(at + 1);
}
