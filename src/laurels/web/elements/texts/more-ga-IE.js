/** What is said in Irish of points to spend, of tiers, and of why an order earned what it did. */

import { MONTHS, counting } from "./ga-IE.js";

/** `number` and `money` write the reader's way. Few browsers know the Irish months: days are written here. */
export function more({ number, money }) {
  const points = (n) => `${number(n)} ${counting(n, "pointe", "phointe", "bpointe")}`;
  const day = (at) => `${at.getDate()} ${MONTHS[at.getMonth()]} ${at.getFullYear()}`;
  return {
    purse: "Pointí le caitheamh, agus leibhéal",
    toSpend: "Le caitheamh",
    lapses: (n, last) => `Rachaidh ${points(n)} as feidhm tar éis ${day(last)}`,
    pending: (n, from) => `${points(n)} eile ó ${day(from)}`,
    held: (n) => `${points(n)} curtha i leataobh d’ordú`,
    owed: (n) => `${points(n)} dlite: rachaidh na chéad phointí eile ansin`,
    tier: "Do leibhéal",
    noTier: "Ceann ar bith fós",
    ahead: (missing, next) => `${points(missing)} eile go ${next}`,
    spendAhead: (missing, currency, next) => `${money(missing, currency)} eile le caitheamh go ${next}`,
    until: (last) => `agat go dtí ${day(last)}`,
    top: "An leibhéal is airde",

    earned: (n, spent) => `${points(n)} ar ${spent} a chaith tú`,
    kept: (n, left) => `${points(n)} ar an ${left} a choinnigh tú`,
    extra: (n, name) => `${points(n)} breise ar ${name}`,
    ofTier: (n, name) => `${points(n)} breise mar bhall ${name}`,
    fewer: (n) => `${points(n)} níos lú, mar tá teorainn leis an méid a thuilltear`,
    nothing: (spent) => `Pointe ar bith ar ${spent} a chaith tú`,
    carried: "Coinnítear a bhfuil níos lú ná pointe don chéad ordú eile uait.",
    cameBack: (sum, n) => `Tháinig ${sum} ar ais chugat, agus d’imigh ${points(n)} leis.`,
    allBack: (n) => `Chuir tú ar fad ar ais é, agus mar sin d’imigh ${points(n)}.`,
    spendFrom: (n, from) => `Is féidir leat ${n === 1 ? "é" : "iad"} a chaitheamh ó ${day(from)}.`,
    spendUntil: (n, last) => `Is féidir leat ${n === 1 ? "é" : "iad"} a chaitheamh go dtí ${day(last)}.`,
  };
}
