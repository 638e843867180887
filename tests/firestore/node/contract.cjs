// What Google's Node client gets from a server: one JSON object on standard output. GOOGLE_CLOUD_PROJECT names the project.
"use strict";

const { AggregateField, FieldValue, Filter, Firestore } = require("@google-cloud/firestore");

const db = new Firestore({ projectId: process.env.GOOGLE_CLOUD_PROJECT });
const things = db.collection("things");
const ids = (snapshot) => snapshot.docs.map((each) => each.id);
const code = (promise) => promise.then(() => 0, (error) => error.code);

async function writes() {
  await things.doc("a").create({ n: 1, at: FieldValue.serverTimestamp(), tags: ["x"] });
  const merged = { n: FieldValue.increment(4), tags: FieldValue.arrayUnion("x", "y") };
  await things.doc("a").set(merged, { merge: true });
  const { n, tags } = (await things.doc("a").get()).data();
  const refused = [await code(things.doc("a").create({})), await code(things.doc("no").update({ n: 1 }))];
  return { n, tags, refused };
}

async function queries() {
  const some = db.collection("some");
  const bulk = db.bulkWriter();
  for (let i = 0; i < 10; i++) bulk.create(some.doc(`d${i}`), { i, odd: i % 2 === 1 });
  await bulk.close();
  const either = Filter.or(Filter.where("i", "==", 1), Filter.where("odd", "==", false));
  const sums = { n: AggregateField.count(), sum: AggregateField.sum("i"), mean: AggregateField.average("none") };
  return {
    last: ids(await some.where("i", ">", 3).orderBy("i", "desc").limitToLast(2).get()),
    page: ids(await some.orderBy("i").startAfter(await some.doc("d3").get()).limit(2).get()),
    either: ids(await some.where(either).get()),
    sums: { ...(await some.aggregate({ n: sums.n, sum: sums.sum }).get()).data(),
      ...(await some.aggregate({ mean: sums.mean }).get()).data() },
    group: (await db.collectionGroup("some").count().get()).data().count,
    listed: (await some.listDocuments()).length,
    collections: (await db.listCollections()).map((each) => each.id),
  };
}

async function transactions() {
  const place = db.doc("counts/one");
  await place.set({ n: 0 });
  const add = async (transaction) => {
    const found = await transaction.get(place);
    transaction.update(place, { n: found.get("n") + 1 });
  };
  await Promise.all(Array.from({ length: 10 }, () => db.runTransaction(add, { maxAttempts: 100 })));
  const reading = (transaction) => transaction.get(db.collection("counts").where("n", ">", 0));
  const seen = await db.runTransaction(reading, { readOnly: true });
  return { n: (await place.get()).get("n"), seen: seen.size };
}

async function listening() {
  const heard = [];
  let wake = () => {};
  const watched = db.collection("watched");
  const stop = watched.where("on", "==", true).orderBy("i", "desc").onSnapshot((snapshot) => {
    heard.push(snapshot.docChanges().map((each) => `${each.type} ${each.doc.id} ${ids(snapshot).indexOf(each.doc.id)}`));
    wake();
  });
  const until = (count) => new Promise((resolve) => {
    wake = () => heard.length >= count && resolve();
    wake();
  });
  await until(1);
  await watched.doc("a").set({ on: true, i: 1 });
  await until(2);
  await watched.doc("b").set({ on: true, i: 2 });
  await until(3);
  await watched.doc("a").update({ on: false });
  await until(4);
  stop();
  return heard;
}

async function all() {
  const result = { writes: await writes(), queries: await queries(), transactions: await transactions() };
  result.listening = await listening();
  await db.recursiveDelete(things);
  result.left = (await things.get()).size;
  process.stdout.write(JSON.stringify(result));
  await db.terminate();
}

all().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
