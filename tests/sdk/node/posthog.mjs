import { PostHog } from "posthog-node"
import { ann, fail, host, key, order } from "./calls.mjs"

const client = new PostHog(key, { host })
client.on("error", fail)
const say = (distinctId, event, properties) => client.capture({ distinctId, event, properties })
say("anon-1", "Product Viewed", { product_id: "p1" })
client.identify({ distinctId: "u1", properties: ann })
say("u1", "Order Completed", { order_id: order.order_id, revenue: order.total })
say("u1", "$pageview", { $current_url: "http://x/" })
say("u1", "$screen", { $screen_name: "Main" })
client.groupIdentify({ groupType: "company", groupKey: "g1", properties: { name: "Acme" } })
client.alias({ distinctId: "u1", alias: "anon-1" })
await client.shutdown()
