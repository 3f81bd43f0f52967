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
    insta::assert_snapshot!(status(&server, &lake, |program| program), @"
    exit 7
    --- stderr
    error: expected a lake in `s3://lakes/lake`, found none
    hint: `load`, `replay` and `demo` make a lake
    ");
    insta::assert_snapshot!(status(&server, "s3://nowhere/lake", |program| program), @"
    exit 7
    --- stderr
    error: cannot list `s3://nowhere/lake`: Generic S3 error: S3 answered 404 `NoSuchBucket`
    hint: check --lake: a lake makes its prefix, never its bucket
    ");
    insta::assert_snapshot!(status(&server, &lake, |program| program.env("AWS_ACCESS_KEY_ID", "OTHER")), @"
    exit 7
    --- stderr
    error: cannot list `s3://lakes/lake`: Generic S3 error: S3 answered 403 `NotSignedUp`: Your account is not signed up
    hint: the credentials must be allowed to list the bucket, and to read, write and delete below the lake
    ");
    insta::assert_snapshot!(status(&server, &lake, |program| program.env("AWS_SECRET_ACCESS_KEY", "other")), @"
    exit 7
    --- stderr
    error: cannot list `s3://lakes/lake`: Generic S3 error: S3 answered 403 `SignatureDoesNotMatch`
    hint: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, and the machine's clock
    ");
    insta::assert_snapshot!(status(&server, &lake, |program| program.env("AWS_SECRET_ACCESS_KEY", "")), @"
    exit 2
    --- stderr
    error: expected `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or neither, found only the id of a key
    ");
    insta::assert_snapshot!(status(&server, &lake, |program| program.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")), @"
    exit 7
    --- stderr
    error: cannot list `s3://lakes/lake`: Generic S3 error: no connection to `http://127.0.0.1:[port]`: Connection refused (os error [n])
    hint: check --store-endpoint and the network, or run again later: what was read is kept
    ");
    insta::assert_snapshot!(status(&server, &lake, |program| program.env("KORE_LAKE_STORE_ALLOW_HTTP", "")), @"
    exit 2
    --- stderr
    error: expected an address with TLS, found `http://127.0.0.1:[port]`
    hint: --store-allow-http allows it: keys and rows can then be read on the way
    ");
    insta::assert_snapshot!(status(&server, &lake, |program| program.env("KORE_LAKE_STORE_ENDPOINT", "127.0.0.1:9")), @"
    exit 2
    --- stderr
    error: expected the address of an object store, such as `https://host:port`, found `127.0.0.1:[port]`
    ");
}
