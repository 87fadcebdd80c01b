import { AnalyticsBrowser } from "@customerio/cdp-analytics-browser"
import { calls, view } from "./calls.js"

async function load(host, key, more) {
  const to = { apiHost: `${host}/v1`, protocol: "http", ...more }
  const settings = { writeKey: key, cdnURL: `http://${host}` }
  const integrations = { "Customer.io Data Pipelines": to }
  const [client] = await AnalyticsBrowser.load(settings, { integrations })
  return client
}

globalThis.start = async (host, key) => calls(await load(host, key))
globalThis.arrive = async (host, key) => {
  const config = { size: 10, timeout: 60_000 }
  globalThis.client = await load(host, key, { deliveryStrategy: { strategy: "batching", config } })
}
globalThis.leave = () => client.track(...view)
