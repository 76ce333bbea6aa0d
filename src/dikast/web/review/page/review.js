// The page on which people label. Whatever comes from outside is set as text, never as markup.
"use strict";

const element = (id) => document.getElementById(id);
let about = null;      // the reward and its criteria
let annotator = null;
let page = null;       // the unit that is shown
let now = 0;           // the criterion that the keys answer
let last = Promise.resolve();   // what is asked one after another, so that quick keys are all answered, in their order

function make(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

async function ask(path, body) {
  const how = body === undefined ? {} :
    { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch("api/" + path, how);
  } catch {
    throw new Error("dikast review does not answer; start it again and load its new address");
  }
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error || answer.statusText);
  return said;
}

function tell(line, bad) {
  for (const id of ["told", "who-told"]) {
    element(id).textContent = line;
    element(id).classList.toggle("bad", Boolean(bad));
  }
}

function inTurn(work) {
  last = last.then(work).catch((error) => tell(error.message, true));
  return last;
}

const query = (name) => "annotator=" + encodeURIComponent(name);

async function begin(name) {
  show(await ask("start?" + query(name)), name);
  element("who").hidden = true;
  element("review").hidden = false;
  element("criteria").children[now].focus();
  tell("");
}

function show(state, name) {
  if (name !== undefined) annotator = name;
  const other = page === null || page.unit !== state.page.unit;
  const before = JSON.stringify(page && page.documents);
  page = state.page;
  if (other) {
    now = Math.max(0, about.criteria.findIndex((one) => !page.answers[one.id]));
    drawCandidate();
  }
  if (other || JSON.stringify(page.documents) !== before) drawDocuments(other);
  drawCriteria();
  drawFigures(state.progress);
  element("place").textContent =
    `${annotator}: unit ${page.at + 1} of ${page.of}, ${state.progress.labelled} labelled`;
  element("back").disabled = page.at === 0;
  if (other) window.scrollTo(0, 0);
}

function drawDocuments(anew) {
  const box = element("documents");
  const before = anew ? [] : [...box.querySelectorAll(".scroll")];
  const scrolled = before.map((one) => one.scrollTop);
  const focused = before.indexOf(document.activeElement);
  const cards = page.documents.map(([name, pieces]) => {
    const card = make("article", undefined, "card");
    const text = make("div", undefined, "text scroll");
    text.tabIndex = 0;
    text.setAttribute("role", "region");
    text.setAttribute("aria-label", name);
    for (const [piece, kind] of pieces) {
      text.append(kind === "plain" ? piece : make("mark", piece, kind));
    }
    const title = make("h2", name);
    if (about.unseen.includes(name)) title.append(make("span", " (the judge does not see it)", "soft"));
    card.append(title, text);
    return card;
  });
  if (page.prompt !== null) {
    const prompt = make("details", undefined, "card");
    prompt.append(make("summary", "Prompt"), make("div", page.prompt, "text scroll"));
    cards.push(prompt);
  }
  box.replaceChildren(...cards);
  box.querySelectorAll(".scroll").forEach((one, at) => {
    one.scrollTop = scrolled[at] || 0;
    if (at === focused) one.focus();
  });
}

function drawCandidate() {
  const box = element("candidate");
  box.tabIndex = 0;
  box.replaceChildren(make("h2", "Candidate"));
  if (page.candidate.length === 1 && page.candidate[0][0] === "") {
    box.append(make("div", page.candidate[0][1], "text"));
    return;
  }
  const list = make("dl");
  for (const [name, text, judged] of page.candidate) {
    if (!judged && !list.querySelector(".apart")) list.append(make("dt", "The judge does not see:", "apart"));
    list.append(make("dt", name), make("dd", text, judged ? "text" : "text unseen"));
  }
  box.append(list);
}

function drawCriteria() {
  const holds = element("criteria").contains(document.activeElement);
  element("criteria").replaceChildren(...about.criteria.map(drawCriterion));
  if (holds) element("criteria").children[now].focus();
}

function drawCriterion(criterion, at) {
  const given = page.answers[criterion.id];
  const box = make("div", undefined, at === now ? "criterion now" : "criterion");
  box.tabIndex = -1;
  box.dataset.criterion = criterion.id;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", criterion.ask);
  if (at === now) box.setAttribute("aria-current", "true");
  box.append(make("p", criterion.ask, "ask"));
  if (criterion.yes) box.append(make("p", "Yes: " + criterion.yes, "means"));
  if (criterion.no) box.append(make("p", "No: " + criterion.no, "means"));
  const choices = make("div", undefined, "choices");
  const offered = [[true, "yes", "y"], [false, "no", "n"]];
  if (criterion.na) offered.push(["n/a", "n/a", "a"]);
  for (const [answer, word, key] of offered) {
    const button = make("button", word);
    button.type = "button";
    button.setAttribute("aria-keyshortcuts", key);
    button.setAttribute("aria-pressed", String(Boolean(given) && given.answer === answer));
    button.addEventListener("click", () => inTurn(() => giveAt(answer, at)));
    choices.append(button);
  }
  if (given) {
    const button = make("button", "take back");
    button.type = "button";
    button.setAttribute("aria-keyshortcuts", "u");
    button.addEventListener("click", () => inTurn(() => giveAt(null, at)));
    choices.append(button);
  }
  box.append(choices);
  if (given && given.judge) box.append(drawVerdict(given));
  return box;
}

const wordOf = (answer) => answer === true ? "yes" : answer === false ? "no" : "n/a";

function drawVerdict(given) {
  const judge = given.judge;
  const box = make("div", undefined, "verdict");
  if (judge.says === "missing") {
    box.append(`The judge's verdict is missing: ${judge.reason}.`);
    return box;
  }
  const alike = judge.says === wordOf(given.answer);
  box.append("The judge says ", make("span", judge.says, alike ? "alike" : "unlike"),
    judge.value === null ? "" : `, P(yes) ${judge.value.toFixed(2)}`, alike ? ": as you do." : ": not as you do.");
  if (judge.reason) box.append(make("p", judge.reason));
  if (judge.evidence) box.append(make("p", `It quotes: “${judge.evidence}”`));
  return box;
}

const share = (x) => x === null ? "" : x.toFixed(2);

function interval(figure) {
  if (!figure || figure.value === null) return "none yet";
  return `${share(figure.value)} [${share(figure.low)}, ${share(figure.high)}], n ${figure.n}`;
}

function table(title, head, rows) {
  const made = make("table");
  made.append(make("caption", title));
  const top = make("thead").appendChild(make("tr"));
  for (const name of head) {
    const cell = make("th", name);
    cell.scope = "col";
    top.append(cell);
  }
  const body = make("tbody");
  for (const row of rows) {
    const line = make("tr");
    row.forEach((text, at) => {
      const cell = make(at ? "td" : "th", text);
      if (!at) cell.scope = "row";
      line.append(cell);
    });
    body.append(line);
  }
  made.append(top.parentNode, body);
  const wide = make("div", undefined, "wide");
  wide.append(made);
  return wide;
}

function drawFigures(progress) {
  const found = [];
  if (about.judged) {
    found.push(table("You and the judge, units drawn at random",
      ["criterion", "agreement", "±\u00a0now", "after 10 more", "after 50 more"],
      about.criteria.map((one) => {
        const figure = progress.random[one.id];
        const width = figure.width;
        return [one.id, interval(figure.agreement), width ? share(width.now) : "",
          width ? share(width.after["10"]) : "", width ? share(width.after["50"]) : ""];
      })));
    found.push(table("You and the judge, units it is unsure of", ["criterion", "agreement"],
      about.criteria.map((one) => [one.id, interval(progress.unsure[one.id].agreement)])));
  }
  const others = about.criteria.flatMap((one) => Object.entries(progress.others[one.id]).map(
    ([name, figure]) => [one.id, name, interval(figure.agreement), share(figure.kappa.value)]));
  if (others.length) found.push(table("You and other people", ["criterion", "with", "agreement", "kappa"], others));
  if (progress.shown) {
    found.push(make("p", `${progress.shown} answers came after the verdict was shown: here only what was said before it counts.`, "soft"));
  }
  if (!found.length) found.push(make("p", "Nobody else and no judge has answered yet.", "soft"));
  element("agreement").replaceChildren(...found);
}

// --- what people do, each in its turn: what a key means is worked out when those before it have had their effect ------

async function give(answer) {
  const criterion = about.criteria[now].id;
  const state = await ask("answer", { annotator, unit: page.unit, criterion, answer });
  if (answer !== null) {
    const open = about.criteria.findIndex((one) => !state.page.answers[one.id]);
    if (open >= 0) now = open;
  }
  show(state);
  const judge = page.answers[criterion] && page.answers[criterion].judge;
  tell(answer === null ? `${criterion}: taken back` :
    `${criterion}: ${wordOf(answer)}, kept${judge ? `; the judge says ${judge.says}` : ""}`);
}

const giveAt = (answer, at) => {
  now = at;
  return give(answer);
};

async function notApplicable() {
  if (about.criteria[now].na) await give("n/a");
  else tell(`${about.criteria[now].id} cannot be n/a`, true);
}

async function move(by) {
  const at = page.at + by;
  if (at < 0 || at >= page.of) return;
  show(await ask(`unit?${query(annotator)}&at=${at}`));
  tell("");
}

// The first unit that is open, or the one after this where this is left open.
async function next() {
  if (about.criteria.every((one) => page.answers[one.id])) {
    const state = await ask("start?" + query(annotator));
    show(state);
    const all = state.progress.labelled === state.progress.of;
    tell(all ? "All units are labelled. Write the labels file, or go back through them." : "");
  } else if (page.at + 1 < page.of) {
    await move(1);
    tell("left open; it comes again");
  }
}

function takeBack() {
  if (page.answers[about.criteria[now].id]) return give(null);
  const given = about.criteria.map((one, at) => page.answers[one.id] ? at : -1).filter((at) => at >= 0);
  return given.length ? giveAt(null, given[given.length - 1]) : move(-1);
}

function choose(at) {
  now = Math.min(about.criteria.length - 1, Math.max(0, at));
  drawCriteria();
  element("criteria").children[now].focus();
}

const keys = {
  y: () => give(true),
  n: () => give(false),
  a: notApplicable,
  u: takeBack,
  Enter: next,
  ArrowRight: () => move(1),
  ArrowLeft: () => move(-1),
  ArrowDown: () => choose(now + 1),
  ArrowUp: () => choose(now - 1),
};

document.addEventListener("keydown", (event) => {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (page === null || !keys[key] || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.repeat && key !== "ArrowDown" && key !== "ArrowUp") return;
  const target = event.target;
  if (target.closest("input")) return;
  if (key === "Enter" && target.closest("button, summary")) return;
  // A box that scrolls keeps its arrow keys.
  if (key.startsWith("Arrow") && target.closest(".scroll, #candidate")) return;
  event.preventDefault();
  inTurn(keys[key]);
});

element("back").addEventListener("click", () => inTurn(() => move(-1)));
element("next").addEventListener("click", () => inTurn(next));
element("export").addEventListener("click", () => inTurn(async () => {
  const made = await ask("export", {});
  tell(made.rows ? `${made.rows} labelled units written to ${made.output}` : "nothing is labelled yet");
}));
element("who").addEventListener("submit", (event) => {
  event.preventDefault();
  inTurn(() => begin(element("name").value));
});

inTurn(async () => {
  about = await ask("about");
  document.title = `${about.reward}: dikast review`;
  element("reward").textContent = about.reward;
  element("objective").textContent = about.objective;
  element("key-na").hidden = !about.criteria.some((one) => one.na);
  if (about.annotator !== null) {
    await begin(about.annotator);
  } else {
    element("who").hidden = false;
    element("name").focus();
  }
});
