// What a shop's back end sends, with any client of Segment's family.
export const host = process.env.HOST
export const key = process.env.KEY
export const ann = { email: "a@b.co", firstName: "Ann" }
export const order = { order_id: "o1", total: 25.5, products: [{ product_id: "p1", quantity: 2 }] }

export function calls(client) {
  client.track({ anonymousId: "anon-1", event: "Product Viewed", properties: { product_id: "p1" } })
  client.identify({ userId: "u1", traits: ann })
  client.track({ userId: "u1", event: "Order Completed", properties: order })
  client.page({ userId: "u1", category: "Docs", name: "Home", properties: { url: "http://x/" } })
  client.screen({ userId: "u1", category: "App", name: "Main" })
  client.group({ userId: "u1", groupId: "g1", traits: { name: "Acme" } })
  client.alias({ userId: "u1", previousId: "anon-1" })
}

// A client that swallows an error must not look like one that had none.
export function fail(error) {
  console.error(error)
  process.exit(1)
}
