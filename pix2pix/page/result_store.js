// Where the browser keeps results: IndexedDB, which has room for pictures. Without it they live as long as the page.
const SHELF = "results";
let opened = null;

function shelf() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(KEPT, 1);
    asked.addEventListener("upgradeneeded", () => asked.result.createObjectStore(SHELF, { keyPath: "id" }));
    asked.addEventListener("success", () => resolve(asked.result));
    asked.addEventListener("error", () => reject(asked.error));
  });
  return opened;
}

// What `act` asks of the store; nothing where there is none, or no room is left.
async function onShelf(access, act) {
  try {
    const transaction = (await shelf()).transaction(SHELF, access);
    return await new Promise((resolve, reject) => {
      const asked = act(transaction.objectStore(SHELF));
      transaction.addEventListener("complete", () => resolve(asked?.result));
      transaction.addEventListener("abort", () => reject(transaction.error));
    });
  } catch {
    return undefined;
  }
}

const readShelf = async () => (await onShelf("readonly", (store) => store.getAll())) ?? [];
const shelve = (results) => onShelf("readwrite", (store) => void results.forEach((result) => store.put(result)));
const unshelve = (results) => onShelf("readwrite", (store) => void results.forEach(({ id }) => store.delete(id)));
