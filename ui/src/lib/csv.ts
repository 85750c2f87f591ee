/// What is on screen as a file.

export type Cell = string | number | null;

export interface Sheet {
  name: string;
  columns: string[];
  rows: Cell[][];
}

function csv_cell(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  // A spreadsheet runs text that begins like this; an apostrophe keeps it text.
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return `"${text.replaceAll('"', '""')}"`;
}

export function to_csv(sheet: Sheet): string {
  const lines = [sheet.columns, ...sheet.rows].map((row) => row.map(csv_cell).join(','));
  return `${lines.join('\r\n')}\r\n`;
}

export function to_ndjson(sheet: Sheet): string {
  return sheet.rows
    .map((row) => {
      const entries = sheet.columns.map((column, i) => [column, row[i] ?? null]);
      return `${JSON.stringify(Object.fromEntries(entries))}\n`;
    })
    .join('');
}

export function file_name(sheet: Sheet, ending: string): string {
  const stem = sheet.name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
  return `footfall-${stem}.${ending}`;
}

/// Hands the browser a file to save.
export function save(text: string, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
