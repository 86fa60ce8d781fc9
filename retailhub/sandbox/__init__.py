"""A shop, a marketplace, an ERP and a warehouse on the vendors' real wire, with faults on demand.

Four ASGI apps on loopback. Nothing here imports Django or the rest of the product: the sandbox is
the independent oracle, so what it writes down may contradict us. `manage.py sandbox` runs it,
`run.py` starts it from code. Demo credentials are in `credentials.py`; items, locations and opening
stock in `catalogue.py`.

SHOP: Shopify, API version 2026-07. Default port 9101, header X-Shopify-Access-Token
  POST /admin/api/2026-07/graphql.json
    query     shop, order(id), orders(first, after, query, sortKey, reverse), fulfillmentOrder(id),
              locations, inventoryItem(id), inventoryItems(first, after, query: "sku:...")
    mutation  fulfillmentCreate (not idempotent), orderCancel,
              inventorySetQuantities @idempotent(key:) (the directive is required)
  GET /admin/api/2026-07/orders/{id}.json
  GET /admin/api/2026-07/orders.json?updated_at_min=&limit=&status=any&order=updated_at asc
    the body of the webhooks, `Link` page_info paging, X-Shopify-Shop-Api-Call-Limit
  webhooks to {hub}/hooks/shopify-de/: orders/create, orders/paid, orders/updated,
    orders/cancelled, orders/fulfilled, orders/partially_fulfilled, fulfillments/create,
    refunds/create, products/update. Webhooks of one happening share X-Shopify-Event-Id.

ERP: NetSuite REST. Default port 9102, header Authorization: Bearer <token>
  POST /services/rest/auth/oauth2/v1/token
    form grant_type=client_credentials with client_id and client_secret, or HTTP Basic
  under /services/rest/record/v1, {type} being salesOrder, customer, itemFulfillment, cashRefund,
  customerRefund or creditMemo, {key} an internal id or eid:<external id>:
    PUT   /{type}/eid:{externalId}    upsert -> 204 + Location
    PATCH /{type}/{key}               -> 204 + Location
    POST  /{type}                     create -> 204 + Location; an externalId that is taken ->
                                      400 USER_ERROR "... This record already exists."
    GET   /{type}/{key}               ?expandSubResources=true shows the lines
    GET   /{type}?q=externalId IS "x" -> {"items": [{"id", "links"}], "totalResults", ...}
    POST  /salesOrder/{key}/!transform/itemFulfillment
                                      -> 204 + Location; not idempotent unless externalId is sent
  POST /services/rest/query/v1/suiteql   {"q": "SELECT ... FROM transaction WHERE ..."}
    with the header Prefer: transient; see erp/suiteql.py for what it reads
  Items are {"externalId": "<code>"} (unknown: 400 INVALID_KEY_OR_REF) or {"id": "<erp_id>"}; the
  web customer is {"id": "1001"}. Order lines get `line` 1, 2, 3 unless they name one, and a
  fulfilment repeats it as `orderLine`. Six calls at once are one too many: 429.

WMS: a third-party warehouse. Default port 9103, header Authorization: Bearer <api key>
  POST /v1/outbound-orders -> 201 the order. NOT idempotent: asked twice, it ships twice.
    {"reference": "FO-1042-1", "warehouse": "BERLIN", "service": "STANDARD" or "EXPRESS",
     "ship_to": {"name", "line1", "line2", "postal_code", "city", "region", "country_code",
                 "phone", "email"},
     "lines": [{"line": "1", "sku": "MUG-BLUE", "quantity": 2}]}
    ship_to needs name, line1, city, country_code; warehouse is BERLIN, service STANDARD if absent
  GET /v1/outbound-orders?reference=&status=&updated_since=&limit=&cursor=
    -> {"outbound_orders": [order, ...], "next_cursor": text or null}
  GET /v1/outbound-orders/{id} -> the order:
    {"id": "ob_000001", "reference", "warehouse", "service", "ship_to", "status", "sequence",
     "lines": [{"line", "sku", "quantity", "picked_quantity", "shipped_quantity",
                "short_quantity"}],
     "shipments": [{"id", "carrier", "service", "tracking_number", "tracking_url", "shipped_at",
                    "lines": [{"line", "sku", "quantity"}]}], "created_at", "updated_at"}
    status: received, picked, packed, partially_shipped, shipped, delivered, cancelled, or short
    when nothing at all could be picked
  POST /v1/outbound-orders/{id}/cancel -> 200 the order; 409 already_picked once picking began
  GET /v1/stock?warehouse=&sku=
    -> {"stock": [{"warehouse", "sku", "on_hand", "allocated", "available", "counted_at"}]}
  GET /v1/ping -> {"status": "ok"}
  errors {"error": {"code", "message", "field"}}: 400, 401, 404, 409, 422 with unknown_sku,
    unknown_warehouse or invalid
  webhooks to {hub}/hooks/wms-berlin/, per Standard Webhooks: webhook-id, webhook-timestamp,
  webhook-signature "v1,<base64>" (two, separated by a space, while a secret is rotated)
    {"id": "evt_00000001", "type": "order.shipped", "occurred_at": "2026-11-20T12:00:00.000Z",
     "sequence": 4,
     "data": {"outbound_order_id", "reference", "warehouse", "status", and per type:}}
    order.received   lines
    order.picked     lines
    order.packed     lines, packages [{"id", "weight_grams"}]
    order.shipped    shipment_id, carrier, service, tracking_number, tracking_url, shipped_at,
                     is_partial, lines
    order.delivered  shipment_id, delivered_at, lines
    order.short      lines [{"line", "sku", "quantity" (ordered), "picked_quantity",
                     "short_quantity", "reason"}]; order.picked follows if anything was found
    order.cancelled  reason
    stock.counted    in `data` only: warehouse, sku, on_hand, allocated, available,
                     previous_on_hand, counted_at
    other lines are [{"line", "sku", "quantity"}]; sequence counts the events of one outbound
    order from 1, for stock.counted those of one warehouse

MARKET: Amazon's Selling Partner API. Default port 9104, header x-amz-access-token
  POST /auth/o2/token  form grant_type=refresh_token with refresh_token, client_id, client_secret
  under /listings/2021-08-01/items/{sellerId}:
    GET   /{sku}   -> {"sku", "fulfillmentAvailability": [{"fulfillmentChannelCode", "quantity"}]}
    PATCH /{sku}   /attributes/fulfillment_availability -> {"sku", "status": ACCEPTED or INVALID,
                   "submissionId", "issues"}
    GET            -> {"numberOfResults", "items"}
  under /feeds/2021-06-30: POST /documents -> 201 {"feedDocumentId", "url"}; PUT the document
    there; POST /feeds -> 202 {"feedId"}; GET /feeds/{id} -> processingStatus IN_QUEUE, DONE
    or FATAL and resultFeedDocumentId; GET /documents/{id} -> {"url"} of the processing report
  Each operation has Amazon's default plan; over it 429 QuotaExceeded. A bad token is 403.

CONTROL, on each app; faults and credentials do not touch it
  GET            /_sandbox/health
  GET PUT DELETE /_sandbox/faults    PUT sets what it names, DELETE calms; all answer
                                     {"settings": {...}, "landed": {name: count}}
  GET            /_sandbox/ledger?after=&kind=&reference=&key=&external_id=&trace_id=&limit=
                                     -> {"lines": [...], "last": number}
  GET            /_sandbox/calls?since=<epoch seconds>
                                     -> {"calls": [{at, took_ms, method, path, status, trace_id}]};
                                     status 0 = connection dropped
  GET PUT        /_sandbox/limits    shop: maximum_available, restore_rate, rest_bucket,
                                     rest_restore_rate; ERP: concurrency, token_lifetime_s;
                                     WMS: requests_per_second (0 = no limit)
  GET PUT        /_sandbox/webhooks  shop, WMS: url, first_retry_s, retries, concurrency, is_paused,
                                     is_subscribed, delete_subscription_after (0 = never), shop
                                     only: spelling ("x-shopify" or "shopify"); shows counts and
                                     pending as well
  POST           /_sandbox/rotate-secret   shop, WMS: {"secret", "old_signs_for_s"} -> {"secret"}
  shop  GET PUT  /_sandbox/traffic   orders_per_minute, cancel_share, refund_share, seed, mix {...}
                                     (the names in shop/basket.py, each a probability)
        POST     /_sandbox/orders    {"count", "seed", "topics", "mix", "sku", "quantity"} ->
                                     {"orders": [{id, name, test, total_price, lines: [{id, sku,
                                     quantity}], webhook_ids: {topic: id}}]}; the same seed makes
                                     the same customers, lines and prices; topics [] tells nobody
        POST     /_sandbox/orders/{id}/cancel {"reason"}
        POST     /_sandbox/orders/{id}/refund {"lines": [{"id", "quantity"}], "restock_type"}
        POST     /_sandbox/orders/{id}/resend {"topic"}
        POST     /_sandbox/products/update {"sku"}
  ERP   POST     /_sandbox/expire-tokens
  market GET PUT /_sandbox/market    feed_s (a feed lies in the queue), invalid_sku
        POST     /_sandbox/quantity  {"sku", "quantity"}: somebody changes it by hand
        POST     /_sandbox/expire-tokens
  WMS   GET PUT  /_sandbox/progress  received_s, picked_s, packed_s, shipped_s, delivered_s (each
                                     after the step before), jitter_share, short_share,
                                     partial_share, count_interval_s,
                                     delivery_interval_s (0 = none comes in), is_paused
        POST     /_sandbox/outbound-orders/{id}/advance   one step now, or {"to": "shipped"}
        POST     /_sandbox/stock-count {"warehouse", "sku", "on_hand"}
        POST     /_sandbox/stock-movement {"kind": "adjusted" or "received", "warehouse", "sku",
                                     "quantity", "reason", "reference"}

FAULTS: a probability from 0 to 1 unless said otherwise; seeded by `seed`
  latency_ms, latency_jitter_ms       milliseconds
  maintenance                         true or false: 503 + Retry-After for everything
  expired_credentials                 401; the ERP really forgets the token
  error_429                           429 with Retry-After: retry_after_s; shop GraphQL: THROTTLED
  error_5xx_before                    503, nothing applied
  error_5xx_after                     applied, then 503
  lost_response                       applied, then the connection is dropped
  late_apply                          504 or a dropped connection now, applied late_apply_s later
  broken_json                         applied, the answer cut in half (no effect on empty answers)
  duplicate_delivery                  the same webhook, same id, twice
  out_of_order                        delayed by up to out_of_order_s seconds, later ones overtake
  malformed_body                      an extra webhook with an id of its own: cut JSON, well signed
  lost_delivery                       the webhook is never sent
  error_5xx_after, lost_response and broken_json strike only calls that applied something, and
  late_apply only writes: a landed fault was a real risk.

DATA, under --data DIR, in shop/, erp/, wms/, market/: ledger.jsonl, state.jsonl, calls.jsonl,
faults.jsonl. `ledger.read_ledger(path)` reads a ledger: one line per applied effect, fsynced before
the answer leaves:
  {"number": 17, "at": "2026-11-20T12:00:00.123456Z", "system": "erp",
   "kind": "itemfulfillment.created", "reference": "what it is about", "external_id": "its id here",
   "key": "idempotency key, external id or webhook id", "digest": "sha256 of the request body",
   "trace_id": "X-Trace-Id as received", "detail": {...}}
  shop       order.placed, order.paid, order.cancelled, refund.created, fulfillment.created,
             inventory.set; reference: the order's id (inventory.set: the inventory item's)
  erp        salesorder.created, itemfulfillment.created, customer.created, cashrefund.created,
             customerrefund.created, creditmemo.created, and .updated of each; reference: the
             record's external id, of an itemfulfillment the sales order's
  wms        outbound.created, outbound.progressed, outbound.cancelled, stock.counted; reference:
             the client's (stock.counted: WAREHOUSE/SKU)
  market     listing.quantity (reference: the SKU; detail: quantity, by), feed.created
  shop, wms  webhook.acked, webhook.abandoned, webhook.lost; key: webhook id, detail: topic,
             attempts, is_malformed
"""
