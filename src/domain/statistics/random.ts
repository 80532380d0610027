/**
 * A stream of whole numbers from 0 to below 2^32, all as likely: fills the array with the next ones. Many at a time, as a
 * number of this size on its own costs memory.
 */
export type RandomWords = (words: Uint32Array) => void;

/**
 * A stream of numbers that look random and are the same for the same seed on every machine, as only whole numbers of 32 bits
 * are involved. Not for secrets.
 *
 * @param seed a whole number from 0 to below 2^32
 */
export function randomWords(seed: number): RandomWords {
  let weyl = seed | 0;
  // The finaliser of MurmurHash3 over a Weyl sequence: states of near seeds have nothing in common.
  const next = (): number => {
    weyl = (weyl + 0x9e3779b9) | 0;
    let mixed = Math.imul(weyl ^ (weyl >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return mixed ^ (mixed >>> 16);
  };
  return xoshiro([next(), next(), next(), next()]);
}

/**
 * The generator itself, from a state that is not all 0.
 * Source: xoshiro128** 1.1, Blackman and Vigna, ACM Transactions on Mathematical Software 47 (2021) 36.
 */
export function xoshiro(state: [number, number, number, number]): RandomWords {
  return (words) => {
    let [a, b, c, d] = state;
    for (let index = 0; index < words.length; index++) {
      const scrambled = Math.imul(b, 5);
      words[index] = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
      const shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = (d << 11) | (d >>> 21);
    }
    state = [a, b, c, d];
  };
}
