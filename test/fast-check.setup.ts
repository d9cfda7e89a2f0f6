import fc from "fast-check";

// A fixed seed keeps a green run reproducible; FC_SEED explores.
fc.configureGlobal({ seed: Number(process.env["FC_SEED"] ?? 20260607) });
