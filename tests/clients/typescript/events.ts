// What a receiver does with each kind of webhook. The compiler knows every kind from webhooks.json: one that is not
// handled, or that is handled and never sent, does not compile.
// Argument: the body of a webhook. Prints what it means.

import type { webhooks } from "./webhooks.js";

declare const process: { argv: string[] };

export type Kind = keyof webhooks;
type Body<K extends Kind> = webhooks[K]["post"]["requestBody"]["content"]["application/json"];

export function never(kind: never): never {
  throw new Error(`no such kind of event: ${String(kind)}`);
}

function meaning(kind: Kind): string {
  switch (kind) {
    case "payment_request.paid":
    case "payment.received":
      return "hand over the goods";
    case "payment_request.rejected":
    case "payment_request.expired":
    case "payment_request.failed":
    case "payment_request.cancelled":
      return "ask again or take cash";
    case "payment_request.in_doubt":
      return "wait";
    case "refund.pending_approval":
      return "approve it or call it off";
    case "refund.created":
    case "refund.in_doubt":
      return "wait, and do not pay in cash";
    case "refund.refunded":
      return "debit the merchant";
    case "refund.rejected":
    case "refund.failed":
      return "give it again or in cash";
    case "application.submitted":
    case "application.returned":
    case "application.approved":
    case "application.rejected":
      return "tell the applicant";
    case "merchant.suspended":
    case "merchant.restricted":
    case "merchant.closed":
    case "merchant.blocked":
    case "merchant.reinstated":
    case "merchant.requirements_due":
      return "tell the merchant";
    case "merchant.claimed":
      return "look at the claim";
    case "application.handed_in":
      return "complete it and submit it";
    case "test.ping":
      return "nothing to do";
    case "merchant.left":
    case "merchant.joined":
      return "count the merchants anew";
    default:
      return never(kind);
  }
}

const [, , text] = process.argv;
if (text !== undefined) {
  const event = JSON.parse(text) as Body<Kind>;
  console.log(`${event.type}: ${meaning(event.type as Kind)}`);
}
