// The page of `keras-mra app`. Each change asks the server for all pictures anew. One
// request runs at a time, and what an older one finds is not shown.
"use strict";

const DEBOUNCE = 200; // milliseconds
const BAD_PICTURE = [413, 415]; // statuses: another picture is needed
const SLIDERS = { mask_ratio: 2, temperature: 1, rate: 2 }; // and their digits
const STRATEGIES = {
  attention: "Keeps the patches with the most attention.",
  low_attention: "Keeps the patches with the least attention.",
  random: "Keeps any patches, without attention.",
};

let model; // what the server says of it
let picture; // the Blob to repaint
let sample = null; // its number among the samples, or null
let lastGood = []; // the last Blob that the server could read, and its number
let refusal = ""; // why the last choice is not shown
let seed = 0;
let choices = 0; // number of the last choice of a picture
let wanted = 0; // number of the last change
let answered = 0; // number of the change that was last asked for
let isAsking = false;
let timer;

const byId = (id) => document.getElementById(id);

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

async function fetched(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch {
    throw new Error("The server does not answer. Is it still running?");
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  const message = body.error || `The server failed with status ${response.status}.`;
  throw Object.assign(new Error(message), { status: response.status });
}

// --- asking ---------------------------------------------------------------------------

function change(delay = 0) {
  refusal = "";
  request(delay);
}

function request(delay = 0) {
  if (!picture) return;
  wanted += 1;
  setState("busy");
  clearTimeout(timer);
  timer = setTimeout(ask, delay);
}

async function ask() {
  if (isAsking) return;
  isAsking = true;
  while (answered !== wanted) {
    const number = wanted;
    try {
      const response = await fetched("repaint", { method: "POST", body: form() });
      const found = await response.json();
      if (number === wanted) show(found);
    } catch (error) {
      if (number === wanted) {
        // After any other failure, the next change asks for the same picture again.
        if (BAD_PICTURE.includes(error.status)) refuse(error.message);
        else fail(error.message);
      }
    }
    answered = number;
  }
  isAsking = false;
}

function form() {
  const data = new FormData();
  data.append("picture", picture, "picture");
  for (const name of [...Object.keys(SLIDERS), "strategy", "attention_block"]) {
    data.append(name, byId(name).value);
  }
  data.append("seed", seed);
  return data;
}

// --- showing --------------------------------------------------------------------------

function setState(state) {
  document.body.dataset.state = state;
  byId("results").setAttribute("aria-busy", String(state === "busy"));
  if (state === "busy") byId("status").textContent = "Painting…";
}

// The last picture stays, with the reason above it.
function refuse(message) {
  take(...lastGood);
  fail(message);
  refusal = message;
  request();
}

function fail(message) {
  byId("error").textContent = message;
  byId("error").hidden = false;
  byId("status").textContent = "";
  setState("error");
}

function show(found) {
  byId("error").hidden = !refusal;
  byId("seen").src = found.seen;
  byId("attention").src = found.attention.picture;
  byId("lowest").textContent = found.attention.lowest.toFixed(2);
  byId("highest").textContent = found.attention.highest.toFixed(2);
  found.repaints.forEach((repaint, i) => {
    const figure = byId("repaints").children[i];
    figure.querySelector(".kept").src = repaint.kept;
    figure.querySelector(".repaint").src = repaint.picture;
    figure.querySelector(".seed").textContent = `seed ${repaint.seed}`;
    figure.querySelector(".unchanged").textContent = repaint.changed ? "" : "unchanged";
  });
  byId("line").textContent = found.line;
  // From now on the small picture is sent, not the whole file.
  picture = blobOf(found.seen);
  lastGood = [picture, sample];
  byId("copy").disabled = false;
  const isChanged = found.repaints.some((repaint) => repaint.changed);
  byId("status").textContent =
    `${isChanged ? found.kept : "All"} of ${model.patches} patches kept`;
  setState(refusal ? "error" : "ready");
}

function blobOf(dataUrl) {
  const text = atob(dataUrl.slice(dataUrl.indexOf(",") + 1));
  return new Blob([Uint8Array.from(text, (c) => c.charCodeAt(0))], { type: "image/png" });
}

function showSettings() {
  for (const [name, digits] of Object.entries(SLIDERS)) {
    byId(`${name}_value`).textContent = Number(byId(name).value).toFixed(digits);
  }
  const strategy = byId("strategy").value;
  const isRandom = strategy === "random";
  byId("strategy_help").textContent = STRATEGIES[strategy] || "";
  byId("attention_block").disabled = isRandom;
  byId("temperature").disabled = isRandom;
  byId("temperature_help").textContent = isRandom
    ? "Not used by this strategy."
    : Number(byId("temperature").value)
      ? "Noise on the choice of patches."
      : "At 0, all repaints keep the same patches.";
}

// --- choosing -------------------------------------------------------------------------

async function chooseFile(file) {
  choices += 1;
  const choice = choices;
  if (file.size > model.max_bytes) {
    refuse(`The picture must be a file of at most ${model.max_bytes / 2 ** 20} MB.`);
    return;
  }
  setState("busy");
  try {
    await file.slice(0, 1).arrayBuffer(); // a folder cannot be read
    if (choice === choices) choose(file, null);
  } catch {
    if (choice === choices) refuse("The file cannot be read.");
  }
}

async function chooseSample(number) {
  choices += 1;
  const choice = choices;
  setState("busy");
  try {
    const blob = await (await fetched(`samples/${number}`)).blob();
    if (choice === choices) choose(blob, number);
  } catch (error) {
    if (choice === choices) refuse(error.message);
  }
}

function choose(blob, number) {
  take(blob, number);
  change();
}

function take(blob, number = null) {
  picture = blob;
  sample = number;
  [...byId("samples").children].forEach((button, i) => {
    button.setAttribute("aria-pressed", String(i === number));
  });
}

function listen() {
  for (const name of Object.keys(SLIDERS)) {
    byId(name).addEventListener("input", () => {
      showSettings();
      change(DEBOUNCE);
    });
  }
  for (const name of ["strategy", "attention_block"]) {
    byId(name).addEventListener("change", () => {
      showSettings();
      change();
    });
  }
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("again").addEventListener("click", () => {
    seed += model.repaints;
    change();
  });
  byId("file").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) chooseFile(file);
    event.target.value = ""; // so that the same file can be chosen again
  });
  byId("copy").addEventListener("click", copyLine);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dragging");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    const [file] = event.dataTransfer.files;
    if (file) chooseFile(file);
    else refuse("Only image files can be dropped here.");
  });
}

async function copyLine() {
  const button = byId("copy");
  try {
    await navigator.clipboard.writeText(byId("line").textContent);
    button.textContent = "Copied";
  } catch {
    // Browsers allow it on this machine's own addresses and on HTTPS only.
    getSelection().selectAllChildren(byId("line"));
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => (button.textContent = "Copy"), 2000);
}

// --- starting -------------------------------------------------------------------------

function build() {
  const [height, width, channels] = model.image_shape;
  const [low, high] = model.trained;
  document.title = `keras_mra: ${model.preset}`;
  byId("facts").textContent =
    `${model.preset}: ${height}×${width} pixels, ${channels === 1 ? "gray" : "colour"}, ` +
    `${model.patches} patches, version ${model.version}`;
  byId("mask_ratio").min = model.mask_ratio.lowest;
  byId("mask_ratio").max = model.mask_ratio.highest;
  byId("mask_ratio_help").textContent =
    "Share of the patches that are repainted. Trained at " +
    (low === high ? `${low}.` : `${low} to ${high}.`);
  byId("strategy").append(
    ...model.strategies.map((name) => make("option", { value: name, textContent: name })),
  );
  byId("attention_block").append(
    make("option", { value: "", textContent: `last block (${model.blocks})` }),
    ...Array.from({ length: model.blocks - 1 }, (_, i) =>
      make("option", { value: String(i), textContent: `block ${i + 1} of ${model.blocks}` }),
    ),
  );
  byId("samples").append(
    ...model.samples.map((name, i) =>
      make(
        "button",
        { type: "button", title: name, onclick: () => chooseSample(i) },
        make("img", { src: `samples/${i}`, alt: name }),
      ),
    ),
  );
  for (let i = 0; i < model.repaints; i += 1) {
    byId("repaints").append(
      make(
        "figure",
        {},
        make("img", { className: "kept", alt: `The patches kept in repaint ${i + 1}` }),
        make("img", { className: "repaint", alt: `Repaint ${i + 1}` }),
        make(
          "figcaption",
          {},
          make("span", { className: "seed" }),
          make("span", { className: "unchanged" }),
        ),
      ),
    );
  }
  for (const name of [...Object.keys(SLIDERS), "strategy"]) {
    byId(name).value = model.defaults[name];
  }
  byId("attention_block").value = "";
  seed = model.defaults.seed;
}

async function start() {
  try {
    model = await (await fetched("model")).json();
  } catch (error) {
    fail(error.message);
    return;
  }
  build();
  showSettings();
  listen();
  await chooseSample(0);
}

start();
