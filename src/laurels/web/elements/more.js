/** The words for what goes beyond the board, in the reader's language. */

const LANGUAGES = { en: "en-GB", ga: "ga-IE" };

/** The words of a locale, with `number`, `day` and `money` (minor units, or a decimal string) as it writes them. */
export async function wordsFor(locale) {
  let tag = "en-GB";
  try {
    tag = String(new Intl.Locale(locale));
  } catch {
    // Misspelt: English.
  }
  const language = LANGUAGES[tag.split("-")[0]] ?? "en-GB";
  const { more } = await import(`./texts/more-${language}.js`);
  const locales = [tag, language];
  const writing = {
    number: (n) => n.toLocaleString(locales, { maximumFractionDigits: 20 }),
    day: (at) => at.toLocaleDateString(locales, { day: "numeric", month: "long", year: "numeric" }),
    money: (amount, currency) => {
      const format = new Intl.NumberFormat(locales, { style: "currency", currency });
      const { maximumFractionDigits } = format.resolvedOptions();
      return format.format(typeof amount === "string" ? amount : amount / 10 ** maximumFractionDigits);
    },
  };
  return { ...more(writing), ...writing };
}

/** The last day before an instant at which something ends. */
export const dayBefore = (instant) => new Date(Date.parse(instant) - 1);
