"""The brand's last days as requests, in the shapes that real client libraries send.

Web and kiosk: the browser library of Segment, one event a request. The app: RudderStack's library
of Python. Orders: Segment's library of node. See docs for how to post them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

WRITE_KEY = "wk_fashion"
Row = dict[str, Any]
_BASIC = "Basic " + base64.b64encode(f"{WRITE_KEY}:".encode()).decode()
_SITE = "https://fashion.example"


def requests(clicks: pa.Table | None, orders: pa.Table | None) -> Iterator[Row]:
    """{method, path, headers, body} of every event, in the order of time."""
    made = []
    for row in clicks.to_pylist() if clicks else []:
        row["time"] = row["time"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
        shape = _app if row["channel"] == "app" else _browser
        made.append((row["time"], 0, row["id"], shape(row)))
    for order in _grouped(orders) if orders else ():
        made.append((order["ordered_at"], 1, order["order_id"], _order(order)))
    for _, _, _, request in sorted(made, key=lambda m: m[:3]):
        yield request


def late(request: Row, now: str) -> Row:
    """The request as a client sends it that was off line until `now` (ISO 8601): events keep
    their time, and the clock of the client is right."""
    return request | {"body": request["body"] | {"sentAt": now}}


def _browser(row: Row) -> Row:
    agent, kind = row["user_agent"], "i" if row["event"] == "Signed In" else "t"
    body: Row = {"timestamp": row["time"], "integrations": {"Segment.io": True}}
    if kind == "i":
        body |= {"type": "identify", "userId": row["user_id"], "traits": {"email": row["email"]}}
    else:
        body |= {"event": row["event"], "type": "track", "properties": _properties(row)}
        if row["user_id"] is not None:
            body["userId"] = row["user_id"]
    path = f"/p/{row['sku']}" if row["sku"] else "/account"
    page = {"path": path, "referrer": "", "search": "", "title": path, "url": _SITE + path}
    body["context"] = {
        "page": page,
        "userAgent": agent,
        "locale": "de-DE",
        "library": {"name": "analytics.js", "version": "npm:next-1.84.3"},
        "timezone": "Europe/Berlin",
    }
    body |= {
        "messageId": row["id"],
        "anonymousId": row["anonymous_id"],
        "writeKey": WRITE_KEY,
        "sentAt": row["time"],
        "_metadata": {"bundled": ["Segment.io"], "unbundled": [], "bundledIds": []},
    }
    return _post(f"/v1/{kind}", "text/plain", agent, body)


def _app(row: Row) -> Row:
    device = {"device": {"id": row["device_id"], "type": "ios"}}
    event: Row = {"integrations": {"All": True}, "anonymousId": row["anonymous_id"]}
    context: Row = {"library": {"name": "analytics-python", "version": "2.1.9"}, **device}
    if row["event"] == "Signed In":
        event |= {"type": "identify"}
        context = {"traits": {"email": row["email"]}, **context}
    else:
        event |= {"type": "track", "event": row["event"], "properties": _properties(row)}
    event |= {
        "timestamp": row["time"].replace("Z", "000+00:00"),
        "context": context,
        "userId": row["user_id"],
        "messageId": row["id"],
        "channel": "server",
    }
    body = {"batch": [event], "sentAt": row["time"].replace("Z", "000+00:00")}
    return _post("/v1/batch", "application/json", "analytics-python/2.1.9", body)


def _properties(row: Row) -> Row:
    return {"product_id": row["sku"]} if row["sku"] else {}


def _order(order: Row) -> Row:
    event: Row = {
        "timestamp": order["ordered_at"],
        "integrations": {},
        "event": "Order Completed",
        "type": "track",
        "properties": order["properties"],
        "context": {"library": {"name": "@segment/analytics-node", "version": "3.1.0"}},
        "messageId": order["id"],
        "_metadata": {"nodeVersion": "v20.20.2", "jsRuntime": "node"},
    }
    for key, value in (("userId", order["user_id"]), ("anonymousId", order["visitor"])):
        if value is not None:
            event[key] = value
    body = {"batch": [event], "writeKey": WRITE_KEY, "sentAt": order["ordered_at"]}
    return _post("/v1/batch", "application/json", "analytics-node-next/latest", body)


def _grouped(lines: pa.Table) -> Iterator[Row]:
    """One row an order, with its lines as products; amounts as JSON numbers."""
    orders: dict[str, Row] = {}
    for line in lines.to_pylist():
        order = orders.setdefault(
            line["order_id"], line | {"id": f"node-next-{line['order_id']}", "products": []}
        )
        order["products"].append(
            {
                "product_id": line["sku"],
                "quantity": line["quantity"],
                "price": line["price"],
                "amount": line["amount"],
                "discount": line["discount"],
            }
        )
    for order in orders.values():
        products = order["products"]
        total = sum(product["amount"] for product in products)
        order["properties"] = {
            "order_id": order["order_id"],
            "email": order["email"],
            "revenue": total,
            "currency": "EUR",
            "payment_method": order["payment"],
            "products": products,
        }
        yield order


def _post(path: str, content_type: str, agent: str, body: Row) -> Row:
    headers = {"Content-Type": content_type, "User-Agent": agent, "Authorization": _BASIC}
    if content_type == "text/plain":
        headers["Origin"] = _SITE
    return {"method": "POST", "path": path, "headers": headers, "body": body}
