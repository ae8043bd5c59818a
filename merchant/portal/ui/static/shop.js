// The merchant's pages with a script: keys, live waiting, sound, and what is kept for when there is no line.
// All of it works without; nothing here ever says "paid" of itself: it shows the server's page.
(function () {
"use strict";
var doc = document, win = window, own = doc.querySelector("script[data-who]");
function each(selector, work) { Array.prototype.forEach.call(doc.querySelectorAll(selector), work); }
function kept(name, value) {
  try { return value === undefined ? localStorage.getItem(name) : localStorage.setItem(name, value); } catch (e) { return null; }
}
function data(node, name) { return node.getAttribute("data-" + name) || ""; }
function forget() {
  if (win.caches) caches.keys().then(function (names) { names.forEach(function (name) { caches.delete(name); }); });
  if (win.indexedDB) indexedDB.deleteDatabase("shop");
}
function told(sentence, amount) { return data(own, sentence).replace("{amount}", amount); }

// What the browser keeps belongs to who is signed in.
if (own && kept("who") !== data(own, "who")) { forget(); kept("who", data(own, "who")); kept("warm", ""); }
doc.addEventListener("submit", function (event) { if (/\/sign-out$/.test(event.target.action)) forget(); });

// The pages that work without a line: fetched once a day, and not with a saver of data.
function startWorker() {
  navigator.serviceWorker.register("/shop/sw.js", { scope: "/shop" }).then(function () { return navigator.serviceWorker.ready; }).then(function (worker) {
    var day = String(Math.floor(Date.now() / 864e5));
    if ((navigator.connection || {}).saveData || kept("warm") === day) return;
    worker.active.postMessage({ warm: ["/shop/code", "/shop/ask", "/shop/offline"] });
    kept("warm", day);
  }, function () {});
}
if ("serviceWorker" in navigator && own) {
  if (doc.readyState === "complete") startWorker(); else win.addEventListener("load", startWorker);
}

// --- the till ---
function digits(form, currency) {
  var found = new RegExp(currency + ":(\\d)").exec(data(form, "decimals"));
  return found ? Number(found[1]) : 2;
}
function startTill(form) {
  var amount = form.elements["amount.amount"], currency = form.elements["amount.currency"], note = form.elements.note;
  var pad = form.querySelector("[data-keypad]"), order = form.querySelector("[data-order]"), keys = {}, said;
  // A form that the phone kept is sent more than once: each time it is another ask.
  form.elements.once.value = Array.prototype.map.call(crypto.getRandomValues(new Uint8Array(16)), function (one) { return (256 + one).toString(16).slice(1); }).join("");
  pad.hidden = false;
  amount.setAttribute("inputmode", "none");
  pad.addEventListener("click", function (event) {
    var key = event.target.closest("button"), text = amount.value;
    if (!key) return;
    if (!key.value) amount.value = text.slice(0, -1);
    else if (key.value !== "." || (text.indexOf(".") < 0 && digits(form, currency.value))) {
      var next = (text === "0" && key.value !== "." ? "" : text || (key.value === "." ? "0" : "")) + key.value;
      var after = next.split(".")[1] || "";
      if (after.length <= digits(form, currency.value) && next.length < 14) amount.value = next;
    }
  });
  each('[name="add"]', function (key) { keys[key.value] = key; });
  function counts() {
    var found = {};
    each('[data-order] input[name^="line."]', function (one) { found[one.name.slice(5)] = Number(one.value); });
    return found;
  }
  function words(found) {
    var text = Object.keys(keys).filter(function (id) { return found[id]; }).map(function (id) {
      var label = data(keys[id], "label");
      return found[id] === 1 ? label : found[id] + " \u00d7 " + label;
    }).join(", ");
    return text.length <= note.maxLength ? text : text.slice(0, note.maxLength - 1).replace(/,[^,]*$/, "") + "\u2026";
  }
  function press(id, by) {
    var found = counts(), is = data(keys[id], "currency"), total = 0;
    if (by > 0) Object.keys(found).forEach(function (one) { if (data(keys[one], "currency") !== is) found[one] = 0; });
    found[id] = Math.max(0, Math.min(99, (found[id] || 0) + by));
    currency.value = is;
    order.textContent = "";
    Object.keys(keys).forEach(function (one) {
      if (!found[one]) return;
      total += found[one] * Math.round(Number(data(keys[one], "price")) * Math.pow(10, digits(form, is)));
      var label = data(keys[one], "label"), line = doc.createElement("p"), hidden = doc.createElement("input");
      var text = doc.createElement("span"), name = doc.createElement("bdi"), less = doc.createElement("button");
      line.className = "order-line";
      hidden.type = "hidden"; hidden.name = "line." + one; hidden.value = found[one];
      name.textContent = label; text.appendChild(doc.createTextNode(found[one] + " \u00d7 ")); text.appendChild(name);
      less.className = "second"; less.name = "less"; less.value = one; less.textContent = "\u2212";
      less.setAttribute("aria-label", data(order, "less").replace("{name}", label));
      [hidden, text, less].forEach(function (part) { line.appendChild(part); });
      order.appendChild(line);
    });
    amount.value = total ? (total / Math.pow(10, digits(form, is))).toFixed(digits(form, is)) : "";
    if (!note.value || note.value === said) note.value = words(found);
    said = words(found);
  }
  said = words(counts());
  form.addEventListener("click", function (event) {
    var key = event.target.closest("button");
    if (!key || (key.name !== "add" && key.name !== "less")) return;
    event.preventDefault();
    press(key.value, key.name === "add" ? 1 : -1);
  });
  if (win.fetch && win.URLSearchParams && win.indexedDB) form.addEventListener("submit", function (event) {
    event.preventDefault();
    event.stopImmediatePropagation();
    var asked = new URLSearchParams(new FormData(form)), how = event.submitter || doc.activeElement;
    asked.set("how", how && how.name === "how" ? how.value : "");
    var entry = { id: asked.get("once"), body: asked.toString(), at: Date.now(), amount: amount.value + " " + currency.value };
    each(".ask button", function (one) { one.disabled = true; });
    post(entry).then(function (answer) {
      if (answer.status === 201) { location.href = answer.headers.get("location"); return; }
      return answer.text().then(function (text) { put(text, "main"); start(); win.scrollTo(0, 0); });
    }, function () {
      return keep(entry).then(function () { location.href = "/shop"; }, function () { form.submit(); });
    });
  });
}
function put(text, selector) {
  var fresh = new DOMParser().parseFromString(text, "text/html"), part = fresh.querySelector(selector), old = doc.querySelector(selector);
  if (part && old) { old.parentNode.replaceChild(doc.importNode(part, true), old); doc.title = fresh.title; }
  return Boolean(part);
}

// --- asks that are not sent yet: each keeps its id, so that the service asks once, and is dropped after five minutes ---
var FRESH_MS = 300000, busy = false;
function post(entry) {
  var stop = win.AbortController ? new AbortController() : {};
  if (stop.abort) setTimeout(function () { stop.abort(); }, 30000);
  return fetch("/shop/ask", {
    method: "POST", body: entry.body, credentials: "same-origin", signal: stop.signal,
    headers: { "content-type": "application/x-www-form-urlencoded", "x-sent-by": "script" },
  }).then(function (answer) { if (answer.status >= 500 || answer.status === 429) throw answer; return answer; });
}
function open() {
  return new Promise(function (done, failed) {
    var asked = indexedDB.open("shop", 1);
    asked.onupgradeneeded = function () { asked.result.createObjectStore("asks", { keyPath: "id" }); };
    asked.onsuccess = function () { done(asked.result); };
    asked.onerror = failed;
  });
}
function inStore(mode, work) {
  return open().then(function (store) {
    return new Promise(function (done, failed) {
      var change = store.transaction("asks", mode), asked = work(change.objectStore("asks"));
      change.oncomplete = function () { store.close(); done(asked.result); };
      change.onerror = change.onabort = failed;
    });
  });
}
function keep(entry) { return inStore("readwrite", function (asks) { return asks.put(entry); }); }
function drop(entry) { return inStore("readwrite", function (asks) { return asks.delete(entry.id); }); }
function say(sentence, entry) {
  var id = "unsent-" + entry.id, place = doc.getElementById(id), main = doc.getElementById("main");
  if (!place) {
    place = doc.createElement("p");
    place.id = id; place.className = "unsent"; place.setAttribute("role", "status");
    main.insertBefore(place, main.firstChild);
  }
  place.textContent = told(sentence, entry.amount);
}
function send(entry) {
  if (Date.now() - entry.at > FRESH_MS) return drop(entry).then(function () { say("dropped", entry); });
  say("unsent", entry);
  return post(entry).then(function (answer) {
    if (answer.redirected) return say("signin", entry);
    return drop(entry).then(function () {
      if (answer.status === 201) location.href = answer.headers.get("location"); else say("refused", entry);
    });
  }, function () { setTimeout(flush, 15000); });
}
function flush() {
  if (busy || !win.indexedDB || !win.fetch || !own) return;
  busy = true;
  inStore("readonly", function (asks) { return asks.getAll(); }).then(function (entries) {
    return entries.reduce(function (before, entry) { return before.then(function () { return send(entry); }); }, Promise.resolve());
  }).then(function () { busy = false; }, function () { busy = false; });
}
win.addEventListener("online", flush);

// --- waiting: live where it can be, else by asking again, ever more seldom ---
var live, timer, wait_ms = 4000;
function moving() { return doc.querySelector("#state[data-moving]"); }
function look() {
  var state = moving();
  clearTimeout(timer);
  if (!state) return;
  if (!win.fetch || !win.DOMParser) { location.reload(); return; }
  fetch(location.href, { credentials: "same-origin" }).then(function (answer) { return answer.ok ? answer.text() : ""; }).then(function (text) {
    if (text && put(text, "#state")) heard(data(state, "state"));
  }).then(later, later);
}
function later() {
  if (!moving()) { if (live) live.close(); each("[data-sound]", function (one) { one.hidden = true; }); return; }
  clearTimeout(timer);
  timer = setTimeout(look, wait_ms);
  wait_ms = Math.min(wait_ms * 1.3, 30000);
}
function listen(id) {
  if (!win.EventSource) return;
  live = new EventSource("/api/v1/events");
  ["paid", "rejected", "expired", "failed", "cancelled", "in_doubt"].forEach(function (state) {
    live.addEventListener("payment_request." + state, function (event) {
      if (JSON.parse(event.data).data.payment_request_id === id) look();
    });
  });
}

// --- sound: only after somebody switched it on ---
var Audio = win.AudioContext || win.webkitAudioContext, audio;
function tone() {
  if (!Audio) return;
  audio = audio || new Audio();
  if (audio.resume) audio.resume();
  [[880, 0], [1320, .16]].forEach(function (note) {
    var sound = audio.createOscillator(), loud = audio.createGain(), at = audio.currentTime + note[1];
    sound.frequency.value = note[0];
    loud.gain.setValueAtTime(.3, at);
    loud.gain.exponentialRampToValueAtTime(.001, at + .35);
    sound.connect(loud); loud.connect(audio.destination);
    sound.start(at); sound.stop(at + .4);
  });
}
function heard(before) {
  var state = doc.getElementById("state"), sentence = data(state, "say");
  if (!sentence || before === "paid" || !kept("sound")) return;
  tone();
  if (!win.speechSynthesis) return;
  var voices = speechSynthesis.getVoices(), words = new SpeechSynthesisUtterance(sentence);
  words.lang = doc.documentElement.lang;
  if (voices.length && !voices.some(function (voice) { return voice.lang.slice(0, 2) === words.lang; })) return;
  setTimeout(function () { speechSynthesis.speak(words); }, 600);
}
function startSound(button) {
  var off = button.lastElementChild.textContent;
  function show() { button.lastElementChild.textContent = kept("sound") ? data(button, "on") : off; }
  if (!Audio && !win.speechSynthesis) return;
  button.hidden = false;
  show();
  button.addEventListener("click", function () { kept("sound", kept("sound") ? "" : "1"); if (kept("sound")) tone(); show(); });
}

function start() {
  each("form[data-ask]", startTill);
  each("[data-print]", function (one) { one.hidden = false; one.addEventListener("click", function () { win.print(); }); });
  each("[data-share]", function (one) {
    if (!navigator.share) return;
    one.hidden = false;
    one.addEventListener("click", function () { navigator.share({ url: data(one, "share") }).catch(function () {}); });
  });
}
start();
each("[data-sound]", startSound);
flush();
if (moving()) { listen(moving().getAttribute("data-request")); later(); }
})();
