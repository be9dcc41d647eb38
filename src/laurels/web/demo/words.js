// What the shop says to its customers, in English and in Irish: `?lang=ga` is the page in Irish. What `data-words` names
// in the page is written here; the shop's own names for its goods stay as they are.

const ENGLISH = {
  months: null, // browsers know them
  skip: "To the shelves",
  bigScreen: "Big screen",
  engineers: "For engineers",
  otherLanguage: "Gaeilge",
  signedIn: "You are signed in as",
  about: {},
  title: "Good things for the house",
  lead: "Every order earns points. Buy something, and watch your place move.",
  add: "Add",
  addTo: (title) => `Add ${title} to the basket`,
  basket: "Your basket",
  less: (title) => `One ${title} less`,
  more: (title) => `One ${title} more`,
  payWith: "Pay with",
  card: "Card ending 4242",
  declinedCard: "One that is declined",
  usePoints: (n, off) => `${n} of your points: ${off} less to pay`,
  wouldEarn: (sum) => `This order earns ${sum}`,
  seePlace: "See your place",
  buyFor: (sum) => `Buy for ${sum}`,
  moment: "One moment…",
  paid: (sum) => `Thank you! ${sum} paid. Your points are on their way.`,
  thanks: (points) => `Thank you! ${points}`,
  noPoints: "Thank you! No points this time.",
  declined: "Your card was declined, and nothing was charged. Your basket is as it was: try the other card.",
  again: "The shop does not answer just now. Press Buy again in a moment: you will be charged once at most.",
  yourPoints: "Your points",
  rename: "Take another name",
  hide: "Hide me",
  show: "Show me",
  hidden: "Nobody but you sees your points.",
  toOthers: (name) => `To everyone else you are ${name}.`,
  orders: "Your orders",
  noOrders: "What you buy is listed here, with its points and the reason for them.",
  why: (points) => `Why ${points}?`,
  returnIt: "Return it",
  reallyReturn: "Yes, return it",
  keepIt: "Keep it",
  askReturn: "Return the whole order? Its points go back.",
  returned: "Returned. Its points were taken back, exactly.",
  returnedBoth: "Returned. Its points were taken back, and those you paid with are yours again.",
  onItsWay: "On its way back…",
  withPoints: (sum) => `${sum} of it paid with points`,
  order: (sum, day) => `the order of ${sum} on ${day}`,
  noAnswer: "The shop does not answer just now. Try again in a moment.",
  pageGoesOn: "The shop does not answer just now. This page goes on by itself as soon as it does.",
  mail: "Your mail",
  noMail: "Passing 100 points sends one mail, once. It is shown here.",
  news: "You have mail: ",
  madeUp: "A made-up shop on this machine alone: no money, no real people.",
  pace: "Other customers order",
  paces: { 1: "once a second", 5: "5 times a second", 25: "25 times a second" },
  paceOf: (n) => `${n} times a second`,
  arriving: (made, of) => `${made} of ${of} customers are in; the others follow.`,
  customers: (n) => `${n} customers.`,
  points: (n, figure) => `${figure} ${Math.abs(n) === 1 ? "point" : "points"}`,
};

const IRISH = {
  months: "Ean,Feabh,Márta,Aib,Beal,Meith,Iúil,Lún,MFómh,DFómh,Samh,Noll".split(","),
  skip: "Chuig na seilfeanna",
  bigScreen: "Scáileán mór",
  engineers: "D’innealtóirí",
  otherLanguage: "English",
  signedIn: "Tá tú sínithe isteach mar",
  about: {
    niamh: "díreach faoi bhun 100 pointe",
    rose: "gar don bharr",
    tom: "custaiméir rialta",
    ada: "níor ordaigh sí fós",
    sam: "i bhfolach ón gclár",
  },
  title: "Rudaí deasa don teach",
  lead: "Tuilleann gach ordú pointí. Ceannaigh rud éigin, agus féach d’áit ag athrú.",
  add: "Cuir leis",
  addTo: (title) => `Cuir ${title} sa chiseán`,
  basket: "Do chiseán",
  less: (title) => `Ceann amháin níos lú de ${title}`,
  more: (title) => `Ceann amháin eile de ${title}`,
  payWith: "Íoc le",
  card: "Cárta dar críoch 4242",
  declinedCard: "Ceann a dhiúltófar",
  usePoints: (n, off) => `${n} de do chuid pointí: ${off} níos lú le híoc`,
  wouldEarn: (sum) => `Tuilleann an t-ordú seo ${sum}`,
  seePlace: "Féach d’áit",
  buyFor: (sum) => `Ceannaigh ar ${sum}`,
  moment: "Nóiméad amháin…",
  paid: (sum) => `Go raibh maith agat! Íocadh ${sum}. Tá do chuid pointí ar an mbealach.`,
  thanks: (points) => `Go raibh maith agat! ${points}`,
  noPoints: "Go raibh maith agat! Gan pointí an uair seo.",
  declined: "Diúltaíodh do chárta, agus níor gearradh aon rud ort. Tá do chiseán mar a bhí: bain triail as an gcárta eile.",
  again: "Níl an siopa ag freagairt faoi láthair. Brúigh an cnaipe arís i gceann tamaill: gearrfar uair amháin ar a mhéad ort.",
  yourPoints: "Do chuid pointí",
  rename: "Roghnaigh ainm eile",
  hide: "Cuir i bhfolach mé",
  show: "Taispeáin mé",
  hidden: "Is tusa amháin a fheiceann do chuid pointí.",
  toOthers: (name) => `Do gach duine eile is tú ${name}.`,
  orders: "Do chuid orduithe",
  noOrders: "Liostaítear anseo an méid a cheannaíonn tú, mar aon leis na pointí agus an fáth atá leo.",
  why: (points) => `Cén fáth ${points}?`,
  returnIt: "Cuir ar ais é",
  reallyReturn: "Sea, cuir ar ais é",
  keepIt: "Coinnigh é",
  askReturn: "An t-ordú ar fad a chur ar ais? Imeoidh a chuid pointí.",
  returned: "Curtha ar ais. Baineadh a chuid pointí siar, go beacht.",
  returnedBoth: "Curtha ar ais. Baineadh a chuid pointí siar, agus is leatsa arís na cinn ar íoc tú leo.",
  onItsWay: "Ar an mbealach ar ais…",
  withPoints: (sum) => `Íocadh ${sum} de le pointí`,
  order: (sum, day) => `an t-ordú ar ${sum}, ${day}`,
  noAnswer: "Níl an siopa ag freagairt faoi láthair. Triail arís i gceann tamaill.",
  pageGoesOn: "Níl an siopa ag freagairt faoi láthair. Leanfaidh an leathanach seo ar aghaidh leis féin chomh luath agus a fhreagraíonn.",
  mail: "Do phost",
  noMail: "Seoltar ríomhphost amháin, uair amháin, nuair a théann tú thar 100 pointe. Taispeántar anseo é.",
  news: "Tá post agat: ",
  madeUp: "Siopa bréige ar an ríomhaire seo amháin: gan airgead, gan daoine dáiríre.",
  pace: "Ordaíonn custaiméirí eile",
  paces: { 1: "uair sa soicind", 5: "5 huaire sa soicind", 25: "25 uair sa soicind" },
  paceOf: (n) => `${n} uair sa soicind`,
  arriving: (made, of) => `Tá ${made} as ${of} custaiméirí istigh; tá an chuid eile ag teacht.`,
  customers: (n) => `${n} custaiméirí.`,
  points: (n, figure) => {
    const size = Math.abs(n);
    return `${figure} ${size === 0 || size > 10 ? "pointe" : size < 7 ? "phointe" : "bpointe"}`;
  },
};

const isIrish = new URLSearchParams(location.search).get("lang") === "ga";

/** The words of the page's language. */
export const words = isIrish ? IRISH : ENGLISH;

/** How numbers, sums and times are written: few browsers know Irish. */
export const locales = isIrish ? ["ga-IE", "en-IE"] : ["en-GB"];

/** Write the page's own words, and the way to the other language. */
export function translate() {
  document.documentElement.lang = locales[0];
  for (const place of document.querySelectorAll("[data-words]")) place.textContent = words[place.dataset.words];
  for (const place of document.querySelectorAll("[data-label]")) {
    place.setAttribute("aria-label", words[place.dataset.label]);
  }
  for (const pace of document.querySelectorAll("#pace option")) pace.textContent = words.paces[pace.value];
  const other = document.getElementById("language");
  other.href = isIrish ? "/" : "/?lang=ga";
  other.lang = other.hreflang = isIrish ? "en" : "ga";
}
