import { expect, test } from "vitest";
import { eventAddress, eventQuery, parseEventState } from "./eventState";
import { clusterNameIn, clusterPath, grafanaUrl, webUrl } from "./links";
import { filterBody, firstPage, listAddress, listQuery, parseListState, toggled } from "./listState";
import { parseSessionState, sessionAddress, sessionQuery } from "./sessionState";
import { fromField, toField } from "./localTime";

function parsed(address: string): ReturnType<typeof parseListState> {
  return parseListState(new URLSearchParams(address));
}

test("the default list is sorted by health with 50 clusters per page", () => {
  const state = parsed("");
  expect([state.sort, state.order, state.size, state.page, state.cursor]).toEqual([
    "health",
    "desc",
    50,
    1,
    null,
  ]);
  expect(listAddress(state).toString()).toBe("");
});

test("the whole state survives a round trip through the address", () => {
  const address =
    "search=%C3%9C%25+x&health=lost&health=late&warning=storage&member-status=Offline&instance-status=Error" +
    "&memory-above=80&storage-above=0&sort=name&order=desc&limit=75&cursor=abc&page=3";
  expect(listAddress(parsed(address)).toString()).toBe(address);
  expect(listAddress(parsed("sort=memory&order=asc")).toString()).toBe("sort=memory&order=asc");
});

test("invalid parameters are ignored, so that old links still open", () => {
  const state = parsed(
    "sort=colour&order=up&limit=7&health=fine,lost&memory-above=101&storage-above=x&page=0&cursor=",
  );
  expect(listAddress(state).toString()).toBe("health=lost");
});

test("the query requests a page of summaries", () => {
  expect(listQuery(parsed("search=a%26b&cursor=c"))).toBe(
    "search=a%26b&fields=summary&limit=50&sort=health&order=desc&cursor=c",
  );
});

test("a change goes back to the first page", () => {
  const state = firstPage(parsed("cursor=c&page=4"), { size: 100 });
  expect([state.cursor, state.page, state.size]).toEqual([null, 1, 100]);
});

test("the filter of a bulk request equals that of the list", () => {
  expect(filterBody(parsed("search=x&health=lost&memory-above=90&member-status=Offline").filter)).toEqual({
    search: "x",
    health: ["lost"],
    "memory-above": 90,
    "member-status": ["Offline"],
  });
  expect(filterBody(parsed("").filter)).toEqual({});
});

test("toggling adds or removes a value", () => {
  expect(toggled(["a"], "b")).toEqual(["a", "b"]);
  expect(toggled(["a", "b"], "a")).toEqual(["b"]);
});

test("every name survives a round trip through its link", () => {
  const hostile = [
    "a/b?c#d%",
    "<img src=x onerror=alert(1)>",
    "100%2F%20 encoded",
    "🚀 ☃",
    "\u202Eright",
    "x".repeat(255),
  ];
  for (const name of hostile) {
    const path = clusterPath(name);
    expect(clusterNameIn(new URL(path, "https://hub.example").pathname)).toBe(name);
  }
  expect(clusterNameIn("/cluster/%")).toBeNull();
  expect(clusterNameIn("/cluster/a/b")).toBeNull();
});

test("only web addresses become links", () => {
  expect(webUrl("javascript:alert(1)")).toBeNull();
  expect(webUrl("")).toBeNull();
  expect(webUrl("https://10.0.0.1:8443")).toBe("https://10.0.0.1:8443");
  expect(grafanaUrl("https://g.example/", "a b&c")).toBe("https://g.example/lxd?orgId=1&var-job=a%20b%26c");
  expect(grafanaUrl("", "a")).toBeNull();
});

test("the filter of events survives a round trip through the address", () => {
  const address =
    "search=x&cluster=a%2Fb&actor=ada&action=cluster&since=2026-01-01T00%3A00%3A00.000Z&cursor=7&page=2";
  const state = parseEventState(new URLSearchParams(address));
  expect(eventAddress(state).toString()).toBe(address);
  expect(eventQuery(state)).toContain("limit=50&cursor=7");
  expect(parseEventState(new URLSearchParams("since=yesterday")).filter.since).toBe("");
});

test("a time survives a round trip through a date-and-time field", () => {
  expect(fromField(toField("2026-03-04T05:06:00Z"))).toBe("2026-03-04T05:06:00.000Z");
  expect([toField(""), fromField("")]).toEqual(["", ""]);
});

test("the state of the sessions page survives a round trip through the address", () => {
  const state = (address: string) => parseSessionState(new URLSearchParams(address));
  expect(sessionAddress(state("")).toString()).toBe("");
  expect(sessionAddress(state("all=true&cursor=a.b&page=3")).toString()).toBe("all=true&cursor=a.b&page=3");
  expect(sessionQuery(state("all=true&cursor=a.b&page=3"))).toBe("all=true&cursor=a.b&limit=50");
  expect(state("all=x&page=7")).toEqual({ all: false, cursor: null, page: 1 });
});
