//! Compiled components on disk: what comes back from there, and what doesn't.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, UNIX_EPOCH},
};

use martlet_domain::{Digest, Timestamp};
use martlet_plugin_host::{Cache, CacheError, Host, HostConfig, Loaded, Swept};
use tempfile::TempDir;

use crate::support::*;

const NOW: i64 = 1_790_000_000_000;
const DAY: Duration = Duration::from_secs(86_400);

/// Bytes that differ each time, as others would be drawn.
fn draw() -> [u8; 32] {
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    *Digest::of(&DRAWN.fetch_add(1, Ordering::SeqCst).to_be_bytes()).as_bytes()
}

fn open(folder: &Path) -> Result<Cache, CacheError> {
    Cache::open(folder, draw, Box::new(|| Timestamp::from_millis(NOW)))
}

/// A host over a folder, as a process that has just started has one.
fn start(folder: &Path) -> Host {
    start_with(folder, HostConfig { slots: 4, ..HostConfig::default() })
}

fn start_with(folder: &Path, config: HostConfig) -> Host {
    Host::with_cache(config, Some(open(folder).expect("a cache"))).expect("the host starts")
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("it is ours");
    folder
}

fn compiled(compiled: u64) -> Loaded {
    Loaded { compiled, cached: 0 }
}

fn cached(cached: u64) -> Loaded {
    Loaded { compiled: 0, cached }
}

/// Asks a component and shows that it is the one that is meant.
fn answers(host: &Host, bytes: &[u8]) {
    let evaluated = ask(host, bytes);
    assert_eq!(evaluated.evaluation.outcome, nothing());
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path()).collect();
    files.sort();
    files
}

/// The only entry, or that of a component.
fn entry(folder: &Path, bytes: &[u8]) -> PathBuf {
    let digest = Digest::of(bytes).to_string();
    let mut found = files(folder).into_iter().filter(|file| {
        file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&format!("{digest}.")))
    });
    let entry = found.next().expect("an entry");
    assert_eq!(found.next(), None);
    entry
}

/// A promotion unlike all others of another number.
fn numbered(number: u32) -> Vec<u8> {
    promotion_with("8", &format!("(func (result i32) (i32.const {number}))"), "(i32.const 16)")
}

#[test]
fn a_start_over_a_warm_folder_compiles_nothing() {
    let folder = folder();
    let components = [numbered(1), numbered(2), built("percentage-off")];
    let first = start(folder.path());
    components.iter().for_each(|bytes| drop(first.load(bytes).expect("it loads")));
    assert_eq!(first.loaded(), compiled(3));
    let burnt = ask(&first, &components[2]).evaluation;

    let second = start(folder.path());
    answers(&second, &components[0]);
    answers(&second, &components[1]);
    assert_eq!(ask(&second, &components[2]).evaluation, burnt, "the same answer for the same fuel");
    assert_eq!(second.loaded(), cached(3));
    // What is in memory is counted once.
    answers(&second, &components[0]);
    assert_eq!(second.loaded(), cached(3));
}

#[test]
fn the_limits_hold_for_what_comes_from_the_cache() {
    let folder = folder();
    start(folder.path()).load(&endless()).expect("it loads");
    let host = start(folder.path());
    assert_eq!(ask(&host, &endless()).evaluation.outcome, failed(martlet_domain::quote::Failure::OutOfFuel));
    assert_eq!(host.loaded(), cached(1));
}

#[test]
fn what_does_not_fit_the_pool_is_kept_too() {
    let folder = folder();
    // More tables than a slot has.
    let tables = "(table 1 funcref)".repeat(9);
    let bytes = promotion_with("8", &tables, "(i32.const 16)");
    let first = start(folder.path());
    answers(&first, &bytes);
    assert_eq!(first.loaded(), compiled(1));
    assert!(entry(folder.path(), &bytes).to_string_lossy().ends_with(".on-demand"));
    let second = start(folder.path());
    answers(&second, &bytes);
    assert_eq!(second.loaded(), cached(1));
    // Where it would fit it isn't taken for what does not.
    let wider = HostConfig { slots: 4, memory_bytes: 32 << 20, ..HostConfig::default() };
    let third = start_with(folder.path(), wider);
    answers(&third, &bytes);
    assert_eq!(third.loaded(), compiled(1));
}

#[test]
fn an_entry_that_was_changed_is_removed_and_made_again() {
    let folder = folder();
    let bytes = quiet();
    answers(&start(folder.path()), &bytes);
    let path = entry(folder.path(), &bytes);
    let sound = fs::read(&path).expect("an entry");
    // Magic, version and length of the header; the MAC; code at its begin, in the middle and at its end.
    for place in [0, 11, 12, 19, 20, 51, 52, sound.len() / 2, sound.len() - 1] {
        let mut changed = sound.clone();
        changed[place] ^= 1;
        fs::write(&path, changed).expect("a write");
        let host = start(folder.path());
        answers(&host, &bytes);
        assert_eq!(host.loaded(), compiled(1), "byte {place}");
        assert_eq!(fs::read(&path).expect("an entry")[..20], sound[..20], "byte {place}");
        let host = start(folder.path());
        answers(&host, &bytes);
        assert_eq!(host.loaded(), cached(1), "byte {place}");
    }
}

#[test]
fn an_entry_that_was_cut_or_grew_is_made_again() {
    let folder = folder();
    let bytes = quiet();
    answers(&start(folder.path()), &bytes);
    let path = entry(folder.path(), &bytes);
    let sound = fs::read(&path).expect("an entry");
    let longer = [&sound[..], b"\0"].concat();
    for changed in [&[][..], &sound[..1], &sound[..20], &sound[..52], &sound[..sound.len() - 1], &longer] {
        fs::write(&path, changed).expect("a write");
        let host = start(folder.path());
        answers(&host, &bytes);
        assert_eq!(host.loaded(), compiled(1), "{} bytes", changed.len());
    }
}

#[test]
fn code_of_another_component_is_not_taken_for_it() {
    let folder = folder();
    let (one, other) = (numbered(1), numbered(2));
    let first = start(folder.path());
    answers(&first, &one);
    answers(&first, &other);
    let (path, taken) = (entry(folder.path(), &one), entry(folder.path(), &other));
    fs::rename(&taken, &path).expect("a rename");
    let host = start(folder.path());
    answers(&host, &one);
    assert_eq!(host.loaded(), compiled(1));
}

#[test]
fn code_for_another_engine_is_not_taken_for_its_own() {
    let folder = folder();
    let bytes = quiet();
    answers(&start(folder.path()), &bytes);
    let other = HostConfig { slots: 4, memory_bytes: 32 << 20, ..HostConfig::default() };
    let host = start_with(folder.path(), other);
    answers(&host, &bytes);
    assert_eq!(host.loaded(), compiled(1));
    assert_eq!(files(folder.path()).len(), 3, "the key and two entries");
    answers(&start(folder.path()), &bytes);
}

#[test]
fn code_that_was_signed_with_another_key_is_none() {
    let (folder, elsewhere) = (folder(), folder());
    let bytes = quiet();
    answers(&start(folder.path()), &bytes);
    answers(&start(elsewhere.path()), &bytes);
    fs::copy(entry(elsewhere.path(), &bytes), entry(folder.path(), &bytes)).expect("a copy");
    let host = start(folder.path());
    answers(&host, &bytes);
    assert_eq!(host.loaded(), compiled(1));
    // A new key makes everything anew.
    fs::remove_file(folder.path().join("key")).expect("it goes");
    let host = start(folder.path());
    answers(&host, &bytes);
    assert_eq!(host.loaded(), compiled(1));
    let host = start(folder.path());
    answers(&host, &bytes);
    assert_eq!(host.loaded(), cached(1));
}

#[test]
fn what_is_refused_takes_no_room() {
    let folder = folder();
    let host = start(folder.path());
    let items = "(func $start unreachable) (start $start)";
    host.load(&promotion_with("8", items, "(i32.const 16)")).expect_err("it doesn't start");
    assert_eq!(files(folder.path()), [folder.path().join("key")]);
}

#[test]
fn a_folder_that_can_not_be_written_to_is_read() {
    let folder = folder();
    let warm = numbered(1);
    answers(&start(folder.path()), &warm);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).expect("it is read only");
    let host = start(folder.path());
    answers(&host, &warm);
    assert_eq!(host.loaded(), cached(1));
    // Nobody but the superuser can keep this one.
    answers(&host, &numbered(2));
    assert_eq!(host.loaded(), Loaded { compiled: 1, cached: 1 });
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("it can be removed");
}

/// Not even the superuser writes over a folder or removes it as if it were a file.
#[test]
fn an_entry_that_can_be_neither_read_nor_written_nor_removed_is_no_reason_to_refuse() {
    let folder = folder();
    let bytes = quiet();
    answers(&start(folder.path()), &bytes);
    let path = entry(folder.path(), &bytes);
    fs::remove_file(&path).expect("it goes");
    fs::create_dir_all(path.join("full")).expect("a folder");
    let host = start(folder.path());
    answers(&host, &bytes);
    assert_eq!(host.loaded(), compiled(1));
    assert_eq!(files(folder.path()), [path, folder.path().join("key")], "and nothing half-written");
}

#[test]
fn hosts_that_start_at_once_over_an_empty_folder_agree() {
    let folder = folder();
    // Not made yet either.
    let folder = folder.path().join("cache/of/components");
    let components: Vec<Vec<u8>> = (0..3).map(numbered).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let config = HostConfig { slots: 2, ..HostConfig::default() };
                let host = start_with(&folder, config);
                components.iter().for_each(|bytes| answers(&host, bytes));
            });
        }
    });
    let host = start_with(&folder, HostConfig { slots: 2, ..HostConfig::default() });
    components.iter().for_each(|bytes| answers(&host, bytes));
    assert_eq!(host.loaded(), cached(3));
    assert_eq!(files(&folder).len(), 4, "the key, three entries and nothing half-written");
    for path in files(&folder).iter().chain([&folder]) {
        let mode = fs::metadata(path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn a_folder_or_key_that_others_have_a_hand_in_is_refused() {
    let folder = folder();
    for mode in [0o720, 0o702, 0o777] {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).expect("it is ours");
        let error = open(folder.path()).expect_err("it is open to others");
        assert!(matches!(error, CacheError::Exposed { .. }), "{error}");
        assert!(error.to_string().contains("can be written to by others"), "{error}");
        Cache::check(folder.path(), draw).expect_err("it is open to others");
    }
    // Others may look.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    assert!(Cache::check(folder.path(), draw).expect("a folder"));
    assert_eq!(files(folder.path()), [] as [PathBuf; 0], "looking changes nothing");
    open(folder.path()).expect("a cache");
    let key = folder.path().join("key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).expect("it is ours");
    let error = open(folder.path()).expect_err("others know the key");
    assert!(error.to_string().contains("can be read by others"), "{error}");
    Cache::check(folder.path(), draw).expect_err("others know the key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("it is ours");
    fs::write(&key, "short").expect("a write");
    let error = open(folder.path()).expect_err("it is no key");
    assert!(matches!(error, CacheError::Unusable { .. }), "{error}");
}

#[test]
fn what_is_no_folder_is_unusable_and_what_is_not_there_is_not_made_by_looking() {
    let folder = folder();
    let missing = folder.path().join("cache");
    assert!(!Cache::check(&missing, draw).expect("nothing there"));
    assert!(!missing.exists());
    fs::write(&missing, "").expect("a file");
    for error in
        [open(&missing).expect_err("it is a file"), Cache::check(&missing, draw).expect_err("it is a file")]
    {
        assert!(matches!(error, CacheError::Unusable { .. }), "{error}");
    }
    // Here nobody makes files, whoever they are.
    let error = open(Path::new("/proc/self/task")).expect_err("no key can be made");
    assert!(matches!(error, CacheError::Unusable { .. }), "{error}");
}

fn use_at(path: &Path, millis: i64) {
    let time = UNIX_EPOCH + Duration::from_millis(u64::try_from(millis).expect("a time"));
    fs::File::open(path).and_then(|file| file.set_modified(time)).expect("it is ours");
}

fn last_use(path: &Path) -> Duration {
    let modified = fs::metadata(path).and_then(|found| found.modified()).expect("a time");
    modified.duration_since(UNIX_EPOCH).expect("after the epoch")
}

#[test]
fn a_use_is_noted_once_a_day() {
    let folder = folder();
    let bytes = quiet();
    answers(&start(folder.path()), &bytes);
    let path = entry(folder.path(), &bytes);
    let now = Duration::from_millis(u64::try_from(NOW).expect("a time"));
    assert_eq!(last_use(&path), now);
    for (age, noted) in [(DAY - Duration::from_secs(1), false), (DAY, true)] {
        let before = i64::try_from((now - age).as_millis()).expect("a time");
        use_at(&path, before);
        answers(&start(folder.path()), &bytes);
        assert_eq!(last_use(&path), if noted { now } else { now - age });
    }
}

#[test]
fn a_sweep_removes_what_nobody_wants_or_uses() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let week = i64::try_from((7 * DAY).as_millis()).expect("a time");
    let (wanted, old, fresh) = (numbered(1), numbered(2), numbered(3));
    let host = start(folder.path());
    [&wanted, &old, &fresh].into_iter().for_each(|bytes| answers(&host, bytes));
    // Of an engine that is no more.
    let entry_of = |bytes: &[u8]| entry(folder.path(), bytes);
    let (kept, gone, young) = (entry_of(&wanted), entry_of(&old), entry_of(&fresh));
    let former = at(&format!("{}.former.pooled", Digest::of(&wanted)));
    let in_use = at(&format!("{}.next.pooled", Digest::of(&old)));
    fs::write(&former, "").expect("a write");
    fs::write(&in_use, "").expect("a write");
    for name in ["notes.txt", "tmp-0123-7", "tmp-0123-8"] {
        fs::write(at(name), "").expect("a write");
    }
    for path in [&kept, &gone, &former, &at("notes.txt"), &at("key")] {
        use_at(path, NOW - week - 1);
    }
    for path in [&young, &in_use] {
        use_at(path, NOW - week);
    }
    use_at(&at("tmp-0123-7"), NOW - 3_600_001);
    use_at(&at("tmp-0123-8"), NOW - 3_600_000);

    let named = BTreeSet::from([Digest::of(&wanted)]);
    let swept = host.sweep_cache(&named, 7 * DAY).expect("a sweep");
    assert_eq!(swept, Some(Swept { entries: 2, temporary: 1 }));
    let mut left = vec![kept, young, in_use, at("key"), at("notes.txt"), at("tmp-0123-8")];
    left.sort();
    assert_eq!(files(folder.path()), left);
    assert_eq!(host.sweep_cache(&named, 7 * DAY).expect("a sweep"), Some(Swept::default()));
    assert_eq!(super::support::host().sweep_cache(&named, 7 * DAY).expect("no cache"), None);
}
