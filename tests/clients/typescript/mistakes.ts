// What a caller may get wrong, and the compiler must notice: each line after an @ts-expect-error that does compile is
// an error itself.

import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";
import { type Kind, never } from "./events.js";

type Schemas = components["schemas"];

const client = createClient<paths>({ baseUrl: "" });
const amount: Schemas["Amount"] = { amount: "1", currency: "KES" };

// @ts-expect-error: no such kind of payer
export const wrongValue: Schemas["NewPaymentRequest"] = { amount, payer: { type: "IBAN", id: "1" } };
// @ts-expect-error: the hash is missing
export const missingField: Schemas["Approval"] = {};
// @ts-expect-error: no such field
export const unknownField: Schemas["Approval"] = { version_hash: "", hash: "" };
// @ts-expect-error: an amount is text
export const wrongType: Schemas["Amount"] = { amount: 1, currency: "KES" };
// @ts-expect-error: never sent
export const unknownKind: Kind = "merchant.vanished";

export async function wrongCalls(): Promise<void> {
  // @ts-expect-error: no such path
  await client.GET("/api/v1/people");
  // @ts-expect-error: no such state
  await client.GET("/api/v1/payment-requests", { params: { query: { state: "waiting" } } });
  // @ts-expect-error: the Idempotency-Key is missing
  await client.POST("/api/v1/payment-requests", { body: { amount } });
  // @ts-expect-error: the id is missing
  await client.GET("/api/v1/payment-requests/{request_id}", {});
}

export function forgotten(kind: Kind): string {
  if (kind === "payment_request.paid") return "hand over the goods";
  // @ts-expect-error: the other kinds are left
  return never(kind);
}
