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

/** A number with two decimals. */
export function decimal(number) {
  return new Intl.NumberFormat(locale(), { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(number);
}

/** Seconds as players show them: 0:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
