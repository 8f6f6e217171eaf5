// Pixels brought to other sizes as OpenCV does it, to within one grey level.
// A picture is { data, width, height }: RGB bytes, no alpha. Where there is no picture it is grey 114.

const PAD = 114;

export function fromCanvas({ data, width, height }) {
  const rgb = new Uint8ClampedArray(3 * width * height);
  for (let i = 0, j = 0; j < rgb.length; i += 4) {
    rgb[j++] = data[i];
    rgb[j++] = data[i + 1];
    rgb[j++] = data[i + 2];
  }
  return { data: rgb, width, height };
}

export const grey = (width, height) => ({ data: new Uint8ClampedArray(3 * width * height).fill(PAD), width, height });

export function cut(picture, x1, y1, x2, y2) {
  const data = new Uint8ClampedArray(3 * (x2 - x1) * (y2 - y1));
  for (let y = y1; y < y2; y++) {
    const row = 3 * (y * picture.width + x1);
    data.set(picture.data.subarray(row, row + 3 * (x2 - x1)), 3 * (y - y1) * (x2 - x1));
  }
  return { data, width: x2 - x1, height: y2 - y1 };
}

// Puts a picture into another one, which it changes, with its first pixel at (left, top).
export function paste(frame, picture, left, top) {
  for (let y = 0; y < picture.height; y++) {
    const row = picture.data.subarray(3 * y * picture.width, 3 * (y + 1) * picture.width);
    frame.data.set(row, 3 * ((top + y) * frame.width + left));
  }
  return frame;
}

export const resizeLinear = (picture, width, height) => resample(picture, width, height, between);

// As cache/framing.py does it: the mean over an area where both sides shrink, else between neighbours.
export function resize(picture, width, height) {
  const shrinks = width < picture.width && height < picture.height;
  return resample(picture, width, height, shrinks ? over : between);
}

// Of each new pixel along a side: the old ones it is made of, and their weights.
function between(size, wanted) {
  const step = size / wanted;
  return Array.from({ length: wanted }, (_, i) => {
    const at = Math.min(Math.max((i + 0.5) * step - 0.5, 0), size - 1);
    const first = Math.min(Math.floor(at), size - 1);
    const share = at - first;
    return share && first + 1 < size ? { first, weights: [1 - share, share] } : { first, weights: [1] };
  });
}

function over(size, wanted) {
  const step = size / wanted;
  return Array.from({ length: wanted }, (_, i) => {
    const [from, to] = [i * step, Math.min((i + 1) * step, size)];
    const first = Math.min(Math.floor(from + 1e-6), size - 1);
    const weights = [];
    for (let k = first; k < to - 1e-6; k++) weights.push((Math.min(k + 1, to) - Math.max(k, from)) / (to - from));
    return { first, weights };
  });
}

function resample(picture, width, height, taps) {
  if (width === picture.width && height === picture.height) return picture;
  const columns = taps(picture.width, width);
  const wide = new Float32Array(3 * width * picture.height);
  for (let y = 0, to = 0; y < picture.height; y++) {
    const row = 3 * y * picture.width;
    for (const { first, weights } of columns) {
      let [red, green, blue] = [0, 0, 0];
      for (let k = 0, at = row + 3 * first; k < weights.length; k++, at += 3) {
        red += weights[k] * picture.data[at];
        green += weights[k] * picture.data[at + 1];
        blue += weights[k] * picture.data[at + 2];
      }
      wide[to++] = red;
      wide[to++] = green;
      wide[to++] = blue;
    }
  }
  const data = new Uint8ClampedArray(3 * width * height); // it rounds, halves to even
  const sums = new Float32Array(3 * width);
  taps(picture.height, height).forEach(({ first, weights }, y) => {
    sums.fill(0);
    weights.forEach((weight, k) => {
      const row = wide.subarray(3 * (first + k) * width, 3 * (first + k + 1) * width);
      for (let i = 0; i < row.length; i++) sums[i] += weight * row[i];
    });
    data.set(sums, 3 * y * width);
  });
  return { data, width, height };
}
