import { RudderAnalytics } from "@rudderstack/analytics-js/bundled"
import { calls, view } from "./calls.js"

function load(host, key, more) {
  const client = new RudderAnalytics()
  const to = `http://${host}`
  client.load(key, to, { configUrl: to, ...more })
  return new Promise((done) => client.ready(() => done(client)))
}

globalThis.start = async (host, key) => calls(await load(host, key))
globalThis.arrive = async (host, key) => {
  globalThis.client = await load(host, key, { useBeacon: true })
}
globalThis.leave = () => client.track(...view)
