/** A process of its own for DuckDB: runs the query given as its argument on two threads and says how long it took. */
import { DuckDBInstance } from "@duckdb/node-api";

const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
const connection = await instance.connect();
const startedMs = performance.now();
await connection.run(process.argv[2] ?? "");
const seconds = (performance.now() - startedMs) / 1000;
const rows = await connection.runAndReadAll("SELECT count(*) FROM read_json(?)", [process.argv[3] ?? ""]);
process.send?.({ seconds, records: Number(rows.getRows()[0]?.[0]) });
process.disconnect();
