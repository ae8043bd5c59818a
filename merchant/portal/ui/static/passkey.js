/* Passkeys: the browser's own dialogue between a form and its sending. Forms stay hidden where there is none. */
(function () {
  "use strict";
  var PKC = window.PublicKeyCredential;
  if (!PKC || !PKC.parseRequestOptionsFromJSON || !navigator.credentials) return;

  function options(form) {
    var given = form.getAttribute("data-public-key");
    if (given) return Promise.resolve(JSON.parse(given));
    return fetch(form.getAttribute("data-options"), { method: "POST" }).then(function (answer) {
      if (!answer.ok) throw new Error("refused");
      return answer.json();
    }).then(function (told) { return told.public_key; });
  }

  Array.from(document.querySelectorAll("form[data-passkey]")).forEach(function (form) {
    var makes = form.getAttribute("data-passkey") === "create";
    form.hidden = false;
    form.addEventListener("submit", function (event) {
      if (form.elements.credential.value) return;
      event.preventDefault();
      event.stopPropagation();
      options(form).then(function (found) {
        return makes
          ? navigator.credentials.create({ publicKey: PKC.parseCreationOptionsFromJSON(found) })
          : navigator.credentials.get({ publicKey: PKC.parseRequestOptionsFromJSON(found) });
      }).then(function (credential) {
        form.elements.credential.value = JSON.stringify(credential.toJSON());
        form.submit();
      }).catch(function () { form.classList.add("tried"); });
    });
  });
})();
