"""The event vocabulary: names and property types that every project knows without declaring them.

Names follow the widely used e-commerce tracking vocabulary. A property name has one type
wherever it appears, because the lake keeps one column per name.
"""

from __future__ import annotations

from collections.abc import Mapping

from visavis.core.event_table import FAMILIES
from visavis.core.lang.types import Type

BUILT_IN: Mapping[str, Type] = {
    "timestamp": Type.TIME,
    "event": Type.TEXT,
    "message_id": Type.TEXT,
    "source": Type.TEXT,
    "channel": Type.TEXT,
    "type": Type.TEXT,
}
"""Readable on every event (scope "event")."""

PROPERTY_TYPES: Mapping[str, Type] = {
    name: kind
    for kind, names in {
        Type.TEXT: """
            order_id checkout_id cart_id wishlist_id list_id product_id sku name brand variant
            category coupon currency promotion payment_method shipping_method place affiliation
            query status reason outcome topic sentiment text question answer survey_id review_id
            campaign_id campaign_name campaign_source campaign_medium message offer_id placement
            creative link_url subject address purpose policy store_id zone device url path referrer
            title search share_via step email phone first_name last_name gender city region country
            postal_code language time_zone company industry household plan position_name segment
            decision_id item_id experiment_id experiment_name variation_id variation_name arm item
            role site author ticket_id condition
        """,
        Type.DECIMAL: """
            revenue total value subtotal shipping tax discount items quantity price cost amount
            rating intensity duration temperature stock
        """,
        Type.INTEGER: "age position rank household_size children",
        Type.BOOLEAN: "member",
        Type.DATE: "birthday due_date",
        Type.TIME: "created_at starts_at ends_at",
    }.items()
    for name in names.split()
}

EVENTS: Mapping[str, Mapping[str, Type]] = {
    event: {name: PROPERTY_TYPES[name] for name in dict.fromkeys(row.properties.split())}
    for rows in FAMILIES.values()
    for event, row in rows.items()
}
"""Event name -> property -> type. "identify" carries what is given about a person."""

LINE_FIELDS: Mapping[str, Type] = {
    "product_id": Type.TEXT,
    "quantity": Type.DECIMAL,
    "price": Type.DECIMAL,
    "amount": Type.DECIMAL,
    "discount": Type.DECIMAL,
    "cost": Type.DECIMAL,
    "category": Type.TEXT,
    "promotion": Type.TEXT,
    "sku": Type.TEXT,
    "name": Type.TEXT,
    "brand": Type.TEXT,
    "variant": Type.TEXT,
    "coupon": Type.TEXT,
}
"""Fields of one line of an event's `products`. `amount` is after `discount`."""

EVENTS_WITH_LINES = frozenset(
    name for name in EVENTS if name.startswith(("Order ", "Checkout ", "Cart ", "Test Order"))
) | {"Product List Viewed", "Product List Filtered"}
"""Events whose `products` become lines."""
