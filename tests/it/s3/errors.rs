//! What does not work is said in one line, with what to do about it.

use super::server::{BUCKET, S3Server};
use crate::program::{Program, Ran};

fn status(server: &S3Server, lake: &str, change: impl Fn(Program) -> Program) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let program = server.program(Program::new(folder.path(), &format!("status --lake {lake}")));
    change(program.env("KORE_LAKE_RETRY_DEADLINE", "1s")).run()
}

#[test]
fn what_is_wrong_with_a_bucket_is_said_in_one_line() {
    let server = S3Server::start();
    let lake = format!("s3://{BUCKET}/lake");
    insta::assert_snapshot!(status(&server, &lake, |program| program), @"");
    insta::assert_snapshot!(status(&server, "s3://nowhere/lake", |program| program), @"");
    insta::assert_snapshot!(status(&server, &lake, |program| program.env("AWS_ACCESS_KEY_ID", "OTHER")), @"");
    insta::assert_snapshot!(status(&server, &lake, |program| program.env("AWS_SECRET_ACCESS_KEY", "other")), @"");
    insta::assert_snapshot!(status(&server, &lake, |program| program.env("AWS_SECRET_ACCESS_KEY", "")), @"");
    insta::assert_snapshot!(status(&server, &lake, |program| program.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")), @"");
    insta::assert_snapshot!(status(&server, &lake, |program| program.env("KORE_LAKE_STORE_ALLOW_HTTP", "")), @"");
    insta::assert_snapshot!(status(&server, &lake, |program| program.env("KORE_LAKE_STORE_ENDPOINT", "127.0.0.1:9")), @"");
}
