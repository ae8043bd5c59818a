// The page's other scripts, once the page is drawn: on a slow line they would share it with the style sheet.
// A deferred script runs when the style sheet is there.
(function () {
  "use strict";
  document.currentScript.getAttribute("data-files").split(" ").forEach(function (file) {
    var one = document.createElement("script");
    one.src = file;
    one.async = false;
    document.head.appendChild(one);
  });
})();
