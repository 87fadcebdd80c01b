/* visavis: records what a page says through the tags of Segment, Customer.io, RudderStack, Jitsu and
   PostHog. Their snippets load this from the host instead of their libraries, and find their global
   with its queue. It listens to nothing by itself but page views. */
(function () {
  "use strict"
  var tag = document.currentScript
  var source = new URL((tag && tag.src) || location.href)
  var VERSION = "1"
  var MOST_BYTES = 50000 // a request that outlives its page may have 64 KB
  var MOST_KEPT = 200

  // what is kept of the visitor, under the names that Segment's library has: who switches stays known

  function kept(name) {
    try {
      var text = localStorage.getItem(name)
      if (text !== null) return JSON.parse(text)
    } catch (_) {} // no storage, or no JSON in it
    var found = document.cookie.match("(?:^|; )" + name + "=([^;]*)")
    return found ? decodeURIComponent(found[1]).replace(/^"(.*)"$/, "$1") : null
  }

  function keep(name, value) {
    try {
      if (value === null) localStorage.removeItem(name)
      else localStorage.setItem(name, JSON.stringify(value))
    } catch (_) {}
    if (name === ANONYMOUS || name === USER) {
      var text = value === null ? "; Max-Age=0" : encodeURIComponent(value) + "; Max-Age=31536000"
      document.cookie = name + "=" + text + "; Path=/; SameSite=Lax"
    }
  }

  var ANONYMOUS = "ajs_anonymous_id"
  var USER = "ajs_user_id"
  var TRAITS = "ajs_user_traits"
  var GROUP = "ajs_group_id"

  function uuid() {
    if (window.crypto && crypto.randomUUID) return crypto.randomUUID()
    return "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, function () {
      return ((Math.random() * 16) | 0).toString(16)
    })
  }

  function isObject(value) {
    return value !== null && typeof value === "object" && !Array.isArray(value)
  }

  function canonical() {
    var link = document.querySelector("link[rel=canonical]")
    return (link && link.getAttribute("href")) || location.href.split("#")[0]
  }

  function page() {
    return {
      path: location.pathname, referrer: document.referrer, search: location.search,
      title: document.title, url: canonical()
    }
  }

  function campaign() {
    var found = {}
    new URLSearchParams(location.search).forEach(function (value, name) {
      if (name.indexOf("utm_") === 0) found[name === "utm_campaign" ? "name" : name.slice(4)] = value
    })
    return found
  }

  // events wait in the browser's storage until they are acknowledged, so that a page that is left,
  // or a host that is away, loses none; repeats count once by their messageId

  function Outbox(host, key) {
    this.host = host.replace(/\/+$/, "")
    this.key = key
    this.name = "visavis_outbox_" + key + "_"
    this.own = this.name + uuid()
    this.events = this.left()
    this.delay = 1000
    this.busy = false
    var self = this
    addEventListener("pagehide", function () { self.leave() })
    if (this.events.length) this.drain()
  }

  Outbox.prototype.left = function () {
    var found = []
    try {
      for (var i = localStorage.length - 1; i >= 0; i--) {
        var name = localStorage.key(i)
        if (name.indexOf(this.name) === 0) {
          found = found.concat(JSON.parse(localStorage.getItem(name)))
          localStorage.removeItem(name)
        }
      }
    } catch (_) {}
    return found.slice(-MOST_KEPT)
  }

  Outbox.prototype.save = function () {
    keep(this.own, this.events.length ? this.events : null)
  }

  Outbox.prototype.add = function (event) {
    this.events = this.events.concat([event]).slice(-MOST_KEPT)
    this.save()
    var self = this
    setTimeout(function () { self.drain() }, 0)
  }

  Outbox.prototype.some = function () {
    var size = 0
    var count = 0
    while (count < this.events.length && (count === 0 || size < MOST_BYTES)) {
      size += JSON.stringify(this.events[count]).length * 2
      count += 1
    }
    if (count > 1 && size >= MOST_BYTES) count -= 1
    return this.events.slice(0, count)
  }

  Outbox.prototype.body = function (events) {
    return JSON.stringify({ batch: events, writeKey: this.key, sentAt: new Date().toISOString() })
  }

  Outbox.prototype.drain = function () {
    if (this.busy || !this.events.length) return
    this.busy = true
    var self = this
    var events = this.some()
    var body = this.body(events)
    // text/plain and no header of its own: the browser need not ask first
    fetch(this.host + "/v1/b", {
      method: "POST", body: body, headers: { "Content-Type": "text/plain" },
      keepalive: body.length < MOST_BYTES, credentials: "omit"
    }).then(
      function (answer) { return answer.ok || (answer.status < 500 && answer.status !== 429) },
      function () { return false }
    ).then(function (done) {
      self.busy = false
      if (done) {
        self.events = self.events.filter(function (e) { return events.indexOf(e) < 0 })
        self.save()
        self.delay = 1000
        self.drain()
      } else {
        setTimeout(function () { self.drain() }, self.delay)
        self.delay = Math.min(self.delay * 2, 60000)
      }
    })
  }

  Outbox.prototype.leave = function () {
    // what is under way outlives the page; if it fails, the next page finds it in the storage
    if (this.events.length && !this.busy && navigator.sendBeacon) {
      var blob = new Blob([this.body(this.some())], { type: "text/plain" })
      navigator.sendBeacon(this.host + "/v1/b", blob)
    }
  }

  // the calls, as Segment's library has them; the others' are told by these

  function Recorder(host, key) {
    this.outbox = new Outbox(host, key)
    this.always = {} // properties of every event
    this.silent = false
    this.listeners = []
    if (!kept(ANONYMOUS)) keep(ANONYMOUS, uuid())
  }

  Recorder.prototype.send = function (type, said, options) {
    if (this.silent) return
    var context = {
      page: page(), campaign: campaign(), userAgent: navigator.userAgent,
      locale: navigator.language, library: { name: "visavis.js", version: VERSION }
    }
    try {
      context.timezone = Intl.DateTimeFormat().resolvedOptions().timeZone
    } catch (_) {}
    var more = isObject(options) ? options : {}
    var event = Object.assign({
      type: type, messageId: "visavis-" + uuid(), timestamp: new Date().toISOString(),
      anonymousId: more.anonymousId || kept(ANONYMOUS), userId: kept(USER),
      context: Object.assign(context, more.context), integrations: more.integrations || {}
    }, said)
    if (more.timestamp) event.timestamp = new Date(more.timestamp).toISOString()
    this.outbox.add(event)
    this.listeners.forEach(function (listener) {
      if (listener[0] === type) listener[1](said.event || said.userId || said.name, said)
    })
  }

  function called(args) {
    // functions may stand at the end, whatever was left out before them
    var given = Array.prototype.slice.call(args)
    var then = given.filter(function (arg) { return typeof arg === "function" })[0]
    // Segment's snippet notes at the end which page it was; it still is that page
    given = given.filter(function (arg) {
      return typeof arg !== "function" && !(isObject(arg) && arg.__t === "bpc")
    })
    if (then) setTimeout(then, 0)
    return given
  }

  var API = {
    identify: function () {
      var given = called(arguments)
      var id = isObject(given[0]) ? null : given.shift()
      if (id !== null && id !== undefined && id !== "") {
        if (kept(USER) !== null && String(id) !== kept(USER)) keep(TRAITS, null)
        keep(USER, String(id))
      }
      var traits = isObject(given[0]) ? given[0] : {}
      keep(TRAITS, Object.assign({}, kept(TRAITS), traits))
      this.send("identify", { userId: kept(USER), traits: traits }, given[1])
      return this
    },
    track: function () {
      var given = called(arguments)
      var properties = Object.assign({}, this.always, given[1])
      this.send("track", { event: given[0], properties: properties }, given[2])
      return this
    },
    page: function () {
      var given = called(arguments)
      var texts = []
      while (texts.length < 2 && given.length && !isObject(given[0])) texts.push(given.shift())
      var name = texts[texts.length - 1]
      var properties = Object.assign(page(), this.always, given[0])
      var said = { name: name, properties: name ? Object.assign({ name: name }, properties) : properties }
      if (texts.length === 2) said.category = texts[0]
      this.send("page", said, given[1])
      return this
    },
    screen: function () {
      var given = called(arguments)
      this.send("screen", { name: given[0], properties: given[1] || {} }, given[2])
      return this
    },
    group: function () {
      var given = called(arguments)
      var id = isObject(given[0]) ? kept(GROUP) : String(given.shift())
      keep(GROUP, id)
      this.send("group", { groupId: id, traits: given[0] || {} }, given[1])
      return this
    },
    alias: function () {
      var given = called(arguments)
      var before = isObject(given[1]) ? null : given[1]
      this.send("alias", { userId: given[0], previousId: before || kept(USER) || kept(ANONYMOUS) })
      return this
    },
    reset: function () {
      [USER, TRAITS, GROUP].forEach(function (name) { keep(name, null) })
      keep(ANONYMOUS, uuid())
      return this
    },
    user: function () {
      return {
        id: function () { return kept(USER) },
        anonymousId: function (id) {
          if (id) keep(ANONYMOUS, String(id))
          return kept(ANONYMOUS)
        },
        traits: function () { return kept(TRAITS) || {} }
      }
    },
    setAnonymousId: function (id) {
      keep(ANONYMOUS, id ? String(id) : uuid())
      return kept(ANONYMOUS)
    },
    getAnonymousId: function () { return kept(ANONYMOUS) },
    getUserId: function () { return kept(USER) },
    getUserTraits: function () { return kept(TRAITS) || {} },
    ready: function (then) {
      if (typeof then === "function") setTimeout(then, 0)
      return Promise.resolve(this)
    },
    on: function (type, listener) {
      this.listeners.push([type, listener])
      return this
    },
    trackLink: function (links, event, properties) {
      return watch(this, links, "click", event, properties)
    },
    trackForm: function (forms, event, properties) {
      return watch(this, forms, "submit", event, properties)
    }
  }
  API.once = API.on
  API.pageview = API.page
  API.trackClick = API.trackLink
  API.trackSubmit = API.trackForm
  Object.assign(Recorder.prototype, API)

  function watch(recorder, elements, what, event, properties) {
    var list = elements && elements.addEventListener ? [elements] : elements || []
    Array.prototype.forEach.call(list, function (element) {
      element.addEventListener(what, function () {
        function of(given) { return typeof given === "function" ? given(element) : given }
        recorder.track(of(event), of(properties))
      })
    })
    return recorder
  }

  // a global: what its snippet queued is done now, what is called later at once

  function replay(api, queue) {
    queue.forEach(function (entry) {
      var call = Array.prototype.slice.call(entry)
      var method = call.shift()
      if (typeof api[method] === "function") {
        try {
          api[method].apply(api, call)
        } catch (error) {
          console.error(error)
        }
      }
    })
  }

  function queued(global) {
    return Array.isArray(global) ? Array.prototype.slice.call(global) : []
  }

  function takeOver(name, api) {
    var global = window[name]
    var queue = queued(global)
    // what the snippet offers and is not known here does nothing
    for (var method in isObject(global) || Array.isArray(global) ? global : {}) {
      if (typeof global[method] === "function" && !(method in api)) api[method] = function () { return api }
    }
    api.push = function (call) { replay(api, [call]) }
    api.initialized = api.invoked = true
    window[name] = api
    return queue
  }

  function attribute(name) {
    return tag && tag.getAttribute(name)
  }

  function analytics(name, key) {
    var api = new Recorder(source.origin, key)
    replay(api, takeOver(name, api))
  }

  function rudder() {
    var queue = queued(window.rudderanalytics)
    var load = queue.filter(function (call) { return call[0] === "load" })[0]
    function start(key, host) {
      var api = new Recorder(host || source.origin, key)
      var calls = takeOver("rudderanalytics", api)
      api.load = function () {}
      replay(api, calls)
    }
    if (load) start(load[1], load[2])
    else window.rudderanalytics = { load: start, push: function (call) { start(call[1], call[2]) } }
  }

  function customerio() {
    var api = new Recorder(source.origin, attribute("data-site-id"))
    var told = {
      identify: function (said) {
        var traits = Object.assign({}, said)
        delete traits.id
        api.identify(said.id || null, traits)
      },
      track: function (event, data) { api.track(event, data) },
      page: function (name, data) { api.page(name, data) },
      reset: function () { api.reset() },
      load: function () {}, on: function () {}, off: function () {}
    }
    told.sidentify = told.identify
    replay(told, takeOver("_cio", told))
  }

  function jitsu() {
    var name = attribute("data-namespace") || "jitsu"
    var key = attribute("data-write-key") || (window.jitsuConfig || {}).writeKey
    var api = new Recorder(source.origin, key)
    if (attribute("data-user-id")) keep(USER, attribute("data-user-id"))
    var then = window[attribute("data-onload")]
    function run(call) {
      if (typeof call === "function") call(api)
      else replay(api, [call])
    }
    window[name] = api
    if (typeof then === "function") then(api)
    queued(window[name + "Q"]).forEach(run)
    window[name + "Q"] = { push: run }
    var quiet = attribute("data-init-only")
    if (quiet === null || quiet === "false") api.page()
  }

  // PostHog's calls by the same deeds

  function posthog(key, config, name) {
    var api = new Recorder(new URL(config.api_host || source.origin, location.href).href, key)
    var flags = {}
    var told = {
      config: config,
      capture: function (event, properties) {
        var said = Object.assign({}, properties)
        var traits = Object.assign({}, said.$set_once, said.$set)
        delete said.$set
        delete said.$set_once
        if (event === "$pageview") api.page(said)
        else if (event !== "$set") api.track(event, said)
        if (Object.keys(traits).length) api.identify(traits)
      },
      identify: function (id, set, once) { api.identify(id, Object.assign({}, once, set)) },
      setPersonProperties: function (set, once) { api.identify(Object.assign({}, once, set)) },
      alias: function (id, before) { api.alias(id, before) },
      group: function (_, id, traits) { api.group(id, traits) },
      register: function (properties) { Object.assign(api.always, properties) },
      register_once: function (properties) { api.always = Object.assign({}, properties, api.always) },
      unregister: function (property) { delete api.always[property] },
      get_property: function (property) { return api.always[property] },
      get_distinct_id: function () { return kept(USER) || kept(ANONYMOUS) },
      reset: function () { api.reset() },
      opt_out_capturing: function () { quiet(true) },
      opt_in_capturing: function () { quiet(false) },
      has_opted_out_capturing: function () { return api.silent },
      has_opted_in_capturing: function () { return !api.silent },
      isFeatureEnabled: function () { return false },
      getFeatureFlag: function () { return undefined },
      getFeatureFlagPayload: function () { return undefined },
      onFeatureFlags: function (then) { setTimeout(then, 0, [], flags, {}) },
      getSurveys: function (then) { setTimeout(then, 0, []) },
      getActiveMatchingSurveys: function (then) { setTimeout(then, 0, []) },
      set_config: function (more) { Object.assign(config, more) },
      init: function (otherKey, otherConfig, otherName) { return posthog(otherKey, otherConfig || {}, otherName) }
    }
    told.people = {
      set: function (property, value) {
        var traits = {}
        traits[property] = value
        told.setPersonProperties(isObject(property) ? property : traits)
      }
    }
    told.people.set_once = told.people.set
    told.push = function (call) { replay(told, [call]) }
    function quiet(yes) {
      api.silent = yes
      keep("visavis_silent_" + key, yes)
    }
    var silent = kept("visavis_silent_" + key)
    api.silent = silent === null ? config.opt_out_capturing_by_default === true : silent === true
    var start = config.bootstrap || {}
    if (start.distinctID) keep(start.isIdentifiedID ? USER : ANONYMOUS, start.distinctID)
    if (config.capture_pageview !== false) {
      told.capture("$pageview")
      if (config.capture_pageview === "history_change" || config.defaults >= "2025-05-24") turns(told)
    }
    if (!name || name === "posthog") {
      told.__SV = 1
      takeOver("posthog", told)
    }
    if (typeof config.loaded === "function") config.loaded(told)
    return told
  }

  function turns(told) {
    var last = location.pathname
    function look() {
      if (location.pathname !== last) told.capture("$pageview")
      last = location.pathname
    }
    ["pushState", "replaceState"].forEach(function (name) {
      var before = history[name]
      history[name] = function () {
        before.apply(history, arguments)
        look()
      }
    })
    addEventListener("popstate", look)
  }

  function posthogs() {
    var stub = window.posthog || {}
    ;(stub._i || []).forEach(function (init) {
      var name = init[2]
      var queue = name && name !== "posthog" ? stub[name] : stub
      var calls = queued(queue)
      var people = queued(queue && queue.people)
      var told = posthog(init[0], init[1] || {}, name)
      if (name && name !== "posthog") window.posthog[name] = told
      replay(told, calls)
      replay(told.people, people)
    })
    if (!(stub._i || []).length) {
      window.posthog = { init: function (key, config, name) { return posthog(key, config || {}, name) } }
    }
  }

  var path = source.pathname
  var found
  if (/\/static\/array|\/array\//.test(path)) posthogs()
  else if (/\/rsa\.min\.js|\/rudder-analytics/.test(path)) rudder()
  else if (/\/track\.js$/.test(path)) customerio()
  else if ((found = path.match(/\/analytics\.js\/v1\/([^/]+)\//))) {
    analytics(attribute("data-global-segment-analytics-key") || "analytics", decodeURIComponent(found[1]))
  } else if ((found = path.match(/\/snippet\/([^/]+)\//))) {
    analytics(attribute("data-global-customerio-analytics-key") || "cioanalytics", decodeURIComponent(found[1]))
  } else jitsu()
})()
