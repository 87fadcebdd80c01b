// Customer.io's older interface: its customers and their events have paths of their own.
import { TrackClient } from "customerio-node"
import { ann, host, key, order } from "./calls.mjs"

const client = new TrackClient(key, "an-api-key", { url: `${host}/api/v1` })
await client.trackAnonymous("anon-1", { name: "Product Viewed", data: { product_id: "p1" } })
await client.identify("u1", { ...ann, anonymous_id: "anon-1" })
await client.track("u1", { name: "Order Completed", data: order })
await client.trackPageView("u1", "http://x/")
await client.mergeCustomers("id", "u1", "id", "u0")
