// An OpenID Connect provider for tests and development: people without passwords, on loopback only.
//
//   node main.js [--port 8085] [--options '{"clientSecret": "…"}']
//
// Prints `ready <issuer>` when it is ready. Tests change its options and break it at `/test`.

import http from 'node:http';
import https from 'node:https';
import { parseArgs } from 'node:util';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { people } from './people.js';
import { build } from './provider.js';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '8085' }, options: { type: 'string', default: '{}' } },
});

const options = {
  clientId: 'cluster-manager',
  // Empty: a client without a secret.
  clientSecret: '',
  // The one way to send the secret, if there is only one.
  secretIn: 'client_secret_basic',
  refreshTokens: true,
  // Each refresh token works once.
  rotateRefreshTokens: true,
  groupsClaim: 'mcm-idp-groups',
  // Groups as one text instead of a list.
  groupsAsText: false,
  // How long ID and access tokens are valid, in seconds.
  lifetime: 300,
  algorithm: 'RS256',
  endSession: true,
  // Connections are closed without a response.
  down: false,
  // How long a request for tokens takes, in milliseconds.
  tokenDelay: 0,
  // With { key, cert } in PEM: HTTPS, under the name localhost.
  tls: null,
  people,
  ...JSON.parse(values.options),
};

// The number of requests for each path.
const calls = {};
// Every issued token.
const issued = [];
let keys = [newKey()];
let provider;

// As JWK from the beginning: `KeyObject.export` as JWK now and then waits forever in Node.js 20.
function newKey() {
  const { algorithm } = options;
  const jwk = { publicKeyEncoding: { format: 'jwk' }, privateKeyEncoding: { format: 'jwk' } };
  const { privateKey } = algorithm === 'EdDSA' ? generateKeyPairSync('ed25519', jwk)
    : algorithm.startsWith('ES')
      ? generateKeyPairSync('ec', { namedCurve: algorithm === 'ES384' ? 'P-384' : 'P-256', ...jwk })
      : generateKeyPairSync('rsa', { modulusLength: 2048, ...jwk });
  return { ...privateKey, alg: algorithm, use: 'sig', kid: randomUUID() };
}

function rebuild() {
  provider = build(server.issuer, options, keys);
  provider.on('grant.success', ({ body }) => {
    issued.push(...[body.id_token, body.access_token, body.refresh_token].filter(Boolean));
  });
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString() || '{}');
}

async function test(path, request, response) {
  if (path === '/test/options') {
    Object.assign(options, await body(request));
    rebuild();
  } else if (path === '/test/rotate-keys') {
    keys = [newKey()];
    rebuild();
  }
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ calls, issued }));
}

const page = (title, text) => `<!doctype html><html lang=en><meta charset=utf-8><title>${title}</title><h1>${title}</h1>${text}`;

// Asks who signs in: a link for each person, no passwords.
async function interaction(url, request, response) {
  const { prompt, params, uid } = await provider.interactionDetails(request, response);
  const wanted = url.searchParams.get('person') ?? params.login_hint;
  if (wanted === 'cancel') {
    const result = { error: 'access_denied', error_description: 'the person went away' };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  } else if (prompt.name === 'login' && Object.hasOwn(options.people, wanted ?? '')) {
    await provider.interactionFinished(request, response, { login: { accountId: wanted } });
  } else if (prompt.name === 'login') {
    const links = [...Object.keys(options.people), 'cancel'].map((id) => `<p><a href="/interaction/${uid}?person=${id}">${id}</a>`);
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(page('Who are you?', links.join('')));
  } else {
    await provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true });
  }
}

const answerAll = (request, response) => {
  const url = new URL(request.url, server.issuer);
  const answer = async () => {
    if (url.pathname.startsWith('/test/')) return test(url.pathname, request, response);
    if (options.down) return request.socket.destroy();
    calls[url.pathname] = (calls[url.pathname] ?? 0) + 1;
    if (url.pathname === '/token') await new Promise((resolve) => setTimeout(resolve, options.tokenDelay));
    if (url.pathname.startsWith('/interaction/')) return interaction(url, request, response);
    return provider.callback()(request, response);
  };
  answer().catch((error) => {
    console.error(error);
    response.statusCode = 500;
    response.end();
  });
};
const server = options.tls ? https.createServer(options.tls, answerAll) : http.createServer(answerAll);

server.listen(Number(values.port), '127.0.0.1', () => {
  const { port } = server.address();
  server.issuer = options.tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  rebuild();
  const names = Object.entries(options.people).map(([id, { groups }]) => `${id} (${groups.join(', ') || 'no group'})`);
  console.log(`People, without passwords: ${names.join(', ')}`);
  console.log(`OIDC_ISSUER=${server.issuer} OIDC_CLIENT_ID=${options.clientId}`);
  console.log(`ready ${server.issuer}`);
});
