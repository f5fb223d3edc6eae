// What a browser says of its network, its page and its sleep, as events of a policy. Where there is no window and no document,
// as in Node and in workers, what is there is heard.

/** Tells `driver` until the returned function is called. `page` is called with whether this page is kept to come back. */
export function listen(driver, page, { window = globalThis, document = window.document } = {}) {
  const heard = [];
  const on = (target, names, then) => {
    for (const name of names.split(' ')) {
      target?.addEventListener?.(name, then);
      heard.push(() => target?.removeEventListener?.(name, then));
    }
  };
  const network = () => driver.tell(window.navigator?.onLine === false ? 'net_down' : 'net_up');
  const visibility = () => driver.tell(document.visibilityState === 'hidden' ? 'hidden' : 'visible');
  let frozen;
  const freeze = () => (frozen ??= driver.now());
  const thaw = () => {
    if (frozen !== undefined) driver.tell('woke', { span: (driver.now() - frozen) * 1000, first: 1 });
    frozen = undefined;
  };
  on(window, 'online offline', network);
  on(document, 'visibilitychange', visibility);
  on(document, 'freeze', freeze);
  on(document, 'resume', thaw);
  on(window, 'pagehide', ({ persisted }) => {
    if (!persisted) return;
    freeze();
    page(true);
  });
  on(window, 'pageshow', ({ persisted }) => {
    if (!persisted) return;
    thaw();
    page(false);
  });
  if (window.navigator?.onLine === false) network();
  if (document?.visibilityState === 'hidden') visibility();
  return () => heard.forEach((stop) => stop());
}
