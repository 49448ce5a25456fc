// Where the provider keeps what it issued: in memory, even when it is rebuilt.

const kept = new Map();
const alive = (entry) => (entry && entry.expiresAt > Date.now() ? entry.payload : undefined);

export class Memory {
  constructor(model) {
    this.model = model;
  }

  async upsert(id, payload, expiresIn) {
    const expiresAt = expiresIn ? Date.now() + expiresIn * 1000 : Infinity;
    kept.set(`${this.model}:${id}`, { payload, expiresAt });
  }

  async find(id) {
    return alive(kept.get(`${this.model}:${id}`));
  }

  // Rare look-ups search everything: there is never much.
  search(name, value) {
    const ours = [...kept].filter(([key]) => key.startsWith(`${this.model}:`)).map(([, entry]) => entry);
    return alive(ours.find(({ payload }) => payload[name] === value));
  }

  async findByUid(uid) {
    return this.search('uid', uid);
  }

  async findByUserCode(userCode) {
    return this.search('userCode', userCode);
  }

  async consume(id) {
    const payload = await this.find(id);
    if (payload) payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    kept.delete(`${this.model}:${id}`);
  }

  async revokeByGrantId(grantId) {
    for (const [key, { payload }] of kept) if (payload.grantId === grantId) kept.delete(key);
  }
}
