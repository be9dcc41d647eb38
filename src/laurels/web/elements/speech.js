/** Loads the words of one language, and has `Intl` write its numbers and times. */

const LANGUAGES = { en: "en-GB", ga: "ga-IE" };

/**
 * Promises the texts for a locale such as "ga-IE", with `language`, `number` and `time`. Where the language is not
 * spoken here, English words stand around the locale's own numbers.
 */
export async function speechFor(locale) {
  let tag = "en-GB";
  try {
    tag = String(new Intl.Locale(locale));
  } catch {
    // A locale that is misspelt on the page is no reason to show nothing.
  }
  const language = LANGUAGES[tag.split("-")[0]] ?? "en-GB";
  const { texts, fallback } = await import(`./texts/${language}.js`);
  const date = (when, options) => new Intl.DateTimeFormat([tag, fallback], options).format(when);
  const format = new Intl.NumberFormat([tag, fallback]);
  const number = (n) => format.format(n);
  return { ...texts(number, date), language, number, time: (when) => time(when, date) };
}

// Of another day, a time says which: an old board cannot pass for a new one.
function time(when, date) {
  const clock = { hour: "2-digit", minute: "2-digit" };
  const isToday = when.toDateString() === new Date().toDateString();
  return date(when, isToday ? clock : { day: "numeric", month: "short", ...clock });
}
