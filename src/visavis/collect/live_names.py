"""Names that both the lake's loads and the live profile know live events by."""

from __future__ import annotations

LIVE = "live"
"""The source of events that came in over HTTP, and its namespace."""
LIVE_TRUST = 50
ANONYMOUS = "anonymous_id"
SEVERAL = "Order Refunded"
"""Of one order there may be several of these."""
ORDER_KEYS = {"Order Completed": "", SEVERAL: ":refund", "Order Cancelled": ":cancelled"}
"""Live events that are told once an order, and what a file adds to the order's id for them."""
