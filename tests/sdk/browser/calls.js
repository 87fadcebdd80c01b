// What a shop's pages send, with any client of the family of analytics.js.
export const ann = { email: "a@b.co", firstName: "Ann" }
export const order = { order_id: "o1", total: 25.5, products: [{ product_id: "p1", quantity: 2 }] }

export async function calls(client) {
  await client.page("Docs", "Home")
  await client.track("Product Viewed", { product_id: "p1" })
  await client.identify("u1", ann)
  await client.track("Order Completed", order)
  await client.group("g1", { name: "Acme" })
  await client.alias("u1", "u0")
}

// The last call of a page that is left in the same breath: the client has to send it on its own.
export const view = ["Product Viewed", { product_id: "p2" }]
