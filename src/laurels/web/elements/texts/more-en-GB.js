/** What is said in British English of points to spend, of tiers, and of why an order earned what it did. */

const cardinal = new Intl.PluralRules("en-GB");

/** `number`, `day` and `money` write the reader's way. */
export function more({ number, day, money }) {
  const points = (n) => `${number(n)} ${cardinal.select(n) === "one" ? "point" : "points"}`;
  const them = (n) => (n === 1 ? "it" : "them");
  return {
    purse: "Points to spend, and tier",
    toSpend: "To spend",
    lapses: (n, last) => `${points(n)} ${n === 1 ? "lapses" : "lapse"} after ${day(last)}`,
    pending: (n, from) => `${number(n)} more from ${day(from)}`,
    held: (n) => `${number(n)} set aside for an order`,
    owed: (n) => `${points(n)} owed: your next ${n === 1 ? "one goes" : "ones go"} there`,
    tier: "Your tier",
    noTier: "None yet",
    ahead: (missing, next) => `${points(missing)} to ${next}`,
    spendAhead: (missing, currency, next) => `${money(missing, currency)} to spend to ${next}`,
    until: (last) => `yours until ${day(last)}`,
    top: "The highest there is",

    earned: (n, spent) => `${points(n)} for ${spent} spent`,
    kept: (n, left) => `${points(n)} for the ${left} that you kept`,
    extra: (n, name) => `${number(n)} extra for ${name}`,
    ofTier: (n, name) => `${number(n)} extra as you are ${name}`,
    fewer: (n) => `${number(n)} fewer, as there is a most that can be earned`,
    nothing: (spent) => `No points for ${spent} spent`,
    carried: "What is less than a point is kept for your next order.",
    cameBack: (sum, n) => `${sum} came back to you, and ${points(n)} went with it.`,
    allBack: (n) => `You returned all of it, so ${n === 1 ? "its 1 point" : `its ${points(n)}`} went back.`,
    spendFrom: (n, from) => `You can spend ${them(n)} from ${day(from)}.`,
    spendUntil: (n, last) => `You can spend ${them(n)} until ${day(last)}.`,
  };
}
