//! The command line: exit codes and what is said.

mod support;

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

fn adserver(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_adserver")).args(args).output().expect("the command runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Writes a configuration with its campaigns and keys into `folder`, and returns its path.
fn write_config(folder: &std::path::Path, change: impl Fn(&str) -> String) -> String {
    let file = folder.join("adserver.toml");
    std::fs::write(&file, change(include_str!("../src/demo/demo.toml"))).expect("written");
    std::fs::write(folder.join("campaigns.toml"), include_str!("../src/demo/campaigns.toml")).expect("written");
    support::write_secret(&folder.join("adx-price.keys"), include_str!("fixtures/adx-price.keys"));
    file.to_str().expect("a plain path").to_owned()
}

#[test]
fn check_config_says_what_each_intensity_means() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = write_config(folder.path(), str::to_owned);
    let output = adserver(&["check-config", &file]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(said.contains("more than 5 crashes in 10 s takes google_adx to degraded"), "{said}");
    assert!(said.contains("  more than 5 crashes in 10 s of its listener closes its connections"), "{said}");
    assert!(said.contains("in exchanges, regions or sockets counts as one crash of the root's"), "{said}");
    assert!(said.contains("5 campaigns in "), "{said}");
}

#[test]
fn check_config_warns_of_what_is_sound_and_would_not_serve() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = write_config(folder.path(), |text| text.replacen("path = \"", "path = \"nowhere/", 1));
    std::fs::write(folder.path().join("campaigns.toml"), "").expect("written");
    let output = adserver(&["check-config", &file]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(said.contains("campaigns.toml: no campaign: nothing is bid on"), "{said}");
    assert!(said.contains("nowhere: no such folder here"), "{said}");
}

#[test]
fn check_config_names_file_line_and_key() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = write_config(folder.path(), |text| text.replacen("tmax = \"150ms\"", "tmax = \"150\"", 1));
    let line =
        std::fs::read_to_string(&file).expect("read").lines().position(|row| row == "tmax = \"150\"").expect("there")
            + 1;
    let output = adserver(&["check-config", &file]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(&format!("adserver.toml:{line}: `exchange[2].tmax`: ")), "{said}");
}

#[test]
fn price_keys_that_others_can_read_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = write_config(folder.path(), str::to_owned);
    let keys = folder.path().join("adx-price.keys");
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o640)).expect("changed");
    let output = adserver(&["check-config", &file]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("adx-price.keys") && said.contains("mode 0640") && said.contains("chmod 0600"), "{said}");
}

#[test]
fn check_config_names_the_line_in_the_campaigns_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = write_config(folder.path(), str::to_owned);
    let campaigns = folder.path().join("campaigns.toml");
    let broken = include_str!("../src/demo/campaigns.toml").replacen("bid_cpm = \"1.60\"", "bid_cpm = \"-1.60\"", 1);
    let line = broken.lines().position(|row| row == "bid_cpm = \"-1.60\"").expect("there") + 1;
    std::fs::write(&campaigns, broken).expect("written");
    let output = adserver(&["check-config", &file]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(&format!("campaigns.toml:{line}: ")), "{said}");
}

#[test]
fn check_config_warns_of_weights_that_have_no_effect_and_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = write_config(folder.path(), str::to_owned);
    let weighed = include_str!("../src/demo/campaigns.toml").replacen(
        "pacing = \"even\"",
        "utc_offset = \"+07:00\"\nhour_weights = [\"mon-sun 0-24: 2\", \"mon-sun: 3\"]",
        1,
    );
    let line = weighed.lines().position(|row| row.starts_with("hour_weights")).expect("there") + 1;
    std::fs::write(folder.path().join("campaigns.toml"), weighed).expect("written");
    let output = adserver(&["check-config", &file]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "a warning is no error: {said}{}", text(&output.stderr));
    let warning = |what: &str| {
        said.lines().any(|row| {
            row.starts_with("warning: ") && row.contains(&format!("line {line}: campaign ")) && row.contains(what)
        })
    };
    assert!(warning("sat,sun 0-24: 2\" has no effect: later lines name all its hours; remove it"), "{said}");
    assert!(warning("weighs 3, which is an even plan: remove the lines"), "{said}");
}

#[test]
fn a_demonstration_ends_by_itself_and_its_records_agree() {
    let output = adserver(&["demo", "--for", "3s", "--seed", "7"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    assert!(said.contains("agree to the nano-dollar"), "{said}");
    assert!(said.contains("t=1s requests/s="), "plain lines on a pipe: {said}");
    assert!(!said.contains('\x1b'), "no terminal codes on a pipe: {said}");
}

/// Starts a command, waits until it has printed or logged a line with `ready`, sends a signal, and waits for its end.
fn signalled(args: &[&str], signal: &str, ready: &str) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_adserver"))
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let out = BufReader::new(child.stdout.take().expect("piped"));
    let log = BufReader::new(child.stderr.take().expect("piped"));
    let (lines, said) = std::sync::mpsc::channel();
    let log_lines = lines.clone();
    let readers = [
        std::thread::spawn(move || out.lines().map_while(Result::ok).for_each(|line| drop(lines.send(line)))),
        std::thread::spawn(move || log.lines().map_while(Result::ok).for_each(|line| drop(log_lines.send(line)))),
    ];
    let mut all = String::new();
    while let Ok(line) = said.recv_timeout(support::WITHIN) {
        all.push_str(&line);
        all.push('\n');
        if line.contains(ready) {
            break;
        }
    }
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success(), "{all}");
    let status = child.wait().expect("it ends");
    readers.into_iter().for_each(|reader| drop(reader.join()));
    said.try_iter().for_each(|line| all.push_str(&format!("{line}\n")));
    (status.code(), all)
}

#[test]
fn ctrl_c_drains_a_demonstration() {
    let (code, said) = signalled(&["demo"], "-INT", "t=1s");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("agree to the nano-dollar"), "{said}");
}

#[test]
fn sigterm_drains_a_server() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = write_config(folder.path(), |text| text.replace("log = \"warn\"", "log = \"info\""));
    let (code, said) = signalled(&["serve", "--config", &file], "-TERM", "serving");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("stopped"), "{said}");
}

#[test]
fn the_service_manager_is_told_that_it_serves_lives_and_drains() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = write_config(folder.path(), str::to_owned);
    let manager = std::os::unix::net::UnixDatagram::bind(folder.path().join("notify.sock")).expect("a socket");
    manager.set_read_timeout(Some(support::WITHIN)).expect("a time-out");
    let told = |what: &str| {
        let mut datagram = [0; 1_024];
        while let Ok(bytes) = manager.recv(&mut datagram) {
            if text(&datagram[..bytes]).lines().any(|line| line == what) {
                return;
            }
        }
        panic!("{what} was not told within {:?}", support::WITHIN);
    };
    let mut server = Command::new(env!("CARGO_BIN_EXE_adserver"))
        .args(["serve", "--config", &file])
        .env("NOTIFY_SOCKET", folder.path().join("notify.sock"))
        .env("WATCHDOG_USEC", "200000")
        .spawn()
        .expect("the command runs");
    told("READY=1");
    (0..3).for_each(|_| told("WATCHDOG=1"));
    let sent = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    told("STOPPING=1");
    assert!(server.wait().expect("it ends").success());
}

#[test]
fn a_server_whose_port_is_taken_says_which() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let file = write_config(folder.path(), |text| text.replacen("127.0.0.1:0", &address, 1));
    let output = adserver(&["serve", "--config", &file]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
}

#[test]
fn a_chaos_point_that_is_not_there_is_refused_with_those_that_are() {
    let output = adserver(&["serve", "--config", "adserver.toml", "--arm", "engine.spinn"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("engine.spinn") && said.contains("there are parser.negative_floor, "), "{said}");
}
