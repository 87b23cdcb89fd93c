const two = (n: number): string => String(n).padStart(2, '0');

/** Seconds since 1970 as `YYYY-MM-DD hh:mm:ss` in the host's time zone. */
export function localDate(seconds: number): string {
  const date = new Date(seconds * 1000);
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}
