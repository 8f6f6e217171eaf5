// The switch that takes answering from the server to this device, where the model can be had and proves right.

import { $, percent, say, size } from "../elements.js";
import { Device } from "./device.js";

const WHAT = {
  pictures: "No picture is sent. Videos are for the server.",
  videos: "For the camera: people are found here, and only their joints are sent. Videos are for the server.",
};

// Returns { current }: the device that answers, or null. onChange is called when it changes.
export function setUpSwitch(model, onChange) {
  const held = { current: null };
  $("device").hidden = !model.on_device.offered || !window.isSecureContext;
  $("device-state").textContent = `${size(model.on_device.bytes ?? 0)} are loaded once. ${WHAT[model.takes]}`;
  $("device-on").onchange = async ({ target }) => {
    held.current?.close();
    held.current = null;
    if (target.checked) held.current = await open(target, model);
    onChange();
  };
  return held;
}

async function open(box, model) {
  const tell = (text) => {
    $("device-state").textContent = text;
    say(text);
  };
  box.disabled = true;
  $("device-progress").hidden = false;
  tell("The model is being loaded and tried on this device.");
  try {
    const device = await Device.open((share) => ($("device-progress").value = share));
    if (device.verdict.passes) {
      tell(`This device answers as the server does. ${WHAT[model.takes]}`);
      return device;
    }
    device.close();
    tell(`${differs(device.verdict)} The server goes on answering.`);
  } catch (error) {
    tell(`This does not work on this device: ${error.message} The server goes on answering.`);
  } finally {
    box.disabled = false;
    $("device-progress").hidden = true;
  }
  box.checked = false;
  return null;
}

function differs({ same, moved }) {
  const joints = moved === null ? "" : `, joints move by ${moved === Infinity ? "too much" : `${moved.toFixed(1)} pixels`}`;
  return `This browser answers otherwise than the model (${same === null ? "" : `${percent(same)} the same activity`}${joints}).`;
}
