// The tests' settings, from environment variables; README.md lists them.
import { test } from "@playwright/test";

/**
 * The variable of a project, or else of all projects: for the project `fleet`, `CM_BASE_URL` is looked up as
 * `CM_FLEET_BASE_URL`, then as `CM_BASE_URL`.
 */
export function settingOf(project: string, name: string): string | undefined {
  const ofProject = name.replace(/^CM_/, `CM_${project.toUpperCase().replaceAll("-", "_")}_`);
  const value = process.env[ofProject] ?? process.env[name];
  return value === "" ? undefined : value;
}

/** A variable of the running test's project. */
export function setting(name: string): string {
  const value = settingOf(test.info().project.name, name);
  if (value === undefined) throw new Error(`${name} is not set; see tests/browser/README.md`);
  return value;
}

/** Whether accounts sign in at the development identity provider instead of sending tokens. */
export function usesProvider(): boolean {
  return settingOf(test.info().project.name, "CM_SIGN_IN") === "provider";
}
