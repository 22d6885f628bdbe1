/** Words by voice, where the browser can hear. What is said goes to the browser's own service, not to the shop. */

import { locale } from "../shared/i18n.js";

const Recognition = globalThis.SpeechRecognition ?? globalThis.webkitSpeechRecognition;

/** Whether this browser can. */
export const HEARS = Boolean(Recognition);

/**
 * Listen to one sentence.
 * @param {(text: string, final: boolean) => void} heard called as words come
 * @param {(problem: string|null) => void} ended "denied", "failed" or null
 * @returns {() => void} stops listening
 */
export function listen(heard, ended) {
  const recognition = new Recognition();
  recognition.lang = locale();
  recognition.interimResults = true;
  let problem = null;
  recognition.addEventListener("result", ({ results }) => {
    const last = results[results.length - 1];
    heard([...results].map(([best]) => best.transcript).join(" ").trim(), last.isFinal);
  });
  recognition.addEventListener("error", ({ error }) => {
    if (error === "not-allowed" || error === "service-not-allowed") problem = "denied";
    else if (error !== "aborted" && error !== "no-speech") problem = "failed";
  });
  recognition.addEventListener("end", () => ended(problem));
  recognition.start();
  return () => recognition.stop();
}
