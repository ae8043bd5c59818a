/* Writing an application: what was typed is saved two seconds after the last change. The buttons do the same. */
(function () {
  "use strict";
  var form = document.querySelector("form[data-autosave]");
  if (!form || !window.fetch) return;
  var said = form.querySelector("[data-said]"), timer, busy = false, again = false;
  function say(text) { if (said) said.textContent = text; }
  function clock() { return new Date().toTimeString().slice(0, 5); }
  function save() {
    if (busy) { again = true; return; }
    busy = true;
    fetch(form.action, {
      method: "POST", credentials: "same-origin", headers: { "x-autosave": "1" },
      body: new URLSearchParams(new FormData(form))
    }).then(function (answer) {
      var revision = answer.headers.get("x-revision");
      if (answer.status === 204) {
        if (revision) form.elements.revision.value = revision;
        say(form.getAttribute("data-saved").replace("{time}", clock()));
        if (window.htmx) window.htmx.ajax("GET", form.action, { target: "#missing", select: "#missing", swap: "outerHTML" });
      } else say(form.getAttribute("data-unsaved"));
    }, function () { say(form.getAttribute("data-offline")); }).then(function () {
      busy = false;
      if (again) { again = false; save(); }
    });
  }
  form.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(save, 2000); });
  form.addEventListener("submit", function () { clearTimeout(timer); });
})();
