import caxton = require("caxton");

async function main(): Promise<void> {
  const rt = new caxton.Runtime();
  const inspection = await caxton.inspect("x.wasm");
  const missing: readonly string[] = inspection.missing;
  console.log(missing);
  await rt.close({ timeout: 100 });
}

main().catch((error: unknown) => console.log(error instanceof caxton.CaxtonError));
