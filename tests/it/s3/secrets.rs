//! Keys, tokens and signatures stand in requests to the bucket, and nowhere else.

use super::program::OnS3;
use super::server::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN};
use crate::loaded::Contents;

/// What a signed request has in it, beside the secrets themselves.
const SIGNED: [&str; 3] = ["AWS4-HMAC-SHA256 Credential", "X-Amz-Signature", "Signature="];

#[test]
fn no_secret_of_a_bucket_is_ever_shown() {
    let on_s3 = OnS3::new("lake");
    let check = on_s3.service.load_line().replacen("load", "check", 1);
    let check = check.split(" --from").next().unwrap().to_owned();
    let load = on_s3.service.load_line() + " --summary summary.json --save-pages pages";
    let mut shown = String::new();
    for line in [load.as_str(), "status", "query -c VALUES(1)", "verify", check.as_str()] {
        for format in ["text", "json"] {
            let ran = on_s3.program(&format!("{line} -vvv --log-format {format}")).run();
            assert_eq!(ran.code, 0, "{line}\n{ran}");
            shown += &(ran.stdout + &ran.stderr);
        }
        for (name, value) in [("AWS_SECRET_ACCESS_KEY", "planted-other"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:1")] {
            let fails = on_s3.program(&format!("{line} -vvv")).env("KORE_LAKE_RETRY_DEADLINE", "1s");
            let ran = fails.env(name, value).run();
            assert_eq!(ran.code, 7, "{line}\n{ran}");
            shown += &(ran.stdout + &ran.stderr);
        }
    }
    assert!(shown.len() > 10_000, "the logs of -vvv were expected, found {}", shown.len());
    let files = Contents::of(on_s3.folder.path()).text();
    for secret in [SECRET_ACCESS_KEY, SESSION_TOKEN, ACCESS_KEY_ID, "planted-"].iter().chain(&SIGNED) {
        for (place, text) in [("output", &shown), ("files", &files)] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "`{secret}` in {place}");
        }
    }
}
