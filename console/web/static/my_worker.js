/* Lets the technician's page work where there is no network: keeps the page, its visits and what it is made of.
   PAGE_ASSETS and PAGE_VERSION stand before this text when it is served. What is tapped is kept by the page itself, not here. */

const ASSETS_CACHE = `twohour-my-assets-${PAGE_VERSION}`;
const PAGES_CACHE = "twohour-my-pages";
const PATIENCE_MS = 5000; // a tunnel often lets a request hang rather than fail

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      await (await caches.open(ASSETS_CACHE)).addAll(PAGE_ASSETS);
      await Promise.all(["/my", "/my/list"].map((path) => fromNetwork(new Request(path, { headers: { Accept: "text/html" } }), path).catch(() => null)));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const old = (await caches.keys()).filter((name) => name.startsWith("twohour-my-assets-") && name !== ASSETS_CACHE);
      await Promise.all(old.map((name) => caches.delete(name)));
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (PAGE_ASSETS.includes(url.pathname + url.search)) event.respondWith(assetOf(request));
  else if (request.mode === "navigate" && (url.pathname === "/my" || url.pathname.startsWith("/my/visits/"))) event.respondWith(newestOf(request, "/my"));
  else if (url.pathname === "/my/list") event.respondWith(newestOf(request, "/my/list"));
});

async function assetOf(request) {
  return (await caches.match(request)) || fetch(request);
}

/** What the server says now, kept for later; what was kept, marked so, where it does not answer. */
async function newestOf(request, name) {
  try {
    return await fromNetwork(request, name);
  } catch (error) {
    const kept = await (await caches.open(PAGES_CACHE)).match(name);
    if (!kept) throw error;
    const headers = new Headers(kept.headers);
    headers.set("X-Kept", "1");
    return new Response(kept.body, { status: kept.status, headers });
  }
}

async function fromNetwork(request, name) {
  const gone = new AbortController();
  const timer = setTimeout(() => gone.abort(), PATIENCE_MS);
  try {
    const answer = await fetch(request, { signal: gone.signal });
    if (answer.status >= 502) throw new Error(`the server behind the gateway answers ${answer.status}`);
    // The way to the login is no page to keep.
    if (answer.ok && !answer.redirected && answer.type === "basic") await (await caches.open(PAGES_CACHE)).put(name, answer.clone());
    return answer;
  } finally {
    clearTimeout(timer);
  }
}
