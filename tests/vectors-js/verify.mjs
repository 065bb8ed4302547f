#!/usr/bin/env node
// Runs this second reading of proto/PROTOCOL.md over proto/vectors.
//   node verify.mjs              every check; the last line counts them
//   node verify.mjs --selftest   the control: what is made wrong on purpose must be noticed
import { readFileSync } from 'node:fs';
import { Question, deepFreeze } from './question.mjs';
import { OWN_NAMES, allRefused, changesAccepted } from './ask.mjs';
import { attachmentCases } from './ask_attachments.mjs';
import { hashCases, mp1Cases } from './ask_basics.mjs';
import { badEnvelopeCases, goodEnvelopeCases } from './ask_envelopes.mjs';
import { receiptCases } from './ask_receipts.mjs';
import { shareCases } from './ask_shares.mjs';
import { statementCases } from './ask_statements.mjs';
import { witnessCases } from './ask_witnesses.mjs';

const VECTORS = new URL('../../proto/vectors/', import.meta.url);
const STEPS = Array.from({ length: 16 }, (_, i) => i + 1);

const tally = { passed: 0, failed: 0 };

function check(name, ok, said = '') {
  tally[ok ? 'passed' : 'failed']++;
  if (!ok) console.log(`FAIL ${name}${said ? `: ${said.slice(0, 400)}` : ''}`);
}

// -> what `make` does with a file, or [] and a failure when there is none
function cases(name, make) {
  let text;
  try {
    text = readFileSync(new URL(name, VECTORS), 'utf8');
  } catch (e) {
    check(name, false, e.code);
    return [];
  }
  const all = make(JSON.parse(text));
  check(`${name} holds vectors`, all.length > 0);
  return all;
}

const everything = (options) => [
  ...cases('mp1.json', mp1Cases),
  ...cases('hashes.json', hashCases),
  ...cases('statements.json', statementCases),
  ...cases('receipts.json', receiptCases),
  ...cases('shares.json', shareCases),
  ...cases('witnesses.json', witnessCases),
  ...cases('attachments.json', attachmentCases),
  ...cases('envelope-good.json', (f) => goodEnvelopeCases(f, options)),
  ...cases('envelope-bad.json', (f) => badEnvelopeCases(f, 'envelope bad')),
  ...cases('payload-bad.json', (f) => badEnvelopeCases(f, 'payload bad')),
];

// The own result comes first and is frozen; only then does the question look at what was expected.
async function answered(one, given = one.question.given) {
  const { answers, claims, step } = await one.answer(given);
  return deepFreeze({ answers, claims, step });
}

function inOwnWords(name, compared, answers) {
  if (compared.ok || compared.field !== 'error' || OWN_NAMES[name] !== answers.error) return compared;
  console.log(`note ${name}: ${compared.said}`);
  return { ...compared, ok: true };
}

async function verify() {
  const refusedAt = new Map(STEPS.map((s) => [s, 0]));
  for (const one of everything({ changes: true })) {
    const result = await answered(one);
    const compared = one.question.answeredBy(result.answers).map((c) => inOwnWords(one.name, c, result.answers));
    check(`${one.name}: asks something`, compared.length + result.claims.length > 0);
    for (const { field, ok, said } of compared) check(`${one.name}: ${field}`, ok, said);
    for (const [claim, ok] of result.claims) check(`${one.name}: ${claim}`, ok);
    if (compared.every((c) => c.ok) && refusedAt.has(result.step)) refusedAt.set(result.step, refusedAt.get(result.step) + 1);
  }
  for (const [step, n] of refusedAt) check(`step ${step} has a vector that it refuses`, n > 0);
  console.log(`bad vectors by step: ${[...refusedAt].map(([s, n]) => `${s}:${n}`).join(' ')}`);
}

// Each expectation made wrong, one at a time, then each input: either must come out as a difference.
async function selftest() {
  let expectations = 0, inputs = 0;
  for (const one of everything({ changes: false })) {
    const result = await answered(one);
    for (const { field, question } of one.question.corrupted()) {
      check(`${one.name}: a wrong ${field} is noticed`, question.answeredBy(result.answers).every((c) => !c.ok));
      expectations++;
    }
    if (!one.spoil) continue;
    const spoilt = await answered(one, deepFreeze(one.spoil(one.question.given)));
    const differs = one.question.answeredBy(spoilt.answers).some((c) => !c.ok) || spoilt.claims.some(([, ok]) => !ok);
    check(`${one.name}: a changed input is noticed`, differs);
    inputs++;
  }
  await machinery();
  check('expectations were made wrong', expectations > 0);
  check('inputs were changed', inputs > 0);
  console.log(`selftest: ${expectations} expectations made wrong, ${inputs} inputs changed`);
}

// The tools of the checks: each must be able to say no.
async function machinery() {
  let early = false;
  try {
    new Question({}, { x: 1 }).answeredBy({ x: 1 });
  } catch {
    early = true;
  }
  check('an answer that could still change is not compared', early);
  const bytes = new Uint8Array(64);
  check('changes that are let through are counted', !allRefused(await changesAccepted(bytes, 7, 0, () => true))[1]);
  check('no change at all is not enough', !allRefused(await changesAccepted(bytes, 7, 64, () => false))[1]);
}

await (process.argv.includes('--selftest') ? selftest() : verify());
console.log(`${tally.passed} passed, ${tally.failed} failed`);
process.exitCode = tally.failed === 0 ? 0 : 1;
