/* What pages do better with a script; all of them work without it. No inline code, nothing from elsewhere. */
(function () {
  "use strict";
  var doc = document;

  // Lists answer while one types: the filters of the address stay the only state.
  function live(form) {
    var timer, target = form.getAttribute("data-live");
    function send() {
      var query = new URLSearchParams(new FormData(form));
      Array.from(query.entries()).forEach(function (pair) { if (!pair[1]) query.delete(pair[0]); });
      var url = form.action.split("?")[0] + (query.toString() ? "?" + query : "");
      if (!window.htmx) return;
      window.htmx.ajax("GET", url, { target: target, select: target, swap: "outerHTML" });
      history.replaceState(null, "", url);
    }
    form.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(send, 450); });
  }

  // A photo of a telephone has several megabytes; 1600 pixels are enough to read it.
  function shrink(input) {
    input.addEventListener("change", function () {
      var file = input.files[0], most = Number(input.getAttribute("data-shrink"));
      if (!file || !/^image\/(jpeg|png)$/.test(file.type) || file.size < 300000 || !window.DataTransfer) return;
      var url = URL.createObjectURL(file), image = new Image();
      image.onload = function () {
        var part = Math.min(1, most / Math.max(image.width, image.height));
        var canvas = doc.createElement("canvas");
        canvas.width = Math.round(image.width * part);
        canvas.height = Math.round(image.height * part);
        canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
        URL.revokeObjectURL(url);
        canvas.toBlob(function (blob) {
          if (!blob || blob.size >= file.size) return;
          var list = new DataTransfer();
          list.items.add(new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" }));
          input.files = list.files;
        }, "image/jpeg", 0.82);
      };
      image.src = url;
    });
  }

  function copy(input) {
    input.addEventListener("click", function () {
      input.select();
      if (navigator.clipboard) navigator.clipboard.writeText(input.value);
    });
  }

  // Where the telephone is, if it says so; the form keeps it only when it is sent.
  function position(place) {
    if (!navigator.geolocation) return;
    var ids = place.getAttribute("data-position").split(" "), note = place.querySelector("[data-found]");
    place.hidden = false;
    place.querySelector("button").addEventListener("click", function () {
      navigator.geolocation.getCurrentPosition(function (found) {
        doc.getElementById(ids[0]).value = found.coords.latitude.toFixed(5);
        doc.getElementById(ids[1]).value = found.coords.longitude.toFixed(5);
        note.textContent = note.getAttribute("data-found");
      }, function () { note.textContent = note.getAttribute("data-lost"); }, { timeout: 20000, maximumAge: 60000 });
    });
  }

  // "/" goes to the search, "?" to the help, as the help page says.
  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    var place = doc.querySelector('[data-key="' + (event.key === '"' ? "" : event.key) + '"]');
    if (!place) return;
    event.preventDefault();
    if (place.tagName === "A") place.click(); else place.focus();
  }

  // A form that was sent once is not sent again by a second press.
  function once(event) {
    var form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.getAttribute("data-sent")) { event.preventDefault(); return; }
    form.setAttribute("data-sent", "1");
    setTimeout(function () { form.removeAttribute("data-sent"); }, 10000);
  }

  function each(selector, work) { Array.from(doc.querySelectorAll(selector)).forEach(work); }
  each("form[data-live]", live);
  each("input[data-shrink]", shrink);
  each("[data-copy]", copy);
  each("[data-position]", position);
  doc.addEventListener("keydown", keys);
  doc.addEventListener("submit", once);
})();
