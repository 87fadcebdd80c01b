import { jitsuAnalytics } from "@jitsu/js"
import { ann, host, key, order } from "./calls.mjs"

const client = jitsuAnalytics({ host, writeKey: `${key}:any` })
client.setAnonymousId?.("anon-1")
await client.track("Product Viewed", { product_id: "p1" })
await client.identify("u1", ann)
await client.track("Order Completed", order)
await client.page("Home", { url: "http://x/" })
await client.group("g1", { name: "Acme" })
