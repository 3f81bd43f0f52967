//! `check`, `completions`: what a load would find, before it is run.

use std::fs;

use serde_json::Value;

use crate::loaded::{Contents, Loaded};
use crate::program::{Program, Ran};
use crate::service::Service;

/// The arguments of a `check` of what `load_line` loads.
fn check_line(service: &Service) -> String {
    service.load_line_of("").replacen("load", "check", 1)
}

/// Runs a check; not one file comes, goes or changes.
#[track_caller]
fn checked(folder: &std::path::Path, program: Program) -> Ran {
    let before = Contents::of(folder);
    let ran = program.run();
    assert_eq!(Contents::of(folder).changed_since(&before), [] as [std::path::PathBuf; 0], "{ran}");
    ran
}

#[test]
fn every_setting_is_shown_with_its_origin_and_the_login_and_the_lake_are_tried() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::small());
    fs::write(folder.path().join("kore-lake.toml"), "concurrency = 8\n").unwrap();
    let line = check_line(&service).replace("--concurrency 1", "--config kore-lake.toml");
    insta::assert_snapshot!(checked(folder.path(), service.program(folder.path(), &line)), @"
    exit 0
    --- stdout
    lake                     ./lake                                   default
    host                     http://127.0.0.1:[port]                   `--host`
    account_id               6a1f0c2de4b58790a3c1d2e4                 `--account-id`
    stream_id                st-5e1a7c30-2b64-5f0d-9a41-c8d2e7f60b13  `--stream-id`
    api                      v2                                       default
    since                    -                                        not set
    rate                     0                                        `--rate`
    concurrency              8                                        key `concurrency` in `kore-lake.toml`
    window                   6d                                       default
    lookback                 3d                                       default
    max_requests             -                                        not set
    max_duration             -                                        not set
    save_pages               -                                        not set
    retry_deadline           5m                                       default
    connect_timeout          10s                                      default
    idle_timeout             60s                                      default
    request_timeout          120s                                     default
    max_page_bytes           64MiB                                    default
    memory_limit             -                                        not set
    spill_dir                -                                        not set
    wait_lock                0s                                       default
    now                      -                                        not set
    single_writer            false                                    default
    store.endpoint           -                                        not set
    store.region             -                                        not set
    store.path_style         -                                        not set
    store.allow_http         false                                    default
    strict                   false                                    default
    allow_downgrade          false                                    default
    allow_http               false                                    default
    ca_file                  -                                        not set
    client_id                cs-8a4f2b16-7d03-5c9e-b1a5-3e60d97c42f8  environment variable `KORE_LAKE_CLIENT_ID`
    jwt_algorithm            HS256                                    default
    jwt_subject              -                                        not set
    jwt_jti                  false                                    default
    output                   text                                     default
    summary                  -                                        not set
    log_format               text                                     default
    progress                 auto                                     default
    token                    -                                        not set
    client_secret            [redacted]                               environment variable `KORE_LAKE_CLIENT_SECRET`
    store.access_key_id      -                                        not set
    store.secret_access_key  -                                        not set
    store.session_token      -                                        not set

    login  ok      account `6a1f0c2de4b58790a3c1d2e4`, stream `st-5e1a7c30-2b64-5f0d-9a41-c8d2e7f60b13`, API v2
    lake   ok      `[folder]/lake` is not there yet and can be made
    ");
    assert!(!folder.path().join("lake").exists());
    assert_eq!(service.running().requests(), 1);
}

#[test]
fn a_check_of_a_lake_that_is_there_changes_nothing_in_it() {
    let loaded = Loaded::new();
    let program = loaded.service.program(loaded.path(), &check_line(&loaded.service));
    let ran = checked(loaded.path(), program);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
    assert!(ran.stdout.ends_with("/lake` can be written\n"), "{ran}");
}

#[test]
fn no_secret_is_shown_however_it_is_given() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::small());
    let settings = service.running().simulator().settings();
    fs::write(folder.path().join("secret.txt"), &settings.client_secret).unwrap();
    fs::write(folder.path().join("file.toml"), "client_secret = { file = \"secret.txt\" }\n").unwrap();
    let line = format!("{} --output json --client-id {}", check_line(&service), settings.client_id);
    let program = |line: &str| Program::new(folder.path(), line);
    for (program, origin) in [
        (
            program(&line).env("KORE_LAKE_CLIENT_SECRET", &settings.client_secret),
            "environment variable `KORE_LAKE_CLIENT_SECRET`",
        ),
        (
            program(&line).env("KORE_LAKE_CLIENT_SECRET_FILE", "secret.txt"),
            "environment variable `KORE_LAKE_CLIENT_SECRET_FILE`",
        ),
        (program(&format!("{line} --config file.toml")), "key `client_secret` in `file.toml`"),
    ] {
        let shown: Value = serde_json::from_str(&program.run().output()).unwrap();
        assert!(!shown.to_string().contains(&settings.client_secret), "{shown}");
        let options = shown["options"].as_array().unwrap();
        let secret = options.iter().find(|option| option["key"] == "client_secret").unwrap();
        assert_eq!((secret["value"].as_str(), secret["origin"].as_str()), (Some("[redacted]"), Some(origin)));
        assert!(shown["checks"].as_array().unwrap().iter().all(|check| check["ok"] == true), "{shown}");
    }
}

/// What a check says after the settings.
#[track_caller]
fn findings(loaded: &Loaded, line: &str, variable: (&str, &str)) -> Ran {
    let mut ran = checked(loaded.path(), loaded.service.program(loaded.path(), line).env(variable.0, variable.1));
    let (_, checks) = ran.stdout.split_once("\n\n").unwrap();
    ran.stdout = checks.to_owned();
    ran
}

#[test]
fn each_failure_is_told_and_the_first_decides_the_exit_code() {
    let loaded = Loaded::new();
    let line = check_line(&loaded.service);
    let url = loaded.service.running().base_url();
    fs::write(loaded.path().join("file"), "text").unwrap();
    let login = ("KORE_LAKE_CLIENT_SECRET", "another");
    insta::assert_snapshot!(findings(&loaded, &line, login), @"
    exit 3
    --- stdout
    login  failed
    lake   ok      `[folder]/lake` can be written
    --- stderr
    error: login refused by `http://127.0.0.1:[port]/agentassist/api/public/analytics/account/6a1f0c2de4b58790a3c1d2e4/v2/interactionDetails` with status 401: `Invalid JWT token (code 4002)`
    hint: check the token, or the client id, its secret and --jwt-algorithm; then --stream-id and the scope `SmartAssist Analytics` of the credentials
    ");
    let nobody = line.replace(&url, "http://127.0.0.1:1");
    insta::assert_snapshot!(findings(&loaded, &format!("{nobody} --retry-deadline 1s -q"), ("UNUSED", "")), @"
    exit 6
    --- stdout
    login  failed
    lake   ok      `[folder]/lake` can be written
    --- stderr
    error: no usable answer to POST `http://127.0.0.1:[port]/agentassist/api/public/analytics/account/6a1f0c2de4b58790a3c1d2e4/v2/interactionDetails?limit=100&offset=0` in [n] attempts over [s] s: no connection: error sending request: client error (Connect): tcp connect error: Connection refused (os error [n])
    hint: check --host and the network, or run again later: what was read is kept
    ");
    insta::assert_snapshot!(findings(&loaded, &format!("{line} --lake file"), ("UNUSED", "")), @"
    exit 7
    --- stdout
    login  ok      account `6a1f0c2de4b58790a3c1d2e4`, stream `st-5e1a7c30-2b64-5f0d-9a41-c8d2e7f60b13`, API v2
    lake   failed
    --- stderr
    error: expected a folder, found a file at `[folder]/file`
    ");
    insta::assert_snapshot!(findings(&loaded, &format!("{line} --lake file"), login), @"
    exit 3
    --- stdout
    login  failed
    lake   failed
    --- stderr
    error: login refused by `http://127.0.0.1:[port]/agentassist/api/public/analytics/account/6a1f0c2de4b58790a3c1d2e4/v2/interactionDetails` with status 401: `Invalid JWT token (code 4002)`
    hint: check the token, or the client id, its secret and --jwt-algorithm; then --stream-id and the scope `SmartAssist Analytics` of the credentials
    error: expected a folder, found a file at `[folder]/file`
    ");
    let elsewhere = line.replace(&url, &format!("{url}/elsewhere"));
    insta::assert_snapshot!(findings(&loaded, &elsewhere, ("UNUSED", "")), @"
    exit 2
    --- stdout
    login  failed
    lake   ok      `[folder]/lake` can be written
    --- stderr
    error: request refused by `http://127.0.0.1:[port]/elsewhere/agentassist/api/public/analytics/account/6a1f0c2de4b58790a3c1d2e4/v2/interactionDetails` with status 404: `Not found (code 404)`
    hint: check --host, --account-id and --api
    ");
    insta::assert_snapshot!(findings(&loaded, "check", ("UNUSED", "")), @"
    exit 2
    --- stdout
    login  failed
    lake   ok      `[folder]/lake` can be written
    --- stderr
    error: expected `--host`, found neither it nor `KORE_LAKE_HOST` nor a key `host` in a configuration file
    ");
}

#[test]
fn completions_name_every_command_whatever_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let program = Program::new(folder.path(), &format!("completions {shell}")).env("KORE_LAKE_NO_OPTION", "1");
        let script = program.run().output();
        for name in ["load", "status", "verify", "completions", "max-requests"] {
            assert!(script.contains(name), "{shell} lacks {name}");
        }
    }
}
