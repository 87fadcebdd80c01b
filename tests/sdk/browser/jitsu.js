import { jitsuAnalytics } from "@jitsu/js"
import { ann, order, view } from "./calls.js"

const load = (host, key) => jitsuAnalytics({ host: `http://${host}`, writeKey: `${key}:any` })

globalThis.start = async (host, key) => {
  const client = load(host, key)
  await client.page("Home")
  await client.track("Product Viewed", { product_id: "p1" })
  await client.identify("u1", ann)
  await client.track("Order Completed", order)
  await client.group("g1", { name: "Acme" })
}
globalThis.arrive = async (host, key) => {
  globalThis.client = load(host, key)
}
globalThis.leave = () => client.track(...view)
