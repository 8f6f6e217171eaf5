// The one place that knows onnxruntime-web, which `make web` copies beside this folder.

import * as ort from "../ort/ort.wasm.bundle.min.mjs";

ort.env.wasm.wasmPaths = { wasm: new URL("../ort/ort-wasm-simd-threaded.wasm", import.meta.url).href };
ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, 4) : 1;

// Takes a graph's bytes; returns what runs it: values and shapes by input, in order, into its first output.
export async function open(bytes) {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const [output] = session.outputNames;
  return async (inputs) => {
    const names = session.inputNames.length === 1 ? session.inputNames : Object.keys(inputs);
    const values = Object.values(inputs);
    const feeds = Object.fromEntries(names.map((name, i) => [name, new ort.Tensor("float32", values[i].values, values[i].dims)]));
    const found = (await session.run(feeds, [output]))[output];
    const { data, dims } = found;
    return { data, dims };
  };
}
