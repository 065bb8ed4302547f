// Sections 10.4, 10.5 and 11: cosignatures, consistency, the messages about them, how an epoch begins.
import * as mp1 from './mp1.mjs';
import { checkpointText, nodeHash, verifyBytes } from './crypto.mjs';
import { base64, concat, equal, refuseUnless, u8, utf8 } from './bytes.mjs';
import { sha256 } from '@noble/hashes/sha2.js';
import { FIELDS, bin, id, key32, list, tuple, uint } from './shape.mjs';
import { checkHub, readReceipt } from './receipts.mjs';

// c2sp.org/tlog-cosignature, cosignature/v1
export const cosignedText = (time, origin, size, root) => `cosignature/v1\ntime ${time}\n${checkpointText(origin, size, root)}`;

export function checkCosignature({ origin, size, root, time, pk, sig }) {
  refuseUnless(verifyBytes(pk, utf8(cosignedText(time, origin, size, root)), sig), 'CHECKPOINT');
}

const COSIGNATURE = 4;
const be64 = (n) => Uint8Array.from({ length: 8 }, (_, i) => Number((BigInt(n) >> BigInt(56 - 8 * i)) & 255n));

export function cosignatureLine(name, pk, time, sig) {
  const keyId = sha256(concat(utf8(`${name}\n`), u8(COSIGNATURE), pk)).slice(0, 4);
  return `\u2014 ${name} ${base64(concat(keyId, be64(time), sig))}\n`;
}

// RFC 9162 2.1.4.2
export function checkConsistency({ from, fromRoot, to, toRoot, hashes }) {
  refuseUnless(from <= to, 'PROOF', 'an older tree that is larger');
  if (from === to) {
    refuseUnless(hashes.length === 0 && equal(fromRoot, toRoot), 'PROOF', 'one size, one root');
    return;
  }
  const path = (from & (from - 1n)) === 0n ? [fromRoot, ...hashes] : hashes;
  refuseUnless(path.length > 0, 'PROOF', 'no proof');
  let fn = from - 1n, sn = to - 1n;
  while ((fn & 1n) === 1n) {
    fn >>= 1n;
    sn >>= 1n;
  }
  let [old, now] = [path[0], path[0]];
  for (const c of path.slice(1)) {
    refuseUnless(sn !== 0n, 'PROOF', 'a hash too many');
    if ((fn & 1n) === 1n || fn === sn) {
      old = nodeHash(c, old);
      now = nodeHash(c, now);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      now = nodeHash(now, c);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  refuseUnless(sn === 0n, 'PROOF', 'a hash too few');
  refuseUnless(equal(old, fromRoot) && equal(now, toRoot), 'PROOF', 'roots');
}

// Section 11: the messages, by their type
const TIME_MAX = (1n << 63n) - 1n;
const EPOCH_MAX = 65535n;
const ckpt = tuple(uint(), key32, bin(64));
const cosigned = (v, codes) => (v === null ? null : tuple(ckpt, list(1, 15, tuple(id, uint(0, TIME_MAX), bin(64))))(v, codes));
const type = uint();
const epoch = uint(0, EPOCH_MAX);
const log = uint(0, 65535);

// The keys log has no epochs, and there are two logs
const named = (logNumber, epochNumber) =>
  refuseUnless((logNumber === 1n && epochNumber === 0n) || (logNumber === 2n && epochNumber > 0n), 'FIELD_VALUE', 'log and epoch');

const BEHIND = 66n;
const behind = tuple(log, epoch, ckpt);
const MESSAGES = {
  15: [tuple(type, uint(), uint(), bin(0, 16), bin(0, 8192), (v) => v), ([, , code, , , extra]) => {
    if (code !== BEHIND || extra === null) return;
    const [l, e] = behind(extra, FIELDS);
    named(l, e);
  }],
  17: [tuple(type, epoch, ckpt, ckpt, cosigned, cosigned), () => {}],
  18: [tuple(type, uint(), log, epoch, uint(), uint()), ([, , l, e]) => named(l, e)],
  19: [tuple(type, uint(), log, epoch, uint(), uint(), list(0, 64, key32)), ([, , l, e]) => named(l, e)],
  22: [tuple(type, uint(), log, epoch, uint(), key32, uint(0, TIME_MAX), bin(64)), ([, , l, e]) => named(l, e)],
};

export function readMessage(frame) {
  const raw = mp1.decode(frame);
  refuseUnless(Array.isArray(raw) && MESSAGES[raw[0]], 'MESSAGE_UNKNOWN');
  const [shape, more] = MESSAGES[raw[0]];
  more(shape(raw, FIELDS));
  return raw;
}

// 10.5: the receipt with which a node enters an epoch
export function checkOpening(bytes, trust) {
  const receipt = readReceipt(bytes);
  const audit = checkHub(receipt, trust);
  const { epoch: former, common, commonRoot, lost } = audit.detail;
  refuseUnless(audit.type === 18n && receipt.index === 0n, 'EPOCH', 'not its first leaf');
  refuseUnless([former, common, commonRoot, lost].every((v) => v !== undefined) && lost >= common, 'EPOCH', 'what it says');
  return audit;
}
