/** Whether a frame of a camera is worth a search: still, sharp, and not what was searched for already. */

const WIDTH = 96;
const HEIGHT = 72;
const STILL = 5; // mean change of grey, 0 to 255, between two looks; more is movement
const STILL_LOOKS = 3; // so many looks in a row
const SHARP = 14; // variance of the Laplacian of the small grey picture; less is blurred, or nothing at all
const OTHER = 7; // mean change against the last picture searched for; less is the same scene

/** Judges frames one after the other, in constant memory. */
export class FrameJudge {
  #context = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT }).getContext("2d", {
    willReadFrequently: true,
  });
  #now = new Uint8Array(WIDTH * HEIGHT);
  #before = new Uint8Array(WIDTH * HEIGHT);
  #searched = new Uint8Array(WIDTH * HEIGHT);
  #still = 0;
  #seen = false;
  #any = false;

  /**
   * Look at a frame.
   * @param {CanvasImageSource} source
   * @returns {{good: boolean, sharp: boolean}} `good`: worth a search
   */
  look(source) {
    [this.#now, this.#before] = [this.#before, this.#now];
    this.#context.drawImage(source, 0, 0, WIDTH, HEIGHT);
    toGrey(this.#context.getImageData(0, 0, WIDTH, HEIGHT).data, this.#now);
    this.#still = this.#seen && change(this.#now, this.#before) < STILL ? this.#still + 1 : 0;
    this.#seen = true;
    const sharp = sharpness(this.#now) > SHARP;
    const other = !this.#any || change(this.#now, this.#searched) > OTHER;
    return { good: sharp && other && this.#still >= STILL_LOOKS, sharp };
  }

  /** The frame that was looked at last is searched for. */
  remember() {
    this.#searched.set(this.#now);
    this.#any = true;
  }

  /** Begin anew. */
  forget() {
    this.#still = 0;
    this.#seen = false;
    this.#any = false;
  }
}

function toGrey(pixels, grey) {
  for (let place = 0, from = 0; place < grey.length; place += 1, from += 4) {
    grey[place] = (pixels[from] * 77 + pixels[from + 1] * 150 + pixels[from + 2] * 29) >> 8;
  }
}

function change(one, other) {
  let sum = 0;
  for (let place = 0; place < one.length; place += 1) sum += Math.abs(one[place] - other[place]);
  return sum / one.length;
}

/** Variance of the Laplacian: https://doi.org/10.1109/ICPR.2000.903548 */
function sharpness(grey) {
  let [count, sum, squares] = [0, 0, 0];
  for (let y = 1; y < HEIGHT - 1; y += 1) {
    for (let x = 1; x < WIDTH - 1; x += 1) {
      const at = y * WIDTH + x;
      const value = 4 * grey[at] - grey[at - 1] - grey[at + 1] - grey[at - WIDTH] - grey[at + WIDTH];
      sum += value;
      squares += value * value;
      count += 1;
    }
  }
  const mean = sum / count;
  return squares / count - mean * mean;
}
