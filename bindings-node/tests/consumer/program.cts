import caxton = require("caxton");

async function main(): Promise<void> {
  const rt = new caxton.Runtime();
  const inspection = await caxton.inspect("x.wasm");
  const missing: readonly string[] = inspection.missing;
  console.log(missing);
  const outcome: caxton.Outcome = await rt.contractNet(1, ["a"], { choose: "highest" });
  const answers: readonly caxton.Answer[] = outcome.answers;
  const options: caxton.ContractNetOptions = { choose: () => answers[0] };
  const initiator: caxton.Initiator = rt;
  await initiator.contractNet(1, ["a"], options);
  await rt.close({ timeout: 100 });
}

main().catch((error: unknown) => console.log(error instanceof caxton.CaxtonError));
