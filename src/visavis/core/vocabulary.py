"""The event vocabulary: names and property types that every project knows without declaring them.

Names follow the widely used e-commerce tracking vocabulary. A property name has one type
wherever it appears, because the lake keeps one column per name.
"""

from __future__ import annotations

from collections.abc import Mapping

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
            role
        """,
        Type.DECIMAL: """
            revenue total value subtotal shipping tax discount items quantity price cost amount
            rating intensity duration
        """,
        Type.INTEGER: "age position rank household_size children",
        Type.BOOLEAN: "member",
        Type.DATE: "birthday due_date",
        Type.TIME: "created_at starts_at ends_at",
    }.items()
    for name in names.split()
}

_ORDER = (
    "order_id revenue total subtotal shipping tax discount currency promotion coupon "
    "payment_method shipping_method place affiliation items cost status"
)
_PRODUCT = (
    "product_id sku name brand variant category price quantity value currency coupon position url"
)
_CAMPAIGN = "campaign_id campaign_name campaign_source campaign_medium offer_id creative cost"
_MESSAGE = f"message {_CAMPAIGN} subject link_url address decision_id purpose"
_SERVICE = "product_id order_id category topic reason outcome sentiment intensity rating text"
_PAGE = "name path referrer search title url category"

_EVENTS: Mapping[str, str] = {
    # calls of the tracking interfaces
    "identify": (
        "email phone first_name last_name name gender birthday age city region country "
        "postal_code language time_zone company title created_at member plan household "
        "household_size children role"
    ),
    "group": "name industry plan company created_at role",
    "alias": "",
    "page": _PAGE,
    "screen": _PAGE,
    # browsing
    "Products Searched": "query category items",
    "Product List Viewed": "list_id category items",
    "Product List Filtered": "list_id category",
    "Product Clicked": _PRODUCT,
    "Product Viewed": _PRODUCT,
    "Product Shared": f"{_PRODUCT} share_via",
    "Promotion Viewed": "promotion name creative position offer_id",
    "Promotion Clicked": "promotion name creative position offer_id",
    # basket and order
    "Product Added": f"cart_id {_PRODUCT}",
    "Product Removed": f"cart_id {_PRODUCT}",
    "Cart Viewed": "cart_id value currency items",
    "Checkout Started": f"checkout_id {_ORDER}",
    "Checkout Step Viewed": "checkout_id step shipping_method payment_method",
    "Checkout Step Completed": "checkout_id step shipping_method payment_method",
    "Payment Info Entered": "checkout_id order_id step shipping_method payment_method",
    "Order Updated": _ORDER,
    "Order Completed": _ORDER,
    "Order Refunded": _ORDER,
    "Order Cancelled": _ORDER,
    "Test Order": _ORDER,
    # coupons and wish lists
    "Coupon Entered": "order_id cart_id coupon",
    "Coupon Applied": "order_id cart_id coupon discount",
    "Coupon Denied": "order_id cart_id coupon reason",
    "Coupon Removed": "order_id cart_id coupon discount",
    "Product Added to Wishlist": f"wishlist_id {_PRODUCT}",
    "Product Removed from Wishlist": f"wishlist_id {_PRODUCT}",
    "Wishlist Product Added to Cart": f"wishlist_id cart_id {_PRODUCT}",
    # what people say, and service
    "Product Reviewed": f"review_id {_SERVICE}",
    "Survey Answered": "survey_id question answer rating text",
    "Chat Started": _SERVICE,
    "Chat Ended": f"duration {_SERVICE}",
    "Call Ended": f"duration {_SERVICE}",
    "Product Returned": f"quantity amount {_SERVICE}",
    "Product Activated": _SERVICE,
    "Warranty Claimed": _SERVICE,
    "Repair Requested": _SERVICE,
    "Post Published": f"url {_SERVICE}",
    "Content Downloaded": "name title url category",
    "Event Attended": "name title place starts_at ends_at duration",
    "Store Entered": "store_id zone device place",
    "Store Left": "store_id zone device place duration",
    # advertising and campaigns
    "Ad Viewed": f"{_CAMPAIGN} placement",
    "Ad Clicked": f"{_CAMPAIGN} placement link_url",
    "Campaign Viewed": _CAMPAIGN,
    "Campaign Responded": f"{_CAMPAIGN} coupon outcome reason",
    "Offer Viewed": f"{_CAMPAIGN} placement decision_id item_id",
    "Offer Accepted": f"{_CAMPAIGN} placement decision_id item_id",
    "Offer Declined": f"{_CAMPAIGN} placement decision_id item_id reason",
    "Offer Expired": f"{_CAMPAIGN} placement decision_id item_id",
    # messages, by channel
    **{
        f"{channel} {what}": _MESSAGE
        for channel in ("Email", "SMS", "Push Notification")
        for what in ("Sent", "Delivered", "Opened", "Clicked", "Replied")
    },
    **{
        f"{channel} {what}": f"{_MESSAGE} reason"
        for channel in ("Email", "SMS", "Push Notification")
        for what in ("Bounced", "Marked as Spam", "Unsubscribed")
    },
    # consent
    "Consent Given": "purpose address policy text",
    "Consent Withdrawn": "purpose address policy reason",
    "Address Suppressed": "purpose address reason",
    "Address Released": "purpose address reason",
    # recorded by visavis itself
    "Segment Entered": "segment",
    "Segment Exited": "segment",
    "Decision Made": "decision_id placement offer_id campaign_id reason outcome",
    "Message Refused": f"{_MESSAGE} reason",
    "Message Uncertain": f"{_MESSAGE} reason",
    # experiments
    "Experiment Viewed": "experiment_id experiment_name variation_id variation_name",
    "Holdout Assigned": "experiment_id arm",
}

EVENTS: Mapping[str, Mapping[str, Type]] = {
    event: {name: PROPERTY_TYPES[name] for name in dict.fromkeys(names.split())}
    for event, names in _EVENTS.items()
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
