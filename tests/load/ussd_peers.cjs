// The menu of `make bench` in a kit for Node: node ussd_peers.cjs KIT PORT, where KIT is ussd-menu-builder or
// ussd-builder. Both keep what was typed in memory, and a menu is made for each request: one shared by all requests
// mixes up callers. Packages are found by NODE_PATH.
const http = require("node:http");
const Menu = require(process.argv[2]);
const sessions = new Map();

function menuOf() {
  const menu = new Menu();
  menu.sessionConfig({
    start: (id, done) => done(void sessions.set(id, sessions.get(id) ?? {})),
    end: (id, done) => done(void sessions.delete(id)),
    set: (id, key, value, done) => done(void (sessions.get(id)[key] = value)),
    get: (id, key, done) => done(null, sessions.get(id)[key]),
  });
  menu.startState({ run: () => menu.con("Shop payments\n1 Pay a shop\n2 My shop\n99 Exit"), next: { 1: "number" } });
  menu.state("number", { run: () => menu.con("Enter the shop's number:"), next: { "*\\d+": "amount" } });
  menu.state("amount", { run: () => menu.con("Mama Njeri\nEnter the amount in USD:"), next: { "*\\d+": "confirm" } });
  menu.state("confirm", { run: () => menu.con(`Pay ${menu.val}.00 USD to Mama Njeri?\n1 Pay\n2 Cancel`) });
  return menu;
}

http
  .createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      const form = Object.fromEntries(new URLSearchParams(body));
      menuOf().run(form, (text) => response.end(text));
    });
  })
  .listen(Number(process.argv[3]), "127.0.0.1");
