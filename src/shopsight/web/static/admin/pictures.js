/** Chooses the pictures of a feed: a folder, which is packed here, or an archive. */

import { icon, make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";
import { pack, TooMuchError } from "./zip.js";

const PICTURE = /\.(jpe?g|png|webp|avif|heic|heif|gif|tiff?)$/i;
const TABLE = /\.csv$/i;

/**
 * Two buttons, and what was chosen with them.
 * @param {{tables?: boolean, chosen?: () => void}} options `tables`: CSV files in the folder count, too
 */
export function pictureChooser({ tables = false, chosen = () => {} } = {}) {
  const told = make("p", { class: "hint", role: "status" });
  let files = [];
  let archive = null;
  const wanted = (file) => PICTURE.test(file.name) || (tables && TABLE.test(file.name));
  const folder = input({ webkitdirectory: true, multiple: true, "data-kind": "folder" }, (list) => {
    files = list.filter((file) => wanted(file) && !file.name.startsWith("."));
    archive = null;
    told.textContent = files.length ? t("picturesChosen", { count: files.length }) : t("noPicturesThere");
  });
  const zip = input({ accept: ".zip,application/zip", "data-kind": "zip" }, ([file]) => {
    archive = file;
    files = [];
    told.textContent = file.name;
  });
  function input(attributes, take) {
    const control = make("input", { type: "file", class: "visually-hidden", ...attributes });
    control.addEventListener("change", () => {
      if (control.files.length === 0) return;
      take([...control.files]);
      chosen();
    });
    return control;
  }
  const element = make(
    "div",
    { class: "stack tight" },
    make("div", { class: "row" }, labelled(folder, "image", t("chooseFolder")), labelled(zip, "box", t("chooseZip"))),
    told,
  );
  return {
    element,
    /** Whether anything was chosen. */
    get any() {
      return Boolean(archive) || files.length > 0;
    },
    /** An archive of what was chosen. */
    async archive(progress) {
      if (archive) return archive;
      try {
        return await pack(files.map((file) => ({ name: file.webkitRelativePath || file.name, file })), progress);
      } catch (error) {
        throw error instanceof TooMuchError ? new Error(t("tooManyPictures")) : error;
      }
    },
  };
}

/** A file input that looks like a button. */
export function labelled(control, symbol, label, kind = "") {
  return make("label", {}, control, make("span", { class: `button ${kind}` }, icon(symbol), label));
}
