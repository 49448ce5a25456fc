// Where each page in the browser's history was scrolled to. The browser does this for documents only, and here the main
// region scrolls. A new page begins at its top; Back and Forward restore the position once the content is long enough.
import { useEffect, useLayoutEffect, useRef, type RefObject } from "react";
import { NavigationType, useLocation, useNavigationType } from "react-router";

/** How long to wait for content that loads. */
const MAX_WAIT_MS = 3000;

export function useScrollPosition(): RefObject<HTMLElement | null> {
  const main = useRef<HTMLElement>(null);
  const positions = useRef(new Map<string, number>());
  const { key, pathname } = useLocation();
  const isBackOrForward = useNavigationType() === NavigationType.Pop;
  const shown = useRef({ key, pathname });
  // Before the next frame: a shorter page makes the region scroll, and that must not count for the page before.
  useLayoutEffect(() => {
    const element = main.current;
    if (element === null || shown.current.key === key) return;
    const isNewPage = shown.current.pathname !== pathname;
    shown.current = { key, pathname };
    // For keyboards and screen readers.
    if (isNewPage) element.focus({ preventScroll: true });
    const position = positions.current.get(key);
    if (isBackOrForward && position !== undefined) return restore(element, position);
    if (isNewPage) element.scrollTo(0, 0);
  }, [key, pathname, isBackOrForward]);
  useEffect(() => {
    const element = main.current;
    const remember = (): void => {
      if (element !== null) positions.current.set(shown.current.key, element.scrollTop);
    };
    element?.addEventListener("scroll", remember, { passive: true });
    return () => element?.removeEventListener("scroll", remember);
  }, []);
  return main;
}

/** Scrolls there now and while content arrives, until it is reached, somebody scrolls, or it takes too long. */
function restore(element: HTMLElement, position: number): () => void {
  const stop = new AbortController();
  const observer = new MutationObserver(scroll);
  const finish = (): void => {
    stop.abort();
    observer.disconnect();
  };
  function scroll(): void {
    element.scrollTo(0, position);
    if (element.scrollTop >= position) finish();
  }
  const options = { signal: stop.signal, passive: true };
  for (const event of ["wheel", "touchmove", "keydown", "pointerdown"])
    element.addEventListener(event, finish, options);
  observer.observe(element, { childList: true, subtree: true });
  const timer = setTimeout(finish, MAX_WAIT_MS);
  stop.signal.addEventListener("abort", () => {
    clearTimeout(timer);
  });
  scroll();
  return finish;
}
