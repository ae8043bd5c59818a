// The merchant's pages without a line: the shell, the codes, and the form that asks. Answers about money are never kept.
"use strict";
var SHELL = "shop-shell-__VERSION__", PAGES = "shop-pages-__VERSION__", FILES = __FILES__;
var KEPT = ["/shop/code", "/shop/ask", "/shop/offline"];

self.addEventListener("install", function (event) {
  event.waitUntil(caches.open(SHELL).then(function (cache) { return cache.addAll(FILES); }).then(function () { return self.skipWaiting(); }));
});
self.addEventListener("activate", function (event) {
  event.waitUntil(caches.keys().then(function (names) {
    return Promise.all(names.filter(function (name) { return name !== SHELL && name !== PAGES; }).map(function (name) { return caches.delete(name); }));
  }).then(function () { return self.clients.claim(); }));
});
self.addEventListener("message", function (event) {
  if (!event.data || !event.data.warm) return;
  event.waitUntil(event.data.warm.filter(function (path) { return KEPT.indexOf(path) >= 0; }).reduce(function (before, path) {
    return before.then(function () { return fetch(path, { credentials: "same-origin" }); }).then(function (answer) { return keep(path, answer); });
  }, Promise.resolve()).catch(function () {}));
});

// Only a page of its own: not the sign-in that a session's end leads to.
function keep(path, answer) {
  if (!answer.ok || answer.redirected) return answer;
  var copy = answer.clone();
  return caches.open(PAGES).then(function (cache) { return cache.put(path, copy); }).then(function () { return answer; }, function () { return answer; });
}

self.addEventListener("fetch", function (event) {
  var asked = event.request, url = new URL(asked.url);
  if (asked.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.indexOf("/static/") === 0) {
    event.respondWith(caches.match(asked).then(function (found) { return found || fetch(asked); }));
    return;
  }
  if (asked.mode !== "navigate" || !/^\/shop(\/|$)/.test(url.pathname)) return;
  event.respondWith(fetch(asked).then(function (answer) {
    return KEPT.indexOf(url.pathname) >= 0 && !url.search ? keep(url.pathname, answer) : answer;
  }, function () {
    return caches.match(KEPT.indexOf(url.pathname) >= 0 ? url.pathname : "/shop/offline").then(function (found) {
      return found || caches.match("/shop/offline").then(function (other) { return other || Response.error(); });
    });
  }));
});
