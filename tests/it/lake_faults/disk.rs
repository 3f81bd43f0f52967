//! A disk without room, and one that cannot be written: real ones, mounted for the one process.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::centre::run;
use crate::scene::{Copy, lake_at};
use crate::service::Service;

/// Sizes in KiB: the run stops at another write with each.
const ROOM_KIB: [u32; 9] = [40, 120, 240, 560, 600, 650, 700, 740, 8_000];

/// Whether mounts can be made here that only one process sees.
fn can_mount() -> bool {
    let tried = Command::new("unshare").args(["-rm", "sh", "-c", "mount -t tmpfs x /mnt"]).output();
    let can = tried.is_ok_and(|tried| tried.status.success());
    if !can {
        // Past the capture of passing tests: whoever reads the log is to see it.
        let mut stderr = std::io::stderr().lock();
        writeln!(stderr, "NO MOUNTS HERE (`unshare -rm` is refused): disks are filled by `ulimit -f`").unwrap();
    }
    can
}

/// Runs a script with the load of both days as its arguments, in a folder.
fn script(service: &Service, folder: &Path, mounts: bool, script: &str) -> Output {
    let settings = service.running().simulator().settings();
    let mut command = if mounts { Command::new("unshare") } else { Command::new("sh") };
    if mounts {
        command.args(["-rm", "sh"]);
    }
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_kore-lake")]);
    command.args(service.load_line().split_whitespace()).args(["-q", "--window", "6h"]);
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("KORE_LAKE_CLIENT_ID", &settings.client_id);
    command.env("KORE_LAKE_CLIENT_SECRET", &settings.client_secret).output().unwrap()
}

fn rows(folder: &Path) -> usize {
    let (_keep, folder) = (tempfile::tempdir().unwrap(), folder.to_owned());
    run(async move {
        let copy = Copy { lake: lake_at(&folder), folder: tempfile::tempdir().unwrap() };
        let rows = copy.readable().await.len();
        assert_eq!(copy.left_over(), Vec::<String>::new());
        rows
    })
}

#[test]
fn a_full_disk_is_a_clear_error_and_the_next_run_is_right_once_there_is_room() {
    let service = Service::small();
    let all = service.running().generator().rows();
    let mounts = can_mount();
    let (mut full, mut places) = (0, std::collections::BTreeSet::new());
    for kib in ROOM_KIB {
        let folder = tempfile::tempdir().unwrap();
        let text = if mounts {
            format!(
                "mkdir disk && mount -t tmpfs -o size={kib}k x disk && cd disk && {{ \"$@\"; echo first $?; }} && \
                 mount -o remount,size=64m . && {{ \"$@\"; echo next $?; }} && \"$1\" verify --strict -q; \
                 echo verify $?; cp -r lake ../lake"
            )
        } else {
            // In the shell's blocks of 512 bytes; a process that ignores the signal sees the error.
            format!(
                "trap '' XFSZ; (ulimit -f {}; \"$@\"; echo first $?); \"$@\"; echo next $?; \
                 \"$1\" verify --strict -q; echo verify $?",
                kib / 4
            )
        };
        let Output { stdout, stderr, .. } = script(&service, folder.path(), mounts, &text);
        let (codes, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert!(codes.ends_with("next 0\nverify 0\n"), "{kib} KiB: {codes}{stderr}");
        if !codes.starts_with("first 0") {
            assert!(codes.starts_with("first 7"), "{kib} KiB: {codes}{stderr}");
            let says = if mounts { "No space left on device" } else { "File too large" };
            assert!(stderr.contains("error: cannot ") && stderr.contains(says), "{kib} KiB: {stderr}");
            full += 1;
            let place = stderr.lines().find(|line| line.starts_with("error")).unwrap_or_default();
            places.extend(["conversations", "staging", "ledger"].into_iter().filter(|name| place.contains(name)));
        }
        assert_eq!(rows(folder.path()), all, "{kib} KiB");
    }
    assert!(full >= 4 && full < ROOM_KIB.len(), "{full} of {ROOM_KIB:?} were too small");
    assert!(places.len() >= 2, "{places:?}");
}

#[test]
fn a_lake_that_cannot_be_written_is_a_clear_error_and_loses_nothing() {
    let service = Service::small();
    let all = service.running().generator().rows();
    let folder = tempfile::tempdir().unwrap();
    let filled = script(&service, folder.path(), false, "\"$@\"");
    assert!(filled.status.success(), "{filled:?}");
    if !can_mount() {
        return read_only_by_permission(&service, folder.path(), all);
    }
    let locked = "mount --bind lake lake && mount -o remount,bind,ro lake && exec \"$@\"";
    let Output { status, stderr, .. } = script(&service, folder.path(), true, locked);
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(7), "{stderr}");
    assert!(stderr.contains("Read-only file system") && stderr.contains("lake"), "{stderr}");
    assert_eq!(rows(folder.path()), all);
    assert!(script(&service, folder.path(), false, "\"$@\"").status.success());
    assert_eq!(rows(folder.path()), all);
}

/// Whoever may write anything cannot be kept out so: then this shows that nothing is lost, no more.
fn read_only_by_permission(service: &Service, folder: &Path, all: usize) {
    let locks = folder.join("lake/_kore_lake");
    let free = fs::metadata(&locks).unwrap().permissions();
    let mut shut = free.clone();
    shut.set_readonly(true);
    fs::set_permissions(&locks, shut).unwrap();
    let ran = script(service, folder, false, "\"$@\"");
    fs::set_permissions(&locks, free).unwrap();
    assert!(matches!(ran.status.code(), Some(0 | 7)), "{ran:?}");
    assert!(script(service, folder, false, "\"$@\"").status.success());
    assert_eq!(rows(folder), all);
}
