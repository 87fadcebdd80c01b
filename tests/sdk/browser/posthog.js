import posthog from "posthog-js"
import { ann, order, view } from "./calls.js"

const load = (host, key) =>
  new Promise((loaded) => posthog.init(key, { api_host: `http://${host}`, loaded }))

globalThis.start = async (host, key) => {
  await load(host, key)
  posthog.capture("Product Viewed", { product_id: "p1" })
  posthog.identify("u1", ann)
  posthog.capture("Order Completed", { order_id: order.order_id, revenue: order.total })
  posthog.group("company", "g1", { name: "Acme" })
  posthog.alias("u0", "u1")
}
globalThis.arrive = (host, key) => load(host, key).then(() => undefined)
globalThis.leave = () => posthog.capture(...view)
