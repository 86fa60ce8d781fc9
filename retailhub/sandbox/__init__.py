'''A shop, an ERP and a warehouse that speak the vendors' real wire, with faults that can be switched on.

Three separate ASGI apps on loopback. Nothing here imports Django or the rest of the product: the sandbox is the
independent oracle, so what it writes down may contradict us. `manage.py sandbox` runs them; `retailhub.sandbox.run`
starts them from code. Demo credentials: `credentials.py`. Items, locations and opening stock: `catalogue.py`.

SHOP (Shopify, API version 2026-07) · default port 9101
  POST /admin/api/2026-07/graphql.json            header X-Shopify-Access-Token
      query    shop · orders(first, after, query, sortKey, reverse) · order(id) · fulfillmentOrder(id) · locations
               inventoryItem(id) · inventoryItems(first, after, query:"sku:...")
      mutation fulfillmentCreate (not idempotent) · inventorySetQuantities @idempotent(key:) (directive required)
               orderCancel
  GET  /admin/api/2026-07/orders/{id}.json · GET /admin/api/2026-07/orders.json?updated_at_min=&limit=&status=any&order=
      same body as the webhooks, `Link` page_info paging, X-Shopify-Shop-Api-Call-Limit
  webhooks to {hub}/hooks/shopify-de/: orders/create, orders/paid, orders/updated, orders/cancelled, orders/fulfilled,
      orders/partially_fulfilled, fulfillments/create, refunds/create, products/update

ERP (NetSuite REST) · default port 9102
  POST /services/rest/auth/oauth2/v1/token        form: grant_type=client_credentials, client_id, client_secret (or Basic)
  PUT  /services/rest/record/v1/{type}/eid:{externalId}    upsert -> 204 + Location (salesOrder, customer)
  POST /services/rest/record/v1/{type}                     create -> 204 + Location (also cashRefund, customerRefund,
                                                           creditMemo); an externalId used before -> 400 USER_ERROR
                                                           "... This record already exists."
  GET  /services/rest/record/v1/{type}/{id} or /eid:{externalId}   ?expandSubResources=true puts the lines inside
  GET  /services/rest/record/v1/{type}?q=externalId IS "x"         -> {items:[{id, links}], totalResults, hasMore, ...}
  PATCH /services/rest/record/v1/{type}/{id} or /eid:{externalId}
  POST /services/rest/record/v1/salesOrder/{id or eid:x}/!transform/itemFulfillment
                                                           -> 204 + Location; not idempotent unless externalId is sent
  POST /services/rest/query/v1/suiteql   {"q": "SELECT ... FROM transaction WHERE ..."}, header Prefer: transient
  Items are referenced as {"id": "<erp_id>"} or {"externalId": "<code>"}; the generic web customer is {"id": "1001"}.
  Sales order lines may name their `line` number, else they get 1, 2, 3 …; a fulfilment says it as `orderLine`.

WMS (a third-party warehouse, plain REST) · default port 9103       header Authorization: Bearer <api key>
  POST /v1/outbound-orders -> 201. NOT idempotent: asking twice ships twice.
      {"reference": "FO-1042-1", "warehouse": "BERLIN", "service": "STANDARD" | "EXPRESS",
       "ship_to": {"name", "line1", "line2", "postal_code", "city", "region", "country_code", "phone", "email"},
       "lines": [{"line": "1", "sku": "MUG-BLUE", "quantity": 2}]}
      name, line1, city and country_code are required in ship_to; warehouse defaults to BERLIN, service to STANDARD
  GET  /v1/outbound-orders?reference= (&status=&updated_since=&limit=&cursor=) -> {"outbound_orders": [...], "next_cursor"}
  GET  /v1/outbound-orders/{id}
      {"id": "ob_000001", "reference", "warehouse", "status", "service", "ship_to", "lines": [{"line", "sku",
       "quantity", "picked_quantity", "shipped_quantity", "short_quantity"}], "shipments": [{"id", "carrier", "service",
       "tracking_number", "tracking_url", "shipped_at", "lines": [{"line", "sku", "quantity"}]}], "sequence",
       "created_at", "updated_at"}
      status: received, picked, packed, partially_shipped, shipped, delivered, short, cancelled
      (short = nothing at all could be picked)
  POST /v1/outbound-orders/{id}/cancel -> 200 the order; 409 code already_picked once picking has begun
  GET  /v1/stock?warehouse=&sku= -> {"stock": [{"warehouse", "sku", "on_hand", "allocated", "available", "counted_at"}]}
  GET  /v1/ping -> {"status": "ok"}
  errors: {"error": {"code", "message", "field"}} with 400, 401, 404, 409, 422 (unknown_sku, unknown_warehouse, invalid)
  webhooks to {hub}/hooks/wms-berlin/, signed per Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature
  "v1,<base64>"; during a secret rotation two signatures, separated by a space):
      {"id": "evt_...", "type": "order.shipped", "occurred_at": "2026-11-20T12:00:00.000Z", "sequence": 4,
       "data": {"outbound_order_id", "reference", "warehouse", "status", ...}}
      sequence counts the events of one outbound order from 1 (for stock.counted: of one warehouse)
      order.received · order.picked {lines} · order.packed {lines, packages: [{"id", "weight_grams"}]}
      order.shipped {shipment_id, carrier, service, tracking_number, tracking_url, is_partial, lines}
      order.delivered {shipment_id, delivered_at} · order.cancelled {reason}
      order.short {lines: [{"line", "sku", "quantity" (ordered), "picked_quantity", "short_quantity", "reason"}]}
      stock.counted {warehouse, sku, on_hand, allocated, available, previous_on_hand, counted_at} (no order fields)
      every other `lines` is [{"line", "sku", "quantity"}]

CONTROL, on each app, never touched by faults or credentials
  GET  /_sandbox/health
  GET|PUT|DELETE /_sandbox/faults    PUT merges {name: value}; GET -> {"settings", "landed": {name: count}}; DELETE calms
  GET  /_sandbox/ledger?after=<number>&kind=&reference=&limit=   -> {"lines": [...], "last": <number>}
  GET  /_sandbox/calls?since=<epoch seconds>   -> {"calls": [{at, method, path, status, trace_id}]} every call, for overshoot
  GET|PUT /_sandbox/limits     shop {maximum_available, restore_rate, rest_bucket, rest_restore_rate};
                               ERP {concurrency, token_lifetime_s}; WMS {requests_per_second (0 = no limit)}
  GET|PUT /_sandbox/webhooks   shop, WMS: {url, first_retry_s, retries, concurrency, is_paused, spelling (shop:
                               "x-shopify" or "shopify"), delete_subscription_after (0 = never)}; GET adds counters, and
                               `pending`; PUT {"is_subscribed": true} subscribes again
  POST /_sandbox/rotate-secret shop, WMS: {"secret": optional, "old_signs_for_s": 0} -> {"secret"}
  shop GET|PUT /_sandbox/traffic     {orders_per_minute, cancel_share, refund_share, seed, mix: {unknown_sku, test, tip,
                               gift_card, custom_line, discount, presentment_usd, huge_id, no_customer, ...}}
  shop POST /_sandbox/orders   {"count", "seed", "topics": ["orders/create", "orders/paid"], "mix", "sku", "quantity"} ->
                               {"orders": [{id, name, test, lines: [{id, sku, quantity}], webhook_ids: {topic: id}}]}
                               same seed, same customers, lines and prices; topics [] places silently (a lost webhook)
  shop POST /_sandbox/orders/{id}/cancel {"reason"} · POST /_sandbox/orders/{id}/refund {"lines": [{"id", "quantity"}],
                               "restock_type"} · POST /_sandbox/orders/{id}/resend {"topic"}
  shop POST /_sandbox/products/update {"sku"}
  ERP  POST /_sandbox/expire-tokens
  WMS  GET|PUT /_sandbox/progress    {received_s, picked_s, packed_s, shipped_s, delivered_s (each after the one before),
                               jitter_share, short_share, partial_share, count_interval_s, is_paused}
  WMS  POST /_sandbox/outbound-orders/{id}/advance -> one step at once; {"to": "shipped"} runs up to that status
  WMS  POST /_sandbox/stock-count {"warehouse", "sku", "on_hand"} -> stock.counted

FAULTS (probability 0..1 unless said otherwise; seeded by `seed`)
  latency_ms, latency_jitter_ms (milliseconds)   error_429 with retry_after_s   (shop GraphQL: THROTTLED in HTTP 200)
  error_5xx_before: 503, nothing applied         error_5xx_after: applied, then 503
  lost_response: applied, connection dropped     late_apply: 504 or drop now, applied late_apply_s later
  broken_json: applied, answer cut in half       maintenance (true/false): 503 + Retry-After for everything
  expired_credentials: 401                       (ERP: the bearer token is really gone)
  webhooks: duplicate_delivery (same webhook id twice), out_of_order (delayed up to out_of_order_s, overtaken by later
  ones), malformed_body (broken JSON, correctly signed; counts as one attempt), lost_delivery (never sent)
  error_5xx_after, lost_response and broken_json strike only calls that applied something, late_apply only writes: a
  landed fault is a risk.

DATA, under --data DIR: <system>/{ledger,state,calls,faults}.jsonl; <system> is shop, erp or wms
  ledger.jsonl: one line per applied effect, fsynced before the answer leaves. `ledger.read_ledger(path)` reads it.
      {"number": 17, "at": "2026-11-20T12:00:00.123456Z", "system": "erp", "kind": "itemfulfillment.created",
       "reference": "SO or FO the effect is about", "external_id": "id on this system", "key": "idempotency key or
       external id sent", "digest": "sha256 of the request body", "trace_id": "X-Trace-Id as received", "detail": {...}}
  kinds  shop: order.placed, order.paid, order.cancelled, refund.created, fulfillment.created, inventory.set
         erp:  salesorder.created, salesorder.updated, customer.created, customer.updated, itemfulfillment.created,
               cashrefund.created, customerrefund.created, creditmemo.created (and .updated)
         wms:  outbound.created, outbound.cancelled, outbound.progressed, stock.counted
         shop, wms: webhook.acked (key = webhook id, detail.topic, detail.attempts), webhook.abandoned, webhook.lost
  reference  shop: the order id · erp: the sales order's external id, else the record's own · wms: the outbound reference
'''
