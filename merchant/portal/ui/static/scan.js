/* Reads a code with the camera, where the browser has a BarcodeDetector, once somebody presses the button. Without it,
   or without this script, the number is typed. What the camera sees stays on the phone; only the code's text is sent. */
(function () {
  "use strict";
  var box = document.getElementById("scan"), field = document.getElementById("payload");
  if (!box || !field || !window.BarcodeDetector || !navigator.mediaDevices) return;
  var button = box.querySelector("button"), video = box.querySelector("video"), said = box.querySelector("[role]");
  var stream = null, detector = null;

  function stop() {
    if (stream) stream.getTracks().forEach(function (track) { track.stop(); });
    stream = null;
    video.hidden = true;
    button.hidden = false;
  }

  function refuse() {
    stop();
    said.textContent = box.getAttribute("data-refused");
    field.focus();
  }

  function look() {
    if (!stream) return;
    detector.detect(video).then(function (codes) {
      if (!stream) return;
      if (!codes.length || !codes[0].rawValue) { setTimeout(look, 200); return; }
      stop();
      field.value = codes[0].rawValue.slice(0, field.maxLength);
      field.form.submit();
    }, function () { setTimeout(look, 500); });
  }

  function start() {
    said.textContent = "";
    button.hidden = true;
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).then(function (given) {
      stream = given;
      video.srcObject = given;
      video.hidden = false;
      return video.play();
    }).then(look).catch(refuse);
  }

  // Some browsers have the name but read no QR codes.
  window.BarcodeDetector.getSupportedFormats().then(function (formats) {
    if (formats.indexOf("qr_code") < 0) return;
    detector = new window.BarcodeDetector({ formats: ["qr_code"] });
    box.hidden = false;
    button.addEventListener("click", start);
    window.addEventListener("pagehide", stop);
  }, function () {});
})();
