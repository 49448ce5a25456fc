// Sizes in binary units with one decimal.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

export function bytes(amount: number): string {
  const unit = unitOf(amount);
  return `${inUnit(amount, unit)} ${UNITS[unit] ?? ""}`;
}

/** `1.5 of 4.0 TiB`; `20.0 GiB of 1.0 TiB` if the smaller amount needs a smaller unit. */
export function bytesOf(usage: number, total: number): string {
  const unit = unitOf(total);
  const part = usage === 0 || unitOf(usage) === unit ? inUnit(usage, unit) : bytes(usage);
  return `${part} of ${bytes(total)}`;
}

function unitOf(amount: number): number {
  let unit = 0;
  // 1023.95 and above would be shown as 1024.0 of the smaller unit.
  for (let value = amount; value >= 1023.95 && unit < UNITS.length - 1; value /= 1024) unit += 1;
  return unit;
}

function inUnit(amount: number, unit: number): string {
  return unit === 0 || amount === 0 ? amount.toString() : (amount / 1024 ** unit).toFixed(1);
}
