/* The demo's wall without pressing "Look again": it asks for what changed, and calls out what was paid. */
(function () {
  "use strict";
  var doc = document, wall = doc.querySelector("[data-live]"), sound = doc.getElementById("sound");
  var again = doc.getElementById("again"), context = null, heard = paid(), timer;

  function paid() {
    var one = doc.querySelector("#live-shop [data-paid]");
    return one ? one.getAttribute("data-paid") : "";
  }

  function note(at, pitch) {
    var tone = context.createOscillator(), volume = context.createGain(), from = context.currentTime + at;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.25, from);
    volume.gain.exponentialRampToValueAtTime(0.001, from + 0.5);
    tone.connect(volume);
    volume.connect(context.destination);
    tone.start(from);
    tone.stop(from + 0.5);
  }

  function call() {
    var one = doc.querySelector("#live-shop [data-paid]"), said;
    if (!one || one.getAttribute("data-paid") === heard) return;
    heard = one.getAttribute("data-paid");
    if (!context) return;
    note(0, 784);
    note(0.18, 1047);
    if (!window.speechSynthesis) return;
    said = new SpeechSynthesisUtterance(one.getAttribute("data-say"));
    said.lang = one.getAttribute("data-lang");
    window.speechSynthesis.speak(said);
  }

  function put(text) {
    var fresh = new DOMParser().parseFromString(text, "text/html");
    Array.from(fresh.querySelectorAll("[id^=live-]")).forEach(function (part) {
      var place = doc.getElementById(part.id);
      if (!place || place.contains(doc.activeElement)) return;
      Array.from(part.querySelectorAll("input[name=back]")).forEach(function (one) {
        one.setAttribute("value", location.pathname);
      });
      if (place.innerHTML !== part.innerHTML) place.innerHTML = part.innerHTML;
    });
    call();
  }

  function look() {
    clearTimeout(timer);
    if (doc.hidden) { timer = setTimeout(look, 2000); return; }
    fetch(wall.getAttribute("data-live"), { headers: { accept: "text/html" } })
      .then(function (answer) { return answer.ok ? answer.text() : ""; })
      .then(function (text) { if (text) put(text); })
      .catch(function () {})
      .then(function () { timer = setTimeout(look, 2000); });
  }

  // A press that was refused is sent again by the browser itself, whose page then says what was wrong.
  function send(event) {
    var form = event.target, press = event.submitter, body, once, field;
    if (!form.hasAttribute("data-quiet")) return;
    event.preventDefault();
    body = new URLSearchParams(new FormData(form));
    if (press && press.name) {
      field = doc.createElement("input");
      field.type = "hidden";
      field.name = press.name;
      field.value = press.value;
      body.set(press.name, press.value);
    }
    if (doc.activeElement) doc.activeElement.blur();
    fetch(form.action, { method: "POST", body: body, redirect: "manual" }).then(function (answer) {
      once = form.querySelector("[name=once]");
      if (answer.type !== "opaqueredirect") {
        if (field) form.appendChild(field);
        form.submit();
        return;
      }
      Array.from(form.querySelectorAll(".wrong")).forEach(function (one) { one.remove(); });
      Array.from(form.querySelectorAll(".bad-field")).forEach(function (one) { one.classList.remove("bad-field"); });
      Array.from(form.querySelectorAll("[aria-invalid]")).forEach(function (one) { one.removeAttribute("aria-invalid"); });
      if (once) once.value = "w" + Date.now() + Math.random().toString(36).slice(2, 10);
      look();
    });
  }

  function key(event) {
    var pressed = event.target.closest && event.target.closest(".key"), entry;
    if (!pressed) return;
    event.preventDefault();
    entry = pressed.form.elements.entry;
    if (entry.value.length < entry.maxLength) entry.value += pressed.value;
  }

  function tick() {
    Array.from(doc.querySelectorAll("[data-until]")).forEach(function (clock) {
      var left = Math.max(Math.floor(Number(clock.getAttribute("data-until")) - Date.now() / 1000), 0);
      clock.textContent = left ? Math.floor(left / 60) + ":" + ("0" + (left % 60)).slice(-2) + " left" : "Session over";
    });
  }

  doc.addEventListener("submit", send);
  doc.addEventListener("click", key);
  setInterval(tick, 1000);
  if (sound && (window.AudioContext || window.webkitAudioContext)) {
    sound.hidden = false;
    sound.addEventListener("click", function () {
      if (context) { context.close(); context = null; } else {
        context = new (window.AudioContext || window.webkitAudioContext)();
        note(0, 784);
      }
      sound.setAttribute("aria-pressed", String(Boolean(context)));
      sound.querySelector("span").textContent = context ? "Sound off" : "Sound on";
    });
  }
  if (again) again.hidden = true;
  if (wall) look();
})();
