// A business is registered and paid through a client whose types come from the OpenAPI document.
// Arguments: address, password, API key, the address that hears webhooks, a complete application as JSON.
// Prints one JSON object of what it saw; ends with an error when an answer is not what it must be.

import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { argv: string[] };

type Schemas = components["schemas"];
type PaymentRequest = Schemas["PaymentRequestView"];
// Lists answer spreadsheets too; this client reads JSON alone.
type Json = "application/json" | "application/problem+json";
type Answer<T> = { data?: T; error?: { code: string } | undefined; response: Response };

const PATIENCE_MS = 15_000;
const [baseUrl = "", password = "", apiKey = "", webhookUrl = "", applicationText = "{}"] = process.argv.slice(2);

function clientWith(headers: Record<string, string>) {
  const client = createClient<paths, Json>({ baseUrl });
  const credentials: Middleware = {
    onRequest({ request }) {
      for (const [name, value] of Object.entries(headers)) request.headers.set(name, value);
      return request;
    },
  };
  client.use(credentials);
  return client;
}

function done<T>({ data, error, response }: Answer<T>): T {
  if (data === undefined) throw new Error(`${response.status} ${error?.code} at ${response.url}`);
  return data;
}

function refused({ error, response }: Answer<unknown>, status: number): string {
  if (error === undefined || response.status !== status) throw new Error(`${response.status} at ${response.url}`);
  return error.code;
}

async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
    const found = await ask();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain until ${what}`);
}

async function signIn(title: string) {
  const email = `${title}@greenbankfsp.example`;
  const session = done(await clientWith({}).POST("/api/v1/sessions", { body: { email, password } }));
  return clientWith({ authorization: `Bearer ${session.access_token}` });
}

const idempotent = (key: string = crypto.randomUUID()) => ({ header: { "Idempotency-Key": key } });

async function register(): Promise<Schemas["MerchantView"]> {
  const [maker, checker] = [await signIn("maker"), await signIn("checker")];
  const body = JSON.parse(applicationText) as Schemas["NewApplication"];
  const opened = done(await maker.POST("/api/v1/applications", { params: idempotent(), body }));
  const path = { application_id: opened.id };
  done(await maker.POST("/api/v1/applications/{application_id}/submit", { params: { path } }));
  const seen = await until("the application is screened", async () => {
    const shown = done(await checker.GET("/api/v1/applications/{application_id}", { params: { path } }));
    return shown.state === "in_review" ? shown : undefined;
  });
  const approval: Schemas["Approval"] = { version_hash: seen.version_hash };
  const made = done(
    await checker.POST("/api/v1/applications/{application_id}/approve", { params: { path }, body: approval }),
  );
  if (made.merchant_id === null) throw new Error(`approved by ${made.approvals} of ${made.approvals_needed}`);
  const merchant = { merchant_id: made.merchant_id };
  return done(await checker.GET("/api/v1/merchants/{merchant_id}", { params: { path: merchant } }));
}

async function takePayment(till: ReturnType<typeof clientWith>, counterId: string): Promise<PaymentRequest> {
  const body: Schemas["NewPaymentRequest"] = {
    counter_id: counterId,
    payer: { type: "MSISDN", id: "+254711000001" },
    amount: { amount: "250.5", currency: "KES" },
    reference: "order 17",
  };
  const key = crypto.randomUUID();
  const asked = done(await till.POST("/api/v1/payment-requests", { params: idempotent(key), body }));
  const again = done(await till.POST("/api/v1/payment-requests", { params: idempotent(key), body }));
  if (again.id !== asked.id) throw new Error("the same Idempotency-Key asked twice");
  const path = { request_id: asked.id };
  return until("the customer has paid", async () => {
    const shown = done(await till.GET("/api/v1/payment-requests/{request_id}", { params: { path } }));
    return shown.state === "paid" ? shown : undefined;
  });
}

async function readPages(till: ReturnType<typeof clientWith>, counterId: string): Promise<(string | null)[]> {
  for (const reference of ["first", "second", "third"]) {
    const body = { counter_id: counterId, amount: { amount: "1", currency: "USD" }, reference };
    done(await till.POST("/api/v1/payment-requests", { params: idempotent(), body }));
  }
  const references: (string | null)[] = [];
  let cursor: string | null = null;
  do {
    const query = { state: "awaiting_payer" as const, limit: 2, ...(cursor === null ? {} : { cursor }) };
    const page: { items: PaymentRequest[]; next_cursor: string | null } = done(
      await till.GET("/api/v1/payment-requests", { params: { query } }),
    );
    references.push(...page.items.map((one) => one.reference));
    cursor = page.next_cursor;
  } while (cursor !== null);
  return references;
}

async function meetProblems(till: ReturnType<typeof clientWith>, counterId: string): Promise<string[]> {
  const wrong = { email: "maker@greenbankfsp.example", password: "a wrong password" };
  const nothing = { path: { request_id: crypto.randomUUID() } };
  const body = { counter_id: counterId, amount: { amount: "1.001", currency: "USD" } };
  const invalid = await till.POST("/api/v1/payment-requests", { params: idempotent(), body });
  return [
    refused(await clientWith({}).POST("/api/v1/sessions", { body: wrong }), 401),
    refused(await till.GET("/api/v1/users"), 403),
    refused(await till.GET("/api/v1/payment-requests/{request_id}", { params: nothing }), 404),
    refused(invalid, 422),
    ...(invalid.error?.errors ?? []).map((one) => one.path),
  ];
}

const merchant = await register();
const counter = merchant.counters[0];
if (counter === undefined) throw new Error("the merchant has no counter");
const till = clientWith({ "x-api-key": apiKey });
done(await till.POST("/api/v1/webhook-endpoints", { body: { url: webhookUrl, event_types: ["payment_request.paid"] } }));
const paid = await takePayment(till, counter.id);
const references = await readPages(till, counter.id);
const problems = await meetProblems(till, counter.id);
console.log(JSON.stringify({ merchant: merchant.trading_name, request: paid.id, state: paid.state, references, problems }));
