/** What is said in Irish. Few browsers know its months and plurals. */

export const MONTHS =
  "Eanáir,Feabhra,Márta,Aibreán,Bealtaine,Meitheamh,Iúil,Lúnasa,Meán Fómhair,Deireadh Fómhair,Samhain,Nollaig".split(",");

// A counted noun stays singular: lenited after 1 to 6, eclipsed after 7 to 10.
export function counting(n, plain, lenited, eclipsed) {
  const size = Math.abs(n);
  if (size === 0 || size > 10) return plain;
  return size < 7 ? lenited : eclipsed;
}

/** Where `Intl` does not know Irish. */
export const fallback = "en-IE";

export function texts(number) {
  const points = (n) => `${number(n)} ${counting(n, "pointe", "phointe", "bpointe")}`;
  const members = (n) => `${number(n)} ${counting(n, "ball", "bhall", "mball")}`;
  const place = (rank) => `${number(rank)}ú`;
  return {
    title: "Clár na gceannairí",
    allTime: "Ó thús",
    month: (first) => `${MONTHS[first.getUTCMonth()]} ${first.getUTCFullYear()}`,
    yourPlace: "D’áit",
    yourPoints: "Do chuid pointí",
    rank: "Áit",
    name: "Ainm",
    points: "Pointí",
    you: "Tusa",
    joint: "ar comhscór",
    place,
    outOf: (ranked) => `as ${number(ranked)}`,
    levelWith: (others) => `ar comhscór le ${others === 1 ? "duine amháin" : number(others)} eile`,
    members,
    between: (n) => `${members(n)} eatarthu`,
    milestoneAhead: (left, milestone) => `${points(left)} eile agus beidh tú thar ${number(milestone)}`,
    milestonePassed: (milestone) => `Tá níos mó ná ${points(milestone)} agat`,
    live: "Beo",
    asOf: (time) => `Mar a bhí ag ${time}, ag athnascadh`,
    reconnecting: "Ag athnascadh",
    loading: "Clár na gceannairí á lódáil",
    neverOrdered: "Cuirfidh do chéad ordú ar an gclár thú",
    notYet: "Níl tú ar an gclár seo go fóill. Áireofar na pointí ón gcéad ordú eile uait.",
    hidden: "Tá tú i bhfolach ar an gclár seo. Is tusa amháin a fheiceann do chuid pointí.",
    nobody: "Níl aon duine ar an gclár seo go fóill",
    signIn: "Sínigh isteach chun do chuid pointí agus d’áit a fheiceáil",
    failed: "Ní féidir an clár a thaispeáint faoi láthair",
    retry: "Triail arís",
    nowRanked: (rank, joint, n) =>
      `Tá tú ${joint ? "ar comhscór " : ""}sa ${rank === 1 ? "chéad áit" : `${place(rank)} háit`} anois agus ${points(n)} agat`,
    nowUnranked: (n) => `Tá ${points(n)} agat anois`,
  };
}
