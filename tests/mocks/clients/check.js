// An unmodified client library in another language, wechatpay-axios-plugin, against the mock:
// order, query, close, refund, notices and bill in API v2 and v3 over HTTPS under a made-up
// authority; what is signed as it should be is accepted, and every kind of tampering refused.
// Run by `make clients`; the command of the mock is what its arguments say.
const assert = require('assert');
const crypto = require('crypto');
const { spawn } = require('child_process');
const fs = require('fs');
const http = require('http');
const https = require('https');
const os = require('os');
const path = require('path');
const zlib = require('zlib');
const { Wechatpay, Rsa, Aes: { AesEcb, AesGcm }, Hash, Formatter, Transformer } = require('wechatpay-axios-plugin');

const mchid = '10000100';
const appid = 'wxd930ea5d5a258f4f';
const secret = '192006250b4c09247ec02edce69f6a2d';
const apiv3Key = 'demo0apiv3key0of0merchant0000100';
const keyId = 'PUB_KEY_ID_0110000100202001010000000000000001';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wechatpay-mock-'));
const read = (name) => fs.readFileSync(path.join(folder, name), 'utf8');
const done = [];

function digest(name, data) { return crypto.createHash(name).update(data).digest('hex'); }

function step(text) { done.push(text); console.log(`✓ ${text}`); }

async function refusal(promise) {
  try { await promise; } catch (error) { return error; }
  throw new assert.AssertionError({ message: 'it was accepted' });
}

// Start the mock with ports of its own choice; its lines say which.
function startMock(command) {
  const options = ['--http-port', '0', '--https-port', '0', '--tls-dir', folder, '--seed', '7'];
  const [program, ...rest] = command;
  const mock = spawn(program, [...rest, ...options]);
  return new Promise((resolve, reject) => {
    let said = '';
    mock.on('error', reject);
    mock.stdout.on('data', (chunk) => {
      said += chunk;
      const [plain, secure, ca] = ['http on', 'https on', 'clients trust'].map((about) => {
        const line = said.split('\n').find((each) => each.includes(`: ${about} `));
        return line && line.split(' ').pop();
      });
      if (ca) resolve({ mock, plain: `http://${plain}`, secure: `https://${secure}` });
    });
  });
}

async function control(base, what, body) {
  const reply = await fetch(`${base}/_mock/${what}`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
  });
  return reply.json();
}

// Take notices, as a merchant's server would.
function startMerchant() {
  const notices = [];
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      notices.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.end('<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>');
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ server, notices, url: `http://127.0.0.1:${server.address().port}` }));
  });
}

async function checkV3(wxpay, world) {
  const { notices, plain } = world;
  const publicKey = Rsa.from(read(`public_keys/${keyId}.pem`), Rsa.KEY_TYPE_PUBLIC);
  const order = (number) => wxpay.v3.pay.transactions.jsapi.post({
    mchid, appid, description: '徐闻良姜片', out_trade_no: number, notify_url: world.url, amount: { total: 100, currency: 'CNY' }, payer: { openid: 'oUpF8' },
  });
  const query = (number) => wxpay.v3.pay.transactions.outTradeNo._out_trade_no_.get({ params: { mchid }, out_trade_no: number });
  assert.match((await order('N3-1')).data.prepay_id, /^wx/);
  assert.equal((await query('N3-1')).data.trade_state, 'NOTPAY');
  step('v3: order and query');
  await control(plain, 'pay', { out_trade_no: 'N3-1' });
  const { headers, body } = notices.pop();
  const signed = (text) => Formatter.response(headers['wechatpay-timestamp'], headers['wechatpay-nonce'], text);
  assert(Rsa.verify(signed(body), headers['wechatpay-signature'], publicKey));
  assert(!Rsa.verify(signed(`${body} `), headers['wechatpay-signature'], publicKey));
  const { resource } = JSON.parse(body);
  const trade = JSON.parse(AesGcm.decrypt(resource.ciphertext, apiv3Key, resource.nonce, resource.associated_data));
  assert.equal(trade.amount.total, 100);
  assert.throws(() => AesGcm.decrypt(resource.ciphertext, 'x'.repeat(32), resource.nonce, resource.associated_data));
  step('v3: notice verified and opened; tampered or under another key it is refused');
  const refund = await wxpay.v3.refund.domestic.refunds.post({
    out_trade_no: 'N3-1', out_refund_no: 'NR3-1', notify_url: world.url, amount: { refund: 40, total: 100, currency: 'CNY' },
  });
  assert.equal(refund.data.status, 'SUCCESS');
  const asked = await wxpay.v3.refund.domestic.refunds._out_refund_no_.get({ out_refund_no: 'NR3-1' });
  assert.equal(asked.data.amount.refund, 40);
  step('v3: refund and refund query');
  await order('N3-2');
  assert.equal((await wxpay.v3.pay.transactions.outTradeNo._out_trade_no_.close.post({ mchid }, { out_trade_no: 'N3-2' })).status, 204);
  assert.equal((await query('N3-2')).data.trade_state, 'CLOSED');
  step('v3: close');
  const day = new Date(Date.now() + 8 * 3600e3).toISOString().slice(0, 10);
  const bill = await wxpay.v3.bill.tradebill.get({ params: { bill_date: day, bill_type: 'ALL' } });
  const file = await wxpay.v3.billdownload.file.get({ params: Object.fromEntries(new URL(bill.data.download_url).searchParams), responseType: 'arraybuffer' });
  assert.equal(digest('sha1', file.data), bill.data.hash_value);
  assert(Formatter.castCsvBill(file.data).rows.some((row) => row['商户订单号'] === 'N3-1'));
  step('v3: bill, its hash right');
  for (const kind of ['tamper', 'unsigned', 'other_key', 'stale']) {
    await control(plain, 'faults', { operation: 'query', kind });
    assert.match(String((await refusal(query('N3-1'))).code), /EV3_RES/, kind);
    step(`v3: an answer that is ${kind} is refused`);
  }
}

async function checkV2(wxpay, world) {
  const { notices, plain } = world;
  const ask = (call, data) => call.post({ mch_id: mchid, appid, ...data });
  const order = (number) => ask(wxpay.v2.pay.unifiedorder, {
    body: '徐闻良姜片', out_trade_no: number, total_fee: 100, spbill_create_ip: '127.0.0.1', notify_url: world.url, trade_type: 'NATIVE',
  });
  const query = (number) => ask(wxpay.v2.pay.orderquery, { out_trade_no: number });
  assert.match((await order('N2-1')).data.code_url, /^weixin:/);
  assert.equal((await query('N2-1')).data.trade_state, 'NOTPAY');
  step('v2: order and query');
  await control(plain, 'pay', { out_trade_no: 'N2-1' });
  const told = Transformer.toObject(notices.pop().body);
  const good = ({ sign, ...fields }) => Hash.sign(Hash.ALGO_MD5, fields, secret) === sign;
  assert(good(told) && !good({ ...told, total_fee: '1' }));
  step('v2: notice verified; with another amount it is refused');
  const refund = await wxpay.v2.secapi.pay.refund.post(
    { mch_id: mchid, appid, out_trade_no: 'N2-1', out_refund_no: 'NR2-1', total_fee: 100, refund_fee: 40, notify_url: world.url },
    { security: false },
  );
  assert.equal(refund.data.result_code, 'SUCCESS');
  assert.equal((await ask(wxpay.v2.pay.refundquery, { out_refund_no: 'NR2-1' })).data.refund_status_0, 'SUCCESS');
  await control(plain, 'refunds/set', { out_refund_no: 'NR2-1', state: 'SUCCESS', notify: true });
  const sealed = Transformer.toObject(notices.pop().body).req_info;
  assert.match(AesEcb.decrypt(sealed, digest('md5', secret)), /<out_refund_no>.*NR2-1/);
  assert.doesNotMatch(String(await AesEcb.decrypt(sealed, digest('md5', 'x'.repeat(32)))), /NR2-1/);
  step('v2: refund, refund query and its sealed notice');
  await order('N2-2');
  await ask(wxpay.v2.pay.closeorder, { out_trade_no: 'N2-2' });
  assert.equal((await query('N2-2')).data.trade_state, 'CLOSED');
  step('v2: close');
  const day = new Date(Date.now() + 8 * 3600e3).toISOString().slice(0, 10).replaceAll('-', '');
  const bill = await wxpay.v2.pay.downloadbill.post(
    { mch_id: mchid, appid, bill_date: day, bill_type: 'ALL', tar_type: 'GZIP' },
    { responseType: 'arraybuffer', transformResponse: [] },
  );
  assert(Formatter.castCsvBill(zlib.gunzipSync(bill.data)).rows.some((row) => row['商户订单号'] === 'N2-1'));
  step('v2: bill');
  for (const kind of ['tamper', 'unsigned', 'other_key']) {
    await control(plain, 'faults', { operation: 'query', kind });
    await refusal(query('N2-1'));
    step(`v2: an answer that is ${kind} is refused`);
  }
}

async function main(command) {
  const fixtures = spawn(command, ['--write-fixtures', folder]);
  await new Promise((resolve) => { fixtures.on('exit', resolve); });
  const { mock, plain, secure } = await startMock(command);
  const { server, notices, url } = await startMerchant();
  try {
    const agent = new https.Agent({ ca: read('ca.pem') });
    const wxpay = new Wechatpay({
      mchid,
      serial: new crypto.X509Certificate(read(`merchant_${mchid}_cert.pem`)).serialNumber,
      privateKey: read(`merchant_${mchid}_key.pem`),
      certs: { [keyId]: read(`public_keys/${keyId}.pem`) },
      secret,
      baseURL: `${secure}/`,
      httpsAgent: agent,
      timeout: 10000,
    });
    await refusal(fetch(`${secure}/_mock/trades`));
    step('https: refused without the authority of this run');
    await checkV3(wxpay, { notices, plain, url });
    await checkV2(wxpay, { notices, plain, url });
    console.log(`${done.length} steps; wechatpay-axios-plugin ${require('wechatpay-axios-plugin/package.json').version}`);
  } finally {
    server.close();
    mock.kill();
    fs.rmSync(folder, { recursive: true });
  }
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error) => { console.error(error); process.exit(1); },
);
