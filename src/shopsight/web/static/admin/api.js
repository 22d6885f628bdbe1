/** Talks to the server as whoever is signed in. */

import { hasWords, t } from "../shared/i18n.js";
import { at } from "../shared/place.js";

let proof = ""; // what a request that changes something carries beside the cookie
let askToSignIn = () => Promise.reject(new ServerError(401, "session_ended", ""));

/** Reasons of status 422; all others are of pictures, such as "truncated". */
const NOT_OF_PICTURES = ["validation", "filter", "feed"];

/** Why the server refused: `reason` is its stable code, or "network". */
export class ServerError extends Error {
  constructor(status, reason, detail) {
    super(detail || reason);
    this.status = status;
    this.reason = reason;
  }

  /** What is shown to people. Details are in English, as the server tells them: they name rows, fields and files. */
  get words() {
    if (this.status >= 500 && !this.reason) return t("error_network");
    const own = `error_${this.reason}`;
    const ofPicture = this.status === 422 && !NOT_OF_PICTURES.includes(this.reason);
    return t(ofPicture ? "error_picture" : hasWords(own) ? own : "error_other", { detail: this.message });
  }
}

/** Say what is done when the session has ended: a function whose promise is kept once somebody has signed in again. */
export function whenSignedOut(ask) {
  askToSignIn = ask;
}

/** Whether somebody is signed in, and whether there is any key. */
export async function session() {
  const found = await send("v1/session", {});
  proof = found.csrf_token;
  return found;
}

/** Sign in with a key. */
export async function signIn(key) {
  const found = await send("v1/session", { method: "POST", json: { key } });
  proof = found.csrf_token;
  return found;
}

/** Sign out. */
export async function signOut() {
  await send("v1/session", { method: "DELETE" });
}

/**
 * Ask the server for something, or have it do something. If the session has ended, whoever is there signs in again, and
 * then it goes on.
 * @param {string} path such as "v1/keys"
 * @param {{method?: string, json?: unknown, signal?: AbortSignal}} options
 */
export async function call(path, options = {}) {
  try {
    return await send(path, options);
  } catch (error) {
    if (!isSignedOut(error)) throw error;
    await askToSignIn();
    return send(path, options);
  }
}

function isSignedOut({ status }) {
  return status === 401;
}

async function send(path, { method = "GET", json, signal }) {
  const headers = {};
  if (method !== "GET") headers["X-CSRF-Token"] = proof;
  if (json !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(at(path), { method, headers, body: json && JSON.stringify(json), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServerError(0, "network", "");
  }
  return read(response.status, await response.text());
}

function read(status, text) {
  let found = null;
  try {
    found = text ? JSON.parse(text) : null;
  } catch {
    // a proxy answered, not Shopsight
  }
  if (status >= 400) throw new ServerError(status, String(found?.reason ?? ""), String(found?.detail ?? ""));
  return found;
}

/**
 * Send a file, and tell how far it is.
 * @param {string} path
 * @param {Blob|FormData} body
 * @param {{method?: string, progress?: (share: number) => void, signal?: AbortSignal}} options
 */
export async function upload(path, body, options = {}) {
  try {
    return await transfer(path, body, options);
  } catch (error) {
    if (!isSignedOut(error)) throw error;
    await askToSignIn();
    return transfer(path, body, options);
  }
}

function transfer(path, body, { method = "PUT", progress = () => {}, signal }) {
  // fetch does not tell how much was sent.
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, at(path));
    request.setRequestHeader("X-CSRF-Token", proof);
    // Of forms, only the browser knows the boundary.
    if (body instanceof Blob) request.setRequestHeader("Content-Type", body.type || "application/octet-stream");
    request.upload.addEventListener("progress", ({ loaded, total }) => progress(total ? loaded / total : 1));
    request.addEventListener("error", () => reject(new ServerError(0, "network", "")));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    request.addEventListener("load", () => {
      try {
        resolve(read(request.status, request.responseText));
      } catch (error) {
        reject(error);
      }
    });
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}
