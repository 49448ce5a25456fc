// Who can sign in. Everything here is made up.

export const people = {
  admin: { name: 'Ada Admin', email: 'admin@example.com', groups: ['admins', 'staff'] },
  operator: { name: 'Olu Operator', email: 'operator@example.com', groups: ['operators', 'staff'] },
  viewer: { name: 'Vera Viewer', email: 'viewer@example.com', groups: ['viewers'] },
  nobody: { name: 'Noah Nobody', email: 'nobody@example.com', groups: [] },
};
