/** What is said in British English; `number` and `date` write the reader's way. */

const cardinal = new Intl.PluralRules("en-GB");
const ordinal = new Intl.PluralRules("en-GB", { type: "ordinal" });
const ORDINAL_ENDING = { one: "st", two: "nd", few: "rd", other: "th" };

/** How numbers and times are written where `Intl` does not know the locale. */
export const fallback = "en-GB";

export function texts(number, date) {
  const counted = (n, one, other) => `${number(n)} ${cardinal.select(n) === "one" ? one : other}`;
  const points = (n) => counted(n, "point", "points");
  const place = (rank) => `${number(rank)}${ORDINAL_ENDING[ordinal.select(rank)]}`;
  return {
    title: "Leaderboard",
    allTime: "All time",
    month: (first) => date(first, { month: "long", year: "numeric", timeZone: "UTC" }),
    yourPlace: "Your place",
    yourPoints: "Your points",
    rank: "Rank",
    name: "Name",
    points: "Points",
    you: "You",
    joint: "joint",
    place,
    outOf: (ranked) => `of ${number(ranked)}`,
    levelWith: (others) => `level with ${counted(others, "other", "others")}`,
    members: (n) => counted(n, "member", "members"),
    between: (n) => `${counted(n, "member", "members")} between`,
    milestoneAhead: (left, milestone) => `${counted(left, "more point", "more points")} to pass ${number(milestone)}`,
    milestonePassed: (milestone) => `You have passed ${points(milestone)}`,
    live: "Live",
    asOf: (time) => `As of ${time}, reconnecting`,
    reconnecting: "Reconnecting",
    loading: "Loading the leaderboard",
    neverOrdered: "Your first order puts you on the board",
    notYet: "You are not on this board yet. Points from your next order count.",
    hidden: "You are hidden from this board. Only you can see your points.",
    nobody: "Nobody is on this board yet",
    signIn: "Sign in to see your points and your place",
    failed: "The leaderboard cannot be shown right now",
    retry: "Try again",
    nowRanked: (rank, joint, n) => `You are now ${joint ? "joint " : ""}${place(rank)} with ${points(n)}`,
    nowUnranked: (n) => `You now have ${points(n)}`,
  };
}
