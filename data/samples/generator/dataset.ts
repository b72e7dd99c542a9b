// The shape of a generated dataset: where its file lies, as on the Hub, and its rows.
export interface JsonDataset {
  format: 'json';
  path: string;
  rows: Record<string, string>[];
}

export interface Message {
  content: string;
  role: 'user' | 'assistant';
}

export type Cell = string | null | Message[];

export type ColumnType = 'string' | 'null' | 'messages';

export interface ParquetDataset {
  format: 'parquet';
  path: string;
  columns: Record<string, ColumnType>;
  rows: Record<string, Cell>[];
}

export type Dataset = JsonDataset | ParquetDataset;
