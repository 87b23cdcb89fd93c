/** Dates and times as text, by the host's calendar. */

const two = (n: number): string => String(n).padStart(2, '0');

/** Seconds since 1970 as `YYYY-MM-DD hh:mm:ss` in the host's time zone. */
export function localDate(seconds: number): string {
  const date = new Date(seconds * 1000);
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}

/** Seconds since 1970 of `YYYY-MM-DDThh:mm:ss` or `YYYY-MM-DD` in UTC; undefined when it is no such date. */
export function secondsOfDate(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?$/.test(text)) return undefined;
  const milliseconds = Date.parse(text.includes('T') ? `${text}Z` : text);
  // Date.parse takes the 31st of June for the 1st of July.
  if (Number.isNaN(milliseconds) || !new Date(milliseconds).toISOString().startsWith(text)) return undefined;
  return milliseconds / 1000;
}
