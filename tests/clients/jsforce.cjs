// jsforce against the simulated org: node jsforce.cjs http://127.0.0.1:PORT
'use strict';
const assert = require('node:assert/strict');
const path = require('node:path');
const tools = path.join(__dirname, '../../target/tools/clients/node_modules');
const jsforce = require(path.join(tools, 'jsforce'));

const base = process.argv[2];

async function rejects(promise, code) {
  await assert.rejects(promise, (error) => {
    assert.equal(error.errorCode ?? error.name, code);
    return true;
  });
}

async function login() {
  const conn = new jsforce.Connection({
    instanceUrl: base,
    loginUrl: base,
    oauth2: { loginUrl: base, clientId: 'key', clientSecret: 'secret' },
  });
  const user = await conn.authorize({ grant_type: 'client_credentials' });
  assert.match(user.id, /^005/);
  const other = new jsforce.Connection({ oauth2: { loginUrl: base, clientId: 'key', clientSecret: 'secret' } });
  await other.login('robin@example.com', 'password');
  assert.equal(other.instanceUrl, base);
  await other.logout();
  // Without an app, username and password go by SOAP.
  const soap = new jsforce.Connection({ loginUrl: base });
  assert.match((await soap.login('robin@example.com', '<pass&word>')).organizationId, /^00D/);
  assert.equal((await soap.query('SELECT COUNT() FROM User')).totalSize > 0, true);
  await soap.logout();
  const identity = await conn.identity();
  assert.equal(identity.username, 'integration@example.com');
  return conn;
}

async function rows(conn) {
  const made = await conn.sobject('Account').create({ Name: 'Hello' });
  assert.ok(made.success);
  const read = await conn.sobject('Account').retrieve(made.id);
  assert.equal(read.Name, 'Hello');
  await conn.sobject('Account').update({ Id: made.id, Name: 'Hello2' });
  assert.equal((await conn.sobject('Account').retrieve(made.id)).Name, 'Hello2');
  await conn.sobject('Account').destroy(made.id);
  await rejects(conn.sobject('Account').retrieve(made.id), 'ENTITY_IS_DELETED').catch(() =>
    rejects(conn.sobject('Account').retrieve(made.id), 'NOT_FOUND'));
  await rejects(conn.sobject('Contact').create({ FirstName: 'nobody' }), 'REQUIRED_FIELD_MISSING');
}

async function upsert(conn) {
  const table = conn.sobject('UpsertTable__c');
  const record = (name) => ({ Name: name, ExtId__c: 'ID1' });
  const made = await table.upsert(record('new'), 'ExtId__c');
  assert.ok(made.success && made.created);
  const again = await table.upsert(record('again'), 'ExtId__c');
  assert.ok(!again.created);
  assert.equal(again.id, made.id);
  await table.create(record('twin'));
  await assert.rejects(table.upsert(record('which'), 'ExtId__c'), (error) => {
    assert.equal(error.name, 'MULTIPLE_CHOICES');
    assert.equal(typeof error.content[0], 'string');
    return true;
  });
  const many = await table.upsert([{ Name: 'a', ExtId__c: 'm1' }, { Name: 'b', ExtId__c: 'm2' }], 'ExtId__c');
  assert.deepEqual(many.map((r) => [r.success, r.created]), [[true, true], [true, true]]);
}

async function collections(conn) {
  const accounts = conn.sobject('Account');
  const made = await accounts.create(Array.from({ length: 300 }, (_, n) => ({ Name: `Many #${n}` })), { allowRecursive: true });
  assert.equal(made.length, 300);
  assert.ok(made.every((r) => r.success));
  const ids = made.slice(0, 5).map((r) => r.id);
  const read = await accounts.retrieve(ids);
  assert.deepEqual(read.map((r) => r.Name), ids.map((_, n) => `Many #${n}`));
  const changed = await accounts.update(ids.map((Id) => ({ Id, Industry: 'Energy' })));
  assert.ok(changed.every((r) => r.success));
  const mixed = await accounts.create([{ Name: 'good' }, {}]);
  assert.equal(mixed[1].success, false);
  assert.equal(mixed[1].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
  const gone = await accounts.destroy(ids);
  assert.ok(gone.every((r) => r.success));
  assert.ok((await accounts.retrieve(ids)).every((r) => r === null));
  const updated = await accounts.find({ Name: { $like: 'Many #%' } }).update({ Description: '${Name}!' }, { allowBulk: false });
  assert.equal(updated.length, 295);
  const left = await accounts.find({ Name: { $like: 'Many #%' } }, 'Id, Name, Description');
  assert.ok(left.every((r) => r.Description === `${r.Name}!`));
  // So many that the client turns to the Bulk API by itself.
  const renamed = await accounts.find({ Name: { $like: 'Many #%' } }).update({ Site: '${Name}', Industry: null });
  assert.ok(renamed.length === 295 && renamed.every((r) => r.success && r.id));
  const destroyed = await accounts.find({ Site: { $like: 'Many #%' } }).destroy();
  assert.ok(destroyed.length === 295 && destroyed.every((r) => r.success));
  assert.equal(await accounts.count({ Site: { $like: 'Many #%' } }), 0);
  const loaded = await conn.bulk.load('UpsertTable__c', 'upsert', { extIdField: 'ExtId__c' }, [{ Name: 'bulk, "quoted"', ExtId__c: 'b1' }, { Name: 'keyless' }]);
  assert.deepEqual(loaded.map((r) => [r.success, r.created]), [[true, true], [false, false]]);
  assert.match(loaded[1].errors[0], /^MISSING_ARGUMENT:ExtId__c not specified/);
}

// More children than are told with their parent: the client asks for the rest by itself.
async function bigFamily(conn) {
  const parent = await conn.sobject('Account').create({ Name: 'Big family' });
  const records = Array.from({ length: 250 }, (_, n) => ({ LastName: `Child ${n}`, AccountId: parent.id }));
  await conn.sobject('Contact').create(records, { allowRecursive: true });
  const soql = `SELECT Id, (SELECT LastName FROM Contacts) FROM Account WHERE Id = '${parent.id}'`;
  const [first] = (await conn.query(soql)).records;
  assert.equal(first.Contacts.records.length, 200);
  assert.equal(first.Contacts.done, false);
  const [whole] = (await conn.query(soql, { autoFetch: true })).records;
  assert.equal(new Set(whole.Contacts.records.map((c) => c.LastName)).size, 250);
  assert.equal(whole.Contacts.done, true);
}

async function queries(conn) {
  let result = await conn.query('SELECT Id, Name FROM BigTable__c');
  assert.equal(result.records.length, 2000);
  let fetched = result.records.length;
  while (!result.done) {
    result = await conn.queryMore(result.nextRecordsUrl);
    fetched += result.records.length;
  }
  assert.equal(fetched, result.totalSize);
  const some = await conn.query('SELECT Id FROM BigTable__c', { autoFetch: true, maxFetch: 3000 });
  assert.deepEqual([some.records.length, some.totalSize], [3000, 25000]);
  const children = await conn.query('SELECT Name, (SELECT LastName FROM Contacts) FROM Account LIMIT 1');
  assert.ok(children.records[0].Contacts.records.length > 1);
  await bigFamily(conn);
  const plan = await conn.query('SELECT Id FROM Account').explain();
  assert.equal(typeof plan.plans[0].cardinality, 'number');
  const found = await conn.search('FIND {Ac*} IN ALL FIELDS RETURNING Account(Id, Name)');
  assert.equal(found.searchRecords[0].Name, 'Acorn Hill Logistics');
  await rejects(conn.query('SELECT Nope FROM Account'), 'INVALID_FIELD');
  assert.ok(conn.limitInfo.apiUsage.used > 0);
}

async function metadata(conn) {
  const account = await conn.sobject('Account').describe();
  assert.ok(account.fields.length > 30);
  assert.ok((await conn.describeGlobal()).sobjects.some((o) => o.name === 'UpsertTable__c'));
  await conn.query('SELECT Id, Name FROM Account ORDER BY CreatedDate DESC LIMIT 2 FOR VIEW');
  assert.equal((await conn.recent(2)).length, 2);
  assert.equal((await conn.sobject('Account').recent()).length, 2);
  const end = new Date(Date.now() + 1000);
  const start = new Date(end.getTime() - 24 * 3600 * 1000);
  assert.ok(Array.isArray((await conn.sobject('Account').updated(start, end)).ids));
  assert.ok((await conn.sobject('Account').deleted(start, end)).deletedRecords.length > 0);
  assert.ok((await conn.limits()).DailyApiRequests.Max > 0);
  assert.ok((await conn.tabs()).every((t) => t.label && t.name && t.url));
  assert.ok((await conn.theme()).themeItems.length > 0);
}

async function composite(conn) {
  const url = (rest) => `/services/data/v${conn.version}${rest}`;
  const said = await conn.requestPost(url('/composite'), {
    allOrNone: true,
    compositeRequest: [
      { method: 'POST', url: url('/sobjects/Account'), referenceId: 'acc', body: { Name: 'Composite' } },
      { method: 'POST', url: url('/sobjects/Contact'), referenceId: 'con', body: { LastName: 'Member', AccountId: '@{acc.id}' } },
    ],
  });
  assert.deepEqual(said.compositeResponse.map((r) => r.httpStatusCode), [201, 201]);
}

async function chatter(conn) {
  const say = (text) => ({ body: { messageSegments: [{ type: 'Text', text }] }, feedElementType: 'FeedItem', subjectId: 'me' });
  const post = await conn.chatter.resource('/feed-elements').create(say('a post'));
  assert.equal(post.type, 'TextPost');
  const comment = await conn.chatter.resource(post.capabilities.comments.page.currentPageUrl).create({ body: say('a comment').body });
  for (const likes of [post.capabilities.chatterLikes.page.currentPageUrl, comment.likes.currentPageUrl]) {
    const like = await conn.chatter.resource(likes).create('');
    await conn.chatter.resource(like.url).delete();
  }
  const batch = await conn.chatter.batch([
    conn.chatter.resource('/feed-elements').create(say('one')),
    conn.chatter.resource('/feed-elements').create(say('two')),
    conn.chatter.resource('/feeds/news/me/feed-elements', { pageSize: 2, sort: 'CreatedDateDesc' }),
  ]);
  assert.equal(batch.hasErrors, false);
  assert.equal(batch.results[2].result.elements[0].id, batch.results[1].result.id);
  await conn.chatter.resource(post.url).delete();
}

async function main() {
  const conn = await login();
  for (const part of [rows, upsert, collections, queries, metadata, composite, chatter]) {
    await part(conn);
    console.log(`jsforce: ${part.name}`);
  }
  console.log('jsforce: every part passed');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
