//! The numbered statements of the checklist for runtimes on AWS Lambda, over both binaries, against the strict
//! emulator. `docs/conformance/aws-lambda.md` is the same list in words; the last test here keeps the two together.

mod aws;
