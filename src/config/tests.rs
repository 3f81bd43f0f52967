use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use super::options::{DEFAULTS, SECRETS};
use super::{Environment, Login, OPTIONS, Options, Origin, Settings};

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn layered(flags: &[(&str, &str)], environment: &[(&str, &str)], file: Option<&str>) -> Result<Options, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    if let Some(text) = file {
        fs::write(&path, text).unwrap();
    }
    let named = file.map(|_| path.as_path());
    let options = Options::layered(map(flags), map(environment), named);
    options.map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "DIR"))
}

fn refused(flags: &[(&str, &str)]) -> String {
    Settings::resolve(&layered(flags, &[], None).unwrap()).unwrap_err().to_string()
}

#[test]
fn the_reference_names_every_option_and_no_other() {
    let mut table = String::new();
    let mut names = |line: &str| {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = format!("{name}.");
        }
        let line = line.trim_start_matches("# ");
        let (key, value) = line.split_once(" = ")?;
        let is_key = !value.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        is_key.then(|| format!("{table}{key}"))
    };
    let mut documented: Vec<_> = DEFAULTS.lines().filter_map(&mut names).collect();
    let mut options: Vec<_> = OPTIONS.iter().map(|option| option.key).chain(SECRETS.iter().copied()).collect();
    documented.sort_unstable();
    options.sort_unstable();
    assert_eq!(documented, options);
}

#[test]
fn the_defaults_resolve() {
    let settings = Settings::resolve(&layered(&[], &[], None).unwrap()).unwrap();
    assert_eq!((settings.rate, settings.lake.as_str()), (50, "./lake"));
    assert!(settings.memory_limit_bytes >= 64 << 20);
    let days = |duration: Duration| duration.as_secs() / 86_400;
    assert_eq!((days(settings.window), days(settings.lookback)), (6, 3));
    assert_eq!((settings.since, settings.max_requests, settings.max_duration), (None, None, None));
}

#[test]
fn a_flag_counts_before_a_variable_before_the_file_before_the_default() {
    let file = Some("rate = 3\nconcurrency = 3\nwindow = \"3h\"");
    let variables = [("KORE_LAKE_RATE", "2"), ("KORE_LAKE_CONCURRENCY", "2")];
    let options = layered(&[("rate", "1")], &variables, file).unwrap();
    let settings = Settings::resolve(&options).unwrap();
    assert_eq!((settings.rate, settings.concurrency, settings.window.as_secs()), (1, 2, 3 * 3600));
    assert_eq!(options.get("rate").unwrap().0, &Origin::Flag("--rate".to_owned()));
    assert_eq!(options.get("api").unwrap().0, &Origin::Default("api".to_owned()));
}

#[test]
fn an_unknown_key_is_named_with_its_file() {
    insta::assert_snapshot!(layered(&[], &[], Some("raet = 3")).unwrap_err(), @"unknown key `raet` in the configuration file `DIR/c.toml`");
    insta::assert_snapshot!(layered(&[], &[("KORE_LAKE_RAET", "3")], None).unwrap_err(), @"unknown environment variable `KORE_LAKE_RAET`");
}

#[test]
fn a_bad_value_is_named_with_its_origin() {
    insta::assert_snapshot!(refused(&[("rate", "fast")]), @"`--rate`: expected requests a minute, 0 to 1000000, found `fast`");
    insta::assert_snapshot!(refused(&[("window", "7d")]), @"`--window`: expected a duration of at least 1s and below 7d, found `7d`");
    insta::assert_snapshot!(refused(&[("account_id", "a/b")]), @"`--account-id`: expected an id of letters, digits, `.`, `_`, `-`, found `a/b`");
    insta::assert_snapshot!(refused(&[("memory_limit", "1MiB")]), @"`--memory-limit`: expected a size of at least 32MiB, such as `512MiB` or `2GiB`, found `1MiB`");
    insta::assert_snapshot!(refused(&[("max_page_bytes", "1023")]), @"`--max-page-bytes`: expected a size of at least 1KiB, such as `64MiB`, found `1023`");
    insta::assert_snapshot!(refused(&[("progress", "maybe")]), @"`--progress`: expected `auto`, `always` or `never`, found `maybe`");
    insta::assert_snapshot!(refused(&[("since", "yesterday")]), @"`--since`: expected a date or an RFC 3339 time, found `yesterday`");
    insta::assert_snapshot!(refused(&[("lookback", "2years")]), @"`--lookback`: expected a duration of at most 366d, such as `3d`, found `2years`");
    insta::assert_snapshot!(refused(&[("max_requests", "0")]), @"`--max-requests`: expected a number of requests, at least 1, found `0`");
    insta::assert_snapshot!(refused(&[("max_duration", "10ms")]), @"`--max-duration`: expected a duration such as `90s`, `15m`, `26h`, `3d`, found `10ms`");
    let options = layered(&[], &[("KORE_LAKE_STRICT", "yes")], None).unwrap();
    insta::assert_snapshot!(Settings::resolve(&options).unwrap_err(), @"environment variable `KORE_LAKE_STRICT`: expected `true` or `false`, found `yes`");
}

#[test]
fn secrets_come_by_reference_and_are_never_shown() {
    let login = |environment: &[(&str, &str)], file: Option<&str>| {
        Settings::login(&layered(&[], environment, file).unwrap()).map_err(|error| error.to_string())
    };
    let client = [("KORE_LAKE_CLIENT_ID", "cs-1"), ("KORE_LAKE_CLIENT_SECRET", "hush")];
    let found = login(&client, None).unwrap();
    assert_eq!(found, Login::Client { id: "cs-1".to_owned(), secret: "hush".to_owned() });
    assert!(!format!("{found:?}").contains("hush"));
    assert_eq!(login(&[("MINE", " jwt\n")], Some("token = { env = \"MINE\" }")), Ok(Login::Token("jwt".to_owned())));
    assert!(login(&[], Some("token = \"jwt\"")).unwrap_err().contains("found the secret itself"));
    assert!(!login(&[], Some("token = \"jwt\"")).unwrap_err().contains("jwt"));
    insta::assert_snapshot!(login(&[], None).unwrap_err(), @"expected a login, `KORE_LAKE_TOKEN` or `KORE_LAKE_CLIENT_ID` with `KORE_LAKE_CLIENT_SECRET`, found neither");
    insta::assert_snapshot!(login(&[("KORE_LAKE_TOKEN_FILE", "/nowhere")], None).unwrap_err(), @"environment variable `KORE_LAKE_TOKEN_FILE`: expected a secret in file `/nowhere`, found No such file or directory (os error 2)");
}

#[test]
fn an_empty_variable_is_none() {
    let environment: Environment = map(&[("KORE_LAKE_RATE", "")]);
    let options = Options::layered(BTreeMap::new(), environment, None).unwrap();
    assert_eq!(Settings::resolve(&options).unwrap().rate, 50);
}

#[test]
fn the_store_is_told_by_its_table_by_our_variables_and_by_the_usual_ones() {
    let file = Some("[store]\nregion = \"of-file\"\nallow_http = true\naccess_key_id = { env = \"ID\" }");
    let region = |environment: &[(&str, &str)]| {
        let options = layered(&[], environment, file).unwrap();
        let settings = Settings::resolve(&options).unwrap();
        assert!(settings.store_allow_http);
        (settings.store_region.unwrap(), options.get("store.region").unwrap().0.layer())
    };
    assert_eq!(region(&[]), ("of-file".to_owned(), "file"));
    assert_eq!(region(&[("AWS_DEFAULT_REGION", "usual")]), ("usual".to_owned(), "environment"));
    assert_eq!(
        region(&[("AWS_REGION", "usual"), ("KORE_LAKE_STORE_REGION", "ours")]),
        ("ours".to_owned(), "environment")
    );
    assert!(layered(&[], &[], Some("[store]\nregoin = \"x\"")).unwrap_err().contains("unknown key `store.regoin`"));
    insta::assert_snapshot!(layered(&[], &[("KORE_LAKE_STORE_REGOIN", "3")], None).unwrap_err(), @"unknown environment variable `KORE_LAKE_STORE_REGOIN`");
    insta::assert_snapshot!(refused(&[("store.path_style", "maybe")]), @"`--store-path-style`: expected `true` or `false`, found `maybe`");
}

#[test]
fn keys_to_a_bucket_come_together_and_by_reference_and_are_never_shown() {
    let keys = |environment: &[(&str, &str)], file: Option<&str>| {
        let options = layered(&[], environment, file).unwrap();
        assert!(!format!("{:?}", options.shown()).contains("hush"));
        Settings::bucket_keys(&options).map_err(|error| error.to_string())
    };
    let usual = [("AWS_ACCESS_KEY_ID", "hush-1"), ("AWS_SECRET_ACCESS_KEY", "hush-2"), ("AWS_SESSION_TOKEN", "hush-3")];
    let found = keys(&usual, None).unwrap().unwrap();
    assert_eq!((found.access_key_id.as_str(), found.session_token.as_deref()), ("hush-1", Some("hush-3")));
    assert!(!format!("{found:?}").contains("hush"));
    let file = "[store]\naccess_key_id = { env = \"ID\" }\nsecret_access_key = { env = \"KEY\" }";
    let found = keys(&[("ID", "hush-4"), ("KEY", "hush-5")], Some(file)).unwrap().unwrap();
    assert_eq!((found.secret_access_key.as_str(), found.session_token), ("hush-5", None));
    assert_eq!(keys(&[], None), Ok(None));
    insta::assert_snapshot!(keys(&usual[..1], None).unwrap_err(), @"expected `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or neither, found only the id of a key");
}
