// The provider: `oidc-provider`, without passwords and consent.

import { Provider } from 'oidc-provider';
import { Memory } from './memory.js';

// Cluster Manager, on any port of this machine, and a program with its own token.
function clients({ clientId, clientSecret, secretIn }) {
  return [
    {
      client_id: clientId,
      ...(clientSecret
        ? { client_secret: clientSecret, token_endpoint_auth_method: secretIn }
        : { token_endpoint_auth_method: 'none' }),
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      redirect_uris: ['https://localhost/oidc/callback'],
      post_logout_redirect_uris: ['https://localhost/ui/login/'],
    },
    {
      client_id: 'robot',
      client_secret: 'robots-have-no-secrets',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    },
  ].map((client) => ({ ...client, id_token_signed_response_alg: undefined }));
}

const isHere = (uri, path) => {
  const { protocol, hostname, pathname } = new URL(uri);
  return protocol === 'https:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname) && pathname === path;
};

export function build(issuer, options, keys) {
  const { people, groupsClaim } = options;
  const groups = (id) => (options.groupsAsText ? people[id].groups.join(' ') : people[id].groups);

  const provider = new Provider(issuer, {
    adapter: Memory,
    clients: clients(options).map((client) => ({ ...client, id_token_signed_response_alg: options.algorithm })),
    clientAuthMethods: ['none', options.clientSecret ? options.secretIn : 'client_secret_basic', 'client_secret_basic']
      .filter((method, index, all) => all.indexOf(method) === index)
      .filter((method) => options.secretIn !== 'client_secret_post' || method !== 'client_secret_basic'),
    enabledJWA: { idTokenSigningAlgValues: [options.algorithm] },
    jwks: { keys },
    cookies: { keys: ['for tests and development'] },
    scopes: ['openid', 'offline_access', 'email', 'profile'],
    claims: { openid: ['sub', groupsClaim], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
    // Claims in the ID token itself, as most providers put them.
    conformIdTokenClaims: false,
    extraParams: ['audience'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      rpInitiatedLogout: {
        enabled: options.endSession,
        // Signs out at once instead of asking.
        logoutSource: async (ctx, form) => {
          ctx.body = `<!doctype html><title>Signing out</title>${form}<input type=hidden form=op.logoutForm name=logout value=yes><button form=op.logoutForm>Sign out</button>`;
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: async (ctx) => ctx.oidc.params?.audience,
        useGrantedResource: async () => true,
        getResourceServerInfo: async (ctx, resource) => ({
          scope: 'openid', audience: resource, accessTokenTTL: options.lifetime, accessTokenFormat: 'jwt',
          jwt: { sign: { alg: options.algorithm } },
        }),
      },
    },
    extraTokenClaims: async (ctx, token) => {
      if (token.accountId) return { [groupsClaim]: groups(token.accountId) };
      return token.clientId === 'robot' ? { [groupsClaim]: options.robotGroups ?? ['admins'] } : undefined;
    },
    findAccount: async (ctx, id) => people[id] && {
      accountId: id,
      claims: async () => ({
        sub: id, name: people[id].name, preferred_username: id, email: people[id].email, email_verified: true,
        [groupsClaim]: groups(id),
      }),
    },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    // Grants every request.
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid offline_access email profile');
      for (const resource of Object.keys(ctx.oidc.resourceServers ?? {})) grant.addResourceScope(resource, 'openid');
      await grant.save();
      return grant;
    },
    issueRefreshToken: async (ctx, client) => options.refreshTokens && client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: () => options.rotateRefreshTokens,
    expiresWithSession: async () => false,
    pkce: { required: () => false },
    ttl: {
      AccessToken: options.lifetime, ClientCredentials: options.lifetime, IdToken: options.lifetime,
      AuthorizationCode: 60, Interaction: 600, Session: 86400, Grant: 86400, RefreshToken: 86400, DeviceCode: 600,
    },
    renderError: async (ctx, out) => {
      ctx.type = 'json';
      ctx.body = out;
    },
  });
  provider.Client.prototype.redirectUriAllowed = (uri) => isHere(uri, '/oidc/callback');
  provider.Client.prototype.postLogoutRedirectUriAllowed = (uri) => isHere(uri, '/ui/login/');
  provider.on('server_error', (ctx, error) => console.error(error));
  provider.on('grant.error', (ctx, error) => console.error(`no tokens: ${error.error_detail ?? error}`));
  return provider;
}
