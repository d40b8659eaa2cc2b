/* What a technician told and the server has not got yet: kept in the browser's own database, in the order in which it was told. */

const NAME = "twohour-my";
const STORE = "kept";

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "number", autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function within(mode, act) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      // Not when the request succeeds: only what is committed survives the phone's going out.
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error || request.error);
    });
  } finally {
    database.close();
  }
}

/** Keep something that was told; it gets the next number. */
export const keep = (record) => within("readwrite", (store) => store.add(record));

/** Write what has become of it. */
export const renew = (record) => within("readwrite", (store) => store.put(record));

/** It is sent. */
export const drop = (record) => within("readwrite", (store) => store.delete(record.number));

/** Everything that this person told and that is still here, oldest first. */
export const keptBy = async (who) => (await within("readonly", (store) => store.getAll())).filter((record) => record.who === who);

/** A key that no other has; made without `randomUUID`, which plain http does not give. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
