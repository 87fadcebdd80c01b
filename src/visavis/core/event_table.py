"""The table of events that every project knows: by channel, what each means, its properties.

One row an event. docs/reference/events.md is printed from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_ORDER = (
    "order_id revenue total subtotal shipping tax discount currency promotion coupon "
    "payment_method shipping_method place affiliation store_id items cost status"
)
_PRODUCT = (
    "product_id sku name brand variant category price quantity value currency coupon position url"
)
_CAMPAIGN = "campaign_id campaign_name campaign_source campaign_medium offer_id creative cost"
_MESSAGE = f"message {_CAMPAIGN} subject link_url address decision_id purpose"
_SERVICE = "product_id order_id category topic reason outcome sentiment intensity rating text"
_TICKET = f"ticket_id {_SERVICE}"
_PAGE = "name path referrer search title url category"
_STORE = "store_id zone device place"
_POST = f"url site author {_SERVICE}"
_OFFER = f"{_CAMPAIGN} placement decision_id item_id"


@dataclass(frozen=True, slots=True)
class Row:
    """One event: what it says happened, and the properties known for it."""

    meaning: str
    properties: str


def _rows(*rows: tuple[str, str, str]) -> Mapping[str, Row]:
    return {event: Row(meaning, properties) for event, meaning, properties in rows}


def _messages(channel: str) -> Mapping[str, Row]:
    word = {"Email": "e-mail", "SMS": "SMS", "Push Notification": "push notification"}[channel]
    return _rows(
        (f"{channel} Sent", f"An {word} left." if word[0] in "eS" else f"A {word} left.", _MESSAGE),
        (f"{channel} Delivered", "The receiving side took it.", _MESSAGE),
        (f"{channel} Opened", "It was opened.", _MESSAGE),
        (f"{channel} Clicked", "A link in it was followed.", _MESSAGE),
        (f"{channel} Replied", "It was answered.", _MESSAGE),
        (f"{channel} Bounced", "It could not be delivered.", f"{_MESSAGE} reason"),
        (f"{channel} Marked as Spam", "The person complained.", f"{_MESSAGE} reason"),
        (f"{channel} Unsubscribed", "The person wants no more.", f"{_MESSAGE} reason"),
    )


FAMILIES: Mapping[str, Mapping[str, Row]] = {
    "Calls of the tracking interfaces": _rows(
        (
            "identify",
            "What is given about a person.",
            "email phone first_name last_name name gender birthday age city region country "
            "postal_code language time_zone company title created_at member plan household "
            "household_size children role",
        ),
        ("group", "A person belongs to a company; what is given about the company.",
         "name industry plan company created_at role"),
        ("alias", "Two identifiers are one person.", ""),
        ("page", "A page was viewed.", _PAGE),
        ("screen", "A screen of an app was viewed.", _PAGE),
    ),
    "Web shop and app: browsing": _rows(
        ("Products Searched", "A search was made.", "query category items"),
        ("Product List Viewed", "A list or category was viewed.", "list_id category items"),
        ("Product List Filtered", "A list was filtered or sorted.", "list_id category"),
        ("Product Clicked", "A product in a list was chosen.", _PRODUCT),
        ("Product Viewed", "A product's page was viewed.", _PRODUCT),
        ("Product Shared", "A product was shared.", f"{_PRODUCT} share_via"),
        ("Promotion Viewed", "A banner or promotion was shown.",
         "promotion name creative position offer_id"),
        ("Promotion Clicked", "A banner or promotion was chosen.",
         "promotion name creative position offer_id"),
    ),
    "Web shop and app: cart and checkout": _rows(
        ("Product Added", "A product was put into the cart.", f"cart_id {_PRODUCT}"),
        ("Product Removed", "A product was taken out of the cart.", f"cart_id {_PRODUCT}"),
        ("Cart Viewed", "The cart was viewed.", "cart_id value currency items"),
        ("Checkout Started", "The checkout began.", f"checkout_id {_ORDER}"),
        ("Checkout Step Viewed", "A step of the checkout was reached.",
         "checkout_id step shipping_method payment_method"),
        ("Checkout Step Completed", "A step of the checkout was completed.",
         "checkout_id step shipping_method payment_method"),
        ("Payment Info Entered", "Payment details were given.",
         "checkout_id order_id step shipping_method payment_method"),
    ),
    "Orders, of the web shop, the till or any other channel": _rows(
        ("Order Completed", "An order was placed; at the till, with `store_id` and channel "
         "`store`.", _ORDER),
        ("Order Updated", "An order was changed.", _ORDER),
        ("Order Refunded", "An order, or some of it, was paid back.", _ORDER),
        ("Order Cancelled", "An order was cancelled.", _ORDER),
        ("Test Order", "An order that counts for nothing.", _ORDER),
    ),
    "Coupons and wish lists": _rows(
        ("Coupon Entered", "A coupon was entered.", "order_id cart_id coupon"),
        ("Coupon Applied", "A coupon was taken.", "order_id cart_id coupon discount"),
        ("Coupon Denied", "A coupon was refused.", "order_id cart_id coupon reason"),
        ("Coupon Removed", "A coupon was taken back.", "order_id cart_id coupon discount"),
        ("Product Added to Wishlist", "A product was put on a wish list.",
         f"wishlist_id {_PRODUCT}"),
        ("Product Removed from Wishlist", "A product was taken off a wish list.",
         f"wishlist_id {_PRODUCT}"),
        ("Wishlist Product Added to Cart", "A wish went into the cart.",
         f"wishlist_id cart_id {_PRODUCT}"),
    ),
    "Till and store": _rows(
        ("Loyalty Card Scanned", "A card was shown at the till.", f"{_STORE} order_id"),
        ("Receipt Issued", "A receipt was given or sent.", f"{_STORE} order_id address"),
    ),
    "Beacon: presence in a store (only with consent)": _rows(
        ("Store Entered", "A device came into a store.", _STORE),
        ("Store Left", "A device left a store.", f"{_STORE} duration"),
        ("Zone Entered", "A device came into a zone of a store.", _STORE),
        ("Zone Left", "A device left a zone of a store.", f"{_STORE} duration"),
    ),
    "Kiosk, in-store tablet and signage: shared devices, which join nobody": _rows(
        ("Kiosk Used", "Somebody used a kiosk or tablet.", f"{_STORE} product_id category query"),
        ("Signage Viewed", "A screen in a store showed something.", f"{_STORE} {_CAMPAIGN}"),
        ("Signage Clicked", "Something on a screen in a store was touched.",
         f"{_STORE} {_CAMPAIGN}"),
    ),
    "Call and helpline": _rows(
        ("Call Started", "A call began.", _TICKET),
        ("Call Ended", "A call ended: why it was made, how it went.", f"duration {_TICKET}"),
        ("Call Missed", "Nobody answered a call.", _TICKET),
    ),
    "Chat": _rows(
        ("Chat Started", "A chat began.", _TICKET),
        ("Chat Message Sent", "The person wrote in a chat.", _TICKET),
        ("Chat Ended", "A chat ended: its topic, the products in it.", f"duration {_TICKET}"),
    ),
    "Support": _rows(
        ("Ticket Opened", "A request or complaint was opened.", _TICKET),
        ("Ticket Answered", "It was answered.", _TICKET),
        ("Ticket Closed", "It was closed: how it ended.", f"duration {_TICKET}"),
    ),
    "Returns, repair and warranty": _rows(
        ("Product Returned", "Goods came back; Order Refunded corrects the revenue.",
         f"quantity amount {_SERVICE}"),
        ("Product Activated", "A product was registered or activated.", _SERVICE),
        ("Warranty Claimed", "A warranty was claimed.", _SERVICE),
        ("Repair Requested", "A repair was asked for.", _SERVICE),
        ("Repair Completed", "A repair was done.", f"duration {_SERVICE}"),
    ),
    "Reviews": _rows(
        ("Product Reviewed", "A product was rated or reviewed in the shop.",
         f"review_id {_SERVICE}"),
        ("Review Published", "A review on another site, with its author's name there.",
         f"review_id {_POST}"),
    ),
    "Surveys": _rows(
        ("Survey Viewed", "A survey was shown or sent.", "survey_id question placement"),
        ("Survey Answered", "A question was answered, as it was worded.",
         "survey_id question answer rating text order_id"),
        ("Survey Declined", "A survey was refused.", "survey_id question reason"),
    ),
    "Social posts": _rows(
        ("Post Published", "A public post on the topic, the brand named or not.", _POST),
        ("Comment Published", "A public comment under a post.", _POST),
        ("Brand Mentioned", "A public post that names the brand.", _POST),
    ),
    "Content and events": _rows(
        ("Content Viewed", "An article, video or guide was viewed.",
         "name title url category duration"),
        ("Content Downloaded", "A white paper or guide was taken.", "name title url category"),
        ("Event Registered", "Somebody registered for an event or webinar.",
         "name title place starts_at ends_at"),
        ("Event Attended", "Somebody attended an event or webinar.",
         "name title place starts_at ends_at duration"),
    ),
    "Advertising, campaigns and offers": _rows(
        ("Ad Viewed", "An ad was shown.", f"{_CAMPAIGN} placement"),
        ("Ad Clicked", "An ad was chosen.", f"{_CAMPAIGN} placement link_url"),
        ("Campaign Viewed", "A campaign reached somebody, on whatever channel.", _CAMPAIGN),
        ("Campaign Responded", "Somebody answered a campaign, yes or no.",
         f"{_CAMPAIGN} coupon outcome reason"),
        ("Offer Viewed", "An offer or recommendation was shown.", _OFFER),
        ("Offer Accepted", "It was taken.", _OFFER),
        ("Offer Declined", "It was refused.", f"{_OFFER} reason"),
        ("Offer Expired", "It was left unanswered until its end.", _OFFER),
    ),
    "E-mail": _messages("Email"),
    "SMS": _messages("SMS"),
    "Push": _messages("Push Notification"),
    "Consent": _rows(
        ("Consent Given", "A yes, for a purpose, of an address.", "purpose address policy text"),
        ("Consent Withdrawn", "A no.", "purpose address policy reason"),
        ("Address Suppressed", "Nothing more may go there.", "purpose address reason"),
        ("Address Released", "It may be written to again.", "purpose address reason"),
        ("User Suppressed", "The person wants nothing more, on any channel.", ""),
        ("User Unsuppressed", "That is lifted; what may be sent still needs a yes.", ""),
        ("User Deleted", "The person asks to be forgotten: a no until `visavis erase` is run.", ""),
    ),
    "External triggers: of no person": _rows(
        ("Weather Changed", "The weather at a place.", "place condition temperature"),
        ("Stock Changed", "How much there is of a product.", "product_id sku store_id stock"),
        ("Product Back in Stock", "A product is there again.", "product_id sku store_id stock"),
        ("Price Changed", "A product's price changed.", "product_id sku price currency"),
        ("News Published", "Something happened that matters for the topic.",
         "topic title url place text"),
    ),
    "Experiments": _rows(
        ("Experiment Viewed", "Somebody was shown a variation.",
         "experiment_id experiment_name variation_id variation_name"),
        ("Holdout Assigned", "The arm that a person was drawn into.", "experiment_id arm"),
    ),
    "Recorded by visavis itself": _rows(
        ("Segment Entered", "A person came into a segment.", "segment"),
        ("Segment Exited", "A person left a segment.", "segment"),
        ("Decision Made", "What was chosen, and how likely the choice was.",
         "decision_id placement offer_id campaign_id reason outcome"),
        ("Message Refused", "A message that was not sent, and why.", f"{_MESSAGE} reason"),
        ("Message Uncertain", "Nobody knows whether the channel took it.", f"{_MESSAGE} reason"),
    ),
}  # fmt: skip
"""Channel -> event -> its row."""
