/** A ratio of two polynomials, coefficients from the constant term up. */
interface Ratio {
  over: readonly number[];
  under: readonly number[];
}

/** Within 0.425 of one half. */
const centre: Ratio = {
  over: [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
    33430.57558358813, 2509.0809287301227,
  ],
  under: [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854,
  ],
};

/** Down to a tail of exp(-25). */
const shoulder: Ratio = {
  over: [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  under: [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
};

/** Beyond it. */
const farTail: Ratio = {
  over: [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
  ],
  under: [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-5,
    1.421511758316446e-7, 2.0442631033899397e-15,
  ],
};

/**
 * Quantile of the standard normal distribution, to about 16 digits; infinite at 0 and 1, NaN outside of them.
 * Source: Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37 (1988) 477-484.
 */
export function normalQuantile(probability: number): number {
  if (!(probability >= 0 && probability <= 1)) return Number.NaN;
  const offset = probability - 0.5;
  if (Math.abs(offset) <= 0.425) return offset * valueAt(centre, 0.180625 - offset * offset);
  const tail = Math.min(probability, 1 - probability);
  if (tail === 0) return offset * Infinity;
  const depth = Math.sqrt(-Math.log(tail));
  const quantile = depth <= 5 ? valueAt(shoulder, depth - 1.6) : valueAt(farTail, depth - 5);
  return Math.sign(offset) * quantile;
}

function valueAt({ over, under }: Ratio, x: number): number {
  return polynomial(over, x) / polynomial(under, x);
}

function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);
}

/**
 * Share of the standard normal distribution below `x`, to about 15 digits after the point (tails below that are 0 or 1).
 * Source: Marsaglia, Evaluating the Normal Distribution, Journal of Statistical Software 11 (2004) 4.
 */
export function normalShareBelow(x: number): number {
  if (Math.abs(x) > 8) return x < 0 ? 0 : 1;
  let [sum, term] = [x, x];
  for (let odd = 3; Math.abs(term) > 1e-17 * Math.abs(sum); odd += 2) {
    term *= (x * x) / odd;
    sum += term;
  }
  return 0.5 + sum * Math.exp(-(x * x) / 2 - 0.9189385332046728);
}

/**
 * The quantile of Student's distribution that lies where `z` lies in the normal one, to 4 digits from 19 degrees of freedom
 * and |z| below 3.5 on.
 * Source: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.7.5.
 */
export function studentOfNormal(z: number, degrees: number): number {
  const [z3, z5, z7, z9] = [z ** 3, z ** 5, z ** 7, z ** 9];
  return (
    z +
    (z3 + z) / 4 / degrees +
    (5 * z5 + 16 * z3 + 3 * z) / 96 / degrees ** 2 +
    (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / 384 / degrees ** 3 +
    (79 * z9 + 776 * z7 + 1482 * z5 - 1920 * z3 - 945 * z) / 92160 / degrees ** 4
  );
}
