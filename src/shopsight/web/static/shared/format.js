/** Money, shares and times in the language in use. */

import { locale } from "./i18n.js";

/** A price as people write it. */
export function money({ amount, currency }, digits = undefined) {
  const options = { style: "currency", currency, currencyDisplay: "narrowSymbol" };
  if (digits !== undefined) Object.assign(options, { minimumFractionDigits: digits });
  try {
    return new Intl.NumberFormat(locale(), options).format(Number(amount));
  } catch {
    return `${amount} ${currency}`.trim(); // three letters that are no currency Intl knows
  }
}

/** A share of one, as whole per cent. */
export function percent(share) {
  return new Intl.NumberFormat(locale(), { style: "percent" }).format(share);
}

/** A number with a set number of decimals. */
export function decimal(number, digits = 2) {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(locale(), options).format(number);
}

/** Seconds as players show them: 0:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** A whole number. */
export function whole(number) {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: 0 }).format(number);
}

/** A day, such as 3 March 2026. */
export function day(text) {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "long" }).format(new Date(text));
}
