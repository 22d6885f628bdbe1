/** Pictures of products: small copies where the server has them, the picture itself where not. */

import { icon, make } from "../shared/elements.js";

/** The address of a thumbnail in another width: 160, 320, 640 or 1024 pixels. */
export function sized({ url }, width) {
  return url.replace(/([?&]width=)\d+/, `$1${width}`);
}

/**
 * A picture that keeps its place while it loads, and says so quietly if there is none.
 * @param {{url: string, thumbnail: {url: string}|null}} picture
 * @param {{alt?: string, widths?: number[], sizes?: string, eager?: boolean}} options
 */
export function pictureFrame({ url, thumbnail }, { alt = "", widths = [320, 640], sizes = "240px", eager = false } = {}) {
  const frame = make("div", { class: "picture" });
  const image = make("img", {
    alt,
    width: "320",
    height: "320",
    loading: eager ? "eager" : "lazy",
    decoding: "async",
    fetchpriority: eager ? "high" : null,
  });
  image.addEventListener("load", () => frame.classList.add("loaded"));
  image.addEventListener("error", () => {
    if (image.srcset) {
      image.removeAttribute("srcset");
      image.src = url;
    } else {
      image.replaceWith(icon("image"));
    }
  });
  if (thumbnail) {
    image.sizes = sizes;
    image.srcset = widths.map((width) => `${sized(thumbnail, width)} ${width}w`).join(", ");
    image.src = sized(thumbnail, widths[0]);
  } else {
    image.src = url;
  }
  frame.append(image);
  return frame;
}
